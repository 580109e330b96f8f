// What clients of this region write to federated keys, and what the region writes itself: one transaction an open
// revision, minted when that is committed and gone when it is taken back, so that a refusal uses no dot (federation 3).
import { present } from "../base/index.ts";
import type { Key, LeaseId } from "../base/index.ts";
import { NO_LEASE } from "../store/index.ts";
import type { PutRequest, Refusal } from "../store/index.ts";
import { linkOf } from "./chain.ts";
import { ClientOperationError, decodeClientOperation } from "./client-operation.ts";
import { dotText } from "./dot.ts";
import type { Dot, OriginId, Sequence } from "./dot.ts";
import { carried, keptOf } from "./kept-record.ts";
import type { KeptRecord } from "./kept-record.ts";
import type { AskedOperation } from "./kind-minting.ts";
import { deletionOf, mintedKind } from "./kind-minting.ts";
import { kindChangeOf } from "./kind-rules.ts";
import { steppedRecord } from "./record-step.ts";
import { stateOf } from "./region-core.ts";
import type { RegionCore, Self } from "./region-core.ts";
import { SiblingContextError, decodeSiblingContext } from "./sibling-context.ts";
import { encodeTransaction } from "./transaction-codec.ts";
import { TRANSACTION_LIMITS } from "./transaction-rules.ts";
import type { Lifetime, Operation, Transaction } from "./transaction.ts";
import { mintedWrite } from "./write-minting.ts";
import type { AskedWrite, MintRefusal } from "./write-minting.ts";

/** Of an operation beside its key and value: a bound of what its head, context and birth take. */
const OPERATION_BYTES = 64;
const LOST_BYTES = 4200;
/** Of a transaction beside its operations. */
const HEAD_BYTES = 64 * 1024;

interface Open {
  /** Of the transaction to be; its operations are still to come. */
  readonly head: Transaction;
  readonly self: Self;
  readonly operations: Map<Key, Operation>;
  bytes: number;
  /** Minted even if it has no operation. */
  marks: boolean;
}

export class LocalWrites {
  readonly #core: RegionCore;
  #open: Open | undefined;
  #fault: Refusal | undefined;
  #deps: Transaction["deps"] | undefined;
  #minted = 0;

  constructor(core: RegionCore) {
    this.#core = core;
  }

  /** Transactions minted since this was made. */
  get minted(): number {
    return this.#minted;
  }

  get fault(): Refusal | undefined {
    return this.#fault;
  }

  /** Another origin's transaction was applied: what is minted from here on has seen it. */
  onOthersApplied(): void {
    this.#deps = undefined;
  }

  put(request: PutRequest, value: Uint8Array): void {
    const { key, lease, ignoreLease, siblingContext, operation: asked } = request;
    if (asked !== undefined) {
      this.#operateFor(request, asked);
      return;
    }
    const open = this.#opened(key);
    const kind = this.#core.rules.policyOf(key)?.kind;
    const lifetime = this.#lifetimeOf(key, lease);
    if (lease !== NO_LEASE && lifetime === undefined && !ignoreLease) {
      this.#refuse(refusedWrite(key, "a lease is the region's own, expected none on this key"));
    } else if (kind !== undefined) {
      this.#refuse(refusedWrite(key, `it is a ${kind}, which is operated on and never put`));
    }
    if (open === undefined || this.#fault !== undefined) this.#core.store.show(key, value);
    else this.#write(open, { key, value }, siblingContext, lifetime);
  }

  /** Undefined: none, or the policy of the key lets none in. */
  #lifetimeOf(key: Key, lease: LeaseId): Lifetime | undefined {
    if (this.#core.rules.policyOf(key)?.ttl !== "owner") return undefined;
    const ttlMs = this.#core.store.leases.get(lease)?.ttlMs;
    return ttlMs === undefined ? undefined : { lease, ttlMs };
  }

  /** What of the key ends with a lease that has ended; nothing that it has not seen. */
  expire(key: Key, lease: LeaseId): void {
    const { leased, records, store } = this.#core;
    const dots = leased.endingWith(key, lease);
    const isResident = !records.has(key) && store.visible(key)?.lease === lease;
    if (dots.length > 0) this.decide({ key, action: "expire", dots });
    // From before the key was federated: it ends as it would have then.
    else if (isResident) this.delete(key, undefined);
  }

  /** Why a lease that these keys hang on may not end: nobody would hear of it. */
  barsExpiry(keys: Iterable<Key>): Refusal | undefined {
    const { config, rules } = this.#core;
    if (config === undefined) return undefined;
    for (const key of keys) {
      const stage = rules.policyOf(key)?.progress.stage;
      if (stage === undefined || !this.#core.leased.holds(key)) continue;
      if (this.bar !== undefined) return this.bar;
      if (stage === "closing" || stage === "closed") {
        return refusedWrite(key, "its prefix is leaving the federation");
      }
    }
    return undefined;
  }

  delete(key: Key, siblingContext: Uint8Array | undefined): void {
    const open = this.#opened(key);
    const kind = this.#core.rules.policyOf(key)?.kind;
    if (open === undefined) {
      this.#core.store.show(key, undefined);
    } else if (kind === undefined) {
      this.#write(open, { key }, siblingContext);
    } else {
      const deletion = deletionOf(stateOf(this.#core.records.before(key), kind));
      if ("refused" in deletion) this.#refuse(refusedWrite(key, deletion.text));
      else this.#add(open, { key, action: "kind", operation: deletion }, "local");
      // What was there before the prefix had a kind goes too.
      if (!this.#core.records.has(key)) this.#core.store.show(key, undefined);
    }
  }

  #operateFor({ key, lease }: PutRequest, asked: Uint8Array): void {
    const { config } = this.#core;
    if (config === undefined || lease !== NO_LEASE) {
      this.#refuse(refusedWrite(key, "what is operated on takes no lease"));
      return;
    }
    try {
      this.operate(key, decodeClientOperation(asked, config));
    } catch (error) {
      if (!(error instanceof ClientOperationError)) throw error;
      const message = `hansa: the operation of a kind: ${error.message}`;
      this.#refuse({ kind: "refused", code: "invalid-argument", message });
    }
  }

  /** An operation of a client on a key of a kind. */
  operate(key: Key, asked: AskedOperation): void {
    const kind = this.#core.rules.policyOf(key)?.kind;
    if (kind === undefined) {
      this.#refuse(refusedWrite(key, `it is of no kind, expected a ${asked.kind}`));
      return;
    }
    const open = this.#opened(key);
    if (open === undefined) return;
    const state = stateOf(this.#core.records.before(key), kind);
    const operation = mintedKind(asked, state, open.self.origin);
    if ("refused" in operation) this.#refuse(refusedWrite(key, operation.text));
    else if (open.operations.has(key)) this.#refuse(refusedWrite(key, "it is operated on twice"));
    else this.#add(open, { key, action: "kind", operation }, "local");
  }

  /** An operation that the region itself decided on: a settlement, a resolution. */
  decide(operation: Operation): void {
    const open = this.#openNow();
    if (open !== undefined) this.#add(open, operation, "own");
  }

  /** A key that was there before it was federated: the same value, under a dot; a lease that the prefix lets no in lets go of it. */
  reissue(key: Key, value: Uint8Array): void {
    const open = this.#openNow();
    if (open === undefined) return;
    const { records, store } = this.#core;
    const version = store.visible(key);
    const lifetime = this.#lifetimeOf(key, version?.lease ?? NO_LEASE);
    const put: Operation = { key, action: "put", value, context: "all-seen" };
    const operation = lifetime === undefined ? put : { ...put, lifetime };
    open.operations.set(key, operation);
    const after = steppedRecord(records.before(key), open.head, operation);
    records.set(key, keptOf(key, after, value));
    const isLetGo = version !== undefined && version.lease !== NO_LEASE && lifetime === undefined;
    if (isLetGo) store.show(key, value);
  }

  /** A dot without an operation. */
  mark(): void {
    const open = this.#openNow();
    if (open !== undefined) open.marks = true;
  }

  /** What stands in the way of minting at all. */
  get bar(): Refusal | undefined {
    const { rules, self, forked, clock, strays } = this.#core;
    const bar = rules.barsMint(self?.origin);
    if (bar !== undefined) return refusedText(`hansa: ${bar}`);
    if (clock.isExhausted) return refusedText("hansa: no later stamp is left to mint with");
    if (self !== undefined && forked.has(self.origin)) {
      return refusedText(`hansa: origin ${self.origin} has two histories, of which this is one`);
    }
    // It would say that it has seen what it has not.
    if (strays.length > 0) {
      const origins = strays.map(({ origin }) => origin).join();
      return refusedText(`hansa: another region's state is to be taken first: origin ${origins}`);
    }
    return undefined;
  }

  /** Mints what the open revision did; false if it did nothing. */
  commit(): boolean {
    const open = this.#open;
    this.#open = undefined;
    this.#fault = undefined;
    if (open === undefined || !(open.marks || open.operations.size > 0)) return false;
    const transaction = { ...open.head, operations: [...open.operations.values()] };
    const chain = present(this.#core.chainOf(open.self.origin), "the chain of the own origin");
    const bytes = encodeTransaction(transaction, linkOf(chain));
    this.#core.append(transaction, bytes, chain);
    this.#minted += 1;
    return true;
  }

  rollback(): void {
    this.#open = undefined;
    this.#fault = undefined;
    this.#core.records.rollback();
  }

  #write(
    open: Open,
    asked: AskedWrite,
    siblingContext: Uint8Array | undefined,
    lifetime?: Lifetime,
  ): void {
    const { records, rules, applied, planted } = this.#core;
    const { key } = asked;
    const context = this.#contextOf(open, key, siblingContext);
    if (this.#fault !== undefined) return;
    const before = records.before(key);
    // What a client has not read stays, and its value with it.
    const record = context === undefined ? before : this.#core.loaded(key, before);
    const whole = context === undefined ? asked : { ...asked, context };
    const minted = mintedWrite(whole, record.siblings, rules.viewOf(key), applied, planted);
    if ("refused" in minted) {
      this.#refuse(refusedMint(key, minted));
      return;
    }
    const isReborn = open.operations.get(key)?.action === "delete";
    const operation = isReborn ? withoutBirth(minted) : minted;
    const isLeased = lifetime !== undefined && operation.action === "put";
    this.#add(open, isLeased ? { ...operation, lifetime } : operation, "local", record);
  }

  #contextOf(open: Open, key: Key, bytes: Uint8Array | undefined): readonly Dot[] | undefined {
    if (bytes === undefined) return undefined;
    if (open.operations.has(key)) {
      this.#refuse(refusedWrite(key, "what has a context is written once in a transaction"));
      return undefined;
    }
    try {
      return decodeSiblingContext(bytes);
    } catch (error) {
      if (!(error instanceof SiblingContextError)) throw error;
      const message = `hansa: the sibling context: ${error.message}`;
      this.#refuse({ kind: "refused", code: "invalid-argument", message });
      return undefined;
    }
  }

  /** `local`: a client waits for it, and always learns what became of the key (federation 6). */
  #add(open: Open, operation: Operation, by: "local" | "own", before?: KeptRecord): void {
    const { key } = operation;
    const lost = "lost" in operation ? (operation.lost?.length ?? 0) : 0;
    const valueBytes = operation.action === "put" ? operation.value.length : 0;
    open.bytes += key.length + valueBytes + OPERATION_BYTES + lost * LOST_BYTES;
    open.operations.set(key, operation);
    const { bytesMax, operationsMax } = TRANSACTION_LIMITS;
    if (open.operations.size > operationsMax || open.bytes > bytesMax - HEAD_BYTES) {
      const count = open.operations.size;
      this.#refuse(refusedText(`hansa: ${count} federated keys are too much for one transaction`));
    }
    if (by === "own") this.#core.step(open.head, operation);
    else this.#stepLocally(open.head, operation, before ?? this.#core.records.before(key));
  }

  #stepLocally(head: Transaction, operation: Operation, before: KeptRecord): void {
    const { records, planted, rules } = this.#core;
    const { key } = operation;
    const after = carried(before, steppedRecord(before, head, operation, planted));
    const shown = this.#core.shownOf(key, after);
    const kind = rules.policyOf(key)?.kind;
    const isSilent =
      kind !== undefined &&
      kindChangeOf(stateOf(before, kind), stateOf(after, kind), { local: true }) === "none";
    if (!isSilent) this.#core.show(key, after, shown);
    records.set(key, keptOf(key, after, shown));
  }

  /** Undefined: the key may not be written, which is noted. */
  #opened(key: Key): Open | undefined {
    const { rules, self, full } = this.#core;
    const open = this.#openNow();
    const bar = rules.barsWrite(key, self?.origin);
    if (bar !== undefined) this.#refuse(refusedWrite(key, bar));
    else if (full) this.#refuse(RETENTION_FULL);
    return this.#fault === undefined ? open : undefined;
  }

  #openNow(): Open | undefined {
    const { self, config, clock, during } = this.#core;
    const bar = this.bar;
    if (bar !== undefined || self === undefined || config === undefined) {
      this.#refuse(bar ?? refusedText("hansa: this region is in no federation"));
      return undefined;
    }
    this.#open ??= {
      head: {
        origin: self.origin,
        sequence: this.#core.nextOf(self),
        deps: this.#depsOf(self.origin),
        hlc: clock.next(during.now),
        epoch: config.epoch,
        operations: [],
      },
      self,
      operations: new Map(),
      bytes: 0,
      marks: false,
    };
    return this.#open;
  }

  #depsOf(self: OriginId): Transaction["deps"] {
    if (this.#deps !== undefined) return this.#deps;
    const deps = new Map<OriginId, Sequence>(this.#core.applied);
    deps.delete(self);
    this.#deps = deps;
    return deps;
  }

  /** The first is told. */
  #refuse(refusal: Refusal): void {
    this.#fault ??= refusal;
  }
}

/** What a put behind a delete of its own transaction begins is a lineage of its own. */
function withoutBirth(operation: Operation): Operation {
  if (operation.action !== "put") return operation;
  const { key, action, value, context, lost } = operation;
  return { key, action, value, context, ...(lost && { lost }) };
}

const RETENTION_FULL: Refusal = {
  kind: "refused",
  code: "retention-full",
  message: "hansa: too much of this region is not known to be held by another",
};

function refusedMint(key: Key, { refused, dots }: MintRefusal): Refusal {
  const named = dots.map(dotText).join(" ");
  switch (refused) {
    case "context-stale":
      return {
        kind: "refused",
        code: "context-stale",
        message: `hansa: the context omits ${named}, a delete: read again`,
      };
    case "context-ahead":
      return refusedWrite(key, `its context names ${named}, which this region has not applied yet`);
    case "siblings-bound":
      return refusedWrite(key, `it has too many siblings: resolve some of ${named} first`);
  }
}

function refusedWrite(key: Key, why: string): Refusal {
  return refusedText(`hansa: ${JSON.stringify(key)} may not be written here: ${why}`);
}

export function refusedText(message: string): Refusal {
  return { kind: "refused", code: "federation-refused", message };
}
