// Regions that are nothing but their kernel: transactions are minted, delivered in whatever causal order a test asks
// for, and applied; no log, no streams. After every apply what a region keeps is held against the naive oracle.
import { assert, hlcMax, hlcNext } from "../../base/index.ts";
import type { Hlc, Key, WallMs } from "../../base/index.ts";
import { conflictOf } from "../../federation/conflict-record.ts";
import type { ConflictRecord } from "../../federation/conflict-record.ts";
import { dotText, originId, sequence } from "../../federation/dot.ts";
import type { OriginId, Sequence } from "../../federation/dot.ts";
import { changeOf } from "../../federation/event-rule.ts";
import type { Change } from "../../federation/event-rule.ts";
import type { KindState } from "../../federation/kind.ts";
import { mintedKind } from "../../federation/kind-minting.ts";
import type { AskedOperation } from "../../federation/kind-minting.ts";
import { emptyState, valueOfKind } from "../../federation/kind-rules.ts";
import { MerkleTree, recordHash } from "../../federation/merkle-tree.ts";
import type { FederationBug } from "../../federation/planted.ts";
import { purged } from "../../federation/purge.ts";
import { steppedRecord } from "../../federation/record-step.ts";
import type { RecordContent } from "../../federation/record-step.ts";
import { resolutionOf, resolvesHere, settlementOf } from "../../federation/settlement.ts";
import type { Sibling, Siblings } from "../../federation/sibling.ts";
import type { Operation, Transaction } from "../../federation/transaction.ts";
import { VECTOR_ZERO, covers, hasDot, shared } from "../../federation/vector.ts";
import type { Vector } from "../../federation/vector.ts";
import { viewOf } from "../../federation/view.ts";
import type { Resolution, ViewRules } from "../../federation/view-rules.ts";
import { mintedWrite } from "../../federation/write-minting.ts";
import type { AskedWrite, MintRefusal } from "../../federation/write-minting.ts";
import { kindByDefinition, siblingsByDefinition, text } from "./naive-oracle.ts";

const NO_RECORD: RecordContent = { siblings: [], kinds: [] };

export const LWW: ViewRules = { policy: "lww" };

export function bytes(written: string): Uint8Array {
  return Uint8Array.from(written, (unit) => unit.charCodeAt(0));
}

export function textOf(value: Uint8Array | undefined): string | undefined {
  return value && String.fromCharCode(...value);
}

export class Region {
  readonly self: OriginId;
  readonly applied = new Map<OriginId, Sequence>();
  /** In the order in which they were applied. */
  readonly log: Transaction[] = [];
  readonly records = new Map<Key, RecordContent>();
  readonly conflicts: ConflictRecord[] = [];
  readonly changes: { readonly key: Key; readonly change: Change }[] = [];
  readonly tree = new MerkleTree(4);
  rules: ViewRules = LWW;
  epoch = 1;
  #hlc = 0n as Hlc;
  readonly #planted: FederationBug | undefined;

  constructor(self: number, planted?: FederationBug) {
    this.self = originId(self);
    this.#planted = planted;
  }

  recordOf(key: Key): RecordContent {
    return this.records.get(key) ?? NO_RECORD;
  }

  siblings(key: Key): Siblings {
    return this.recordOf(key).siblings;
  }

  /** What an etcd client reads. */
  value(key: Key): string | undefined {
    return textOf(viewOf(this.rules, key, this.siblings(key))?.value);
  }

  state(key: Key, kind: KindState["kind"]): KindState {
    return this.recordOf(key).kinds.find((state) => state.kind === kind) ?? emptyState(kind);
  }

  kindValue(key: Key, kind: KindState["kind"]): string | undefined {
    return textOf(valueOfKind(this.state(key, kind)));
  }

  put(key: Key, value: string, at: number, more: Partial<AskedWrite> = {}): Transaction {
    const minted = this.tryWrite({ key, value: bytes(value), ...more }, at);
    assert(!("refused" in minted), "the put was refused");
    return minted;
  }

  delete(key: Key, at: number, more: Partial<AskedWrite> = {}): Transaction {
    const minted = this.tryWrite({ key, ...more }, at);
    assert(!("refused" in minted), "the delete was refused");
    return minted;
  }

  tryWrite(asked: AskedWrite, at: number): Transaction | MintRefusal {
    const { rules } = this;
    const siblings = this.siblings(asked.key);
    const operation = mintedWrite(asked, siblings, rules, this.applied, this.#planted);
    return "refused" in operation
      ? operation
      : this.mint([operation], at, asked.value !== undefined);
  }

  /** Undefined: refused at its origin. */
  operate(key: Key, asked: AskedOperation, at: number): Transaction | undefined {
    const operation = mintedKind(asked, this.state(key, asked.kind), this.self);
    if ("refused" in operation) return undefined;
    return this.mint([{ key, action: "kind", operation }], at, true);
  }

  settle(key: Key, stable: Vector, at: number): Transaction | undefined {
    const settler = { self: this.self, stable, isClosed: () => false };
    const operation = settlementOf(this.rules, key, this.siblings(key), settler);
    return operation && this.mint([operation], at, false);
  }

  /** A handler on write: `resolve` is run where it is this region's to run. */
  resolve(
    key: Key,
    resolve: (siblings: Siblings) => Resolution,
    at: number,
  ): Transaction | undefined {
    const siblings = this.siblings(key);
    const settler = { self: this.self, stable: this.applied, isClosed: () => false };
    if (!resolvesHere(this.rules, key, siblings, settler, this.#planted)) return undefined;
    const operation = resolutionOf(key, siblings, resolve(siblings));
    return operation && this.mint([operation], at, false);
  }

  purge(stable: Vector): void {
    for (const [key, record] of this.records) {
      const siblings = purged(record.siblings, stable, this.#planted);
      if (siblings === record.siblings) continue;
      const after = { ...record, siblings };
      this.records.set(key, after);
      this.tree.change(key, recordHash(key, record), recordHash(key, after));
    }
  }

  mint(operations: readonly Operation[], at: number, local: boolean): Transaction {
    const deps = new Map(this.applied);
    deps.delete(this.self);
    const last = this.applied.get(this.self) ?? 0;
    const minted: Transaction = {
      origin: this.self,
      sequence: sequence(last + 1),
      deps,
      hlc: hlcNext(this.#hlc, at as WallMs),
      epoch: this.epoch,
      operations,
    };
    this.#take(minted, local);
    return minted;
  }

  /** What people read of what is over, in the order of who decided it. */
  conflictTexts(): string[] {
    return this.conflicts
      .map(({ key, dot, decidedBy, kept, lost }) => {
        const losers = lost.map((one) => text(one.dot, one.value)).join(", ");
        return `${key}: ${decidedBy} ${dotText(dot)} kept ${dotText(kept)} over ${losers}`;
      })
      .sort();
  }

  /** Not applied before, next of its origin, and all that it depends on is here. */
  canTake(transaction: Transaction): boolean {
    if (hasDot(this.applied, transaction)) return false;
    const isNext = (this.applied.get(transaction.origin) ?? 0) === transaction.sequence - 1;
    return isNext && covers(this.applied, transaction.deps);
  }

  deliver(transaction: Transaction): void {
    if (this.canTake(transaction)) this.#take(transaction, false);
  }

  /** As a stream that lost its place would. */
  applyAgain(transaction: Transaction): void {
    for (const operation of transaction.operations) this.#step(transaction, operation, false);
  }

  #take(transaction: Transaction, local: boolean): void {
    this.#hlc = hlcMax(this.#hlc, transaction.hlc);
    this.applied.set(transaction.origin, transaction.sequence);
    this.log.push(transaction);
    for (const operation of transaction.operations) this.#step(transaction, operation, local);
  }

  #step(transaction: Transaction, operation: Operation, local: boolean): void {
    const { key } = operation;
    const before = this.recordOf(key);
    const after = steppedRecord(before, transaction, operation, this.#planted);
    this.records.set(key, after);
    this.tree.change(key, recordHash(key, before), recordHash(key, after));
    const conflict = conflictOf(transaction, operation);
    if (conflict !== undefined) this.conflicts.push(conflict);
    const shown = (siblings: Siblings): { siblings: Siblings; value?: Uint8Array } => {
      const value = viewOf(this.rules, key, siblings)?.value;
      return value === undefined ? { siblings } : { siblings, value };
    };
    const [was, is] = [shown(before.siblings), shown(after.siblings)];
    const planted = this.#planted === undefined ? {} : { planted: this.#planted };
    const change = changeOf(this.rules.policy, was, is, { local, ...planted });
    if (change !== "none") this.changes.push({ key, change });
  }

  /** Takes all that `from` has and this one may apply, in `from`'s order. */
  pull(from: Region): void {
    for (const transaction of from.log) this.deliver(transaction);
  }

  /** @throws if what is kept of `key` is not what the transactions say. */
  check(key: Key): void {
    const { siblings, kinds } = this.recordOf(key);
    const kept = siblings.map(({ dot, value }: Sibling) => text(dot, value));
    const expected = siblingsByDefinition(this.log, key);
    // A tombstone that is alone may have been purged.
    const purgeable = expected.length === 1 && expected[0]?.includes(" ") === false;
    if (!(purgeable && kept.length === 0)) same(`siblings of ${key}`, kept, expected);
    for (const kind of KINDS) {
      const held = kinds.find((state) => state.kind === kind);
      const shown = textOf(held && valueOfKind(held));
      same(`${kind} ${key}`, [shown ?? "none"], [kindByDefinition(this.log, key, kind) ?? "none"]);
    }
  }
}

const KINDS = ["counter", "bounded-counter", "set", "map", "register", "flag"] as const;

function same(what: string, found: readonly string[], expected: readonly string[]): void {
  const [left, right] = [found.join(", "), expected.join(", ")];
  if (left !== right) throw new Error(`${what}: found [${left}], expected [${right}]`);
}

/**
 * What `reader` may take for stable: of each region what it had applied, as far as `reader` has come in its stream
 * (federation 10, trap 32). A word that ran ahead of the stream says nothing of the writes that are still to come.
 */
export function stableFor(reader: Region, regions: readonly Region[]): Vector {
  return regions.map((region) => vectorIn(reader, region)).reduce(shared, reader.applied);
}

function vectorIn(reader: Region, region: Region): Vector {
  const reached = reader.applied.get(region.self) ?? 0;
  if (reached === (region.applied.get(region.self) ?? 0)) return region.applied;
  const last = region.log.find((one) => one.origin === region.self && one.sequence === reached);
  if (last === undefined) return VECTOR_ZERO;
  return new Map(last.deps).set(region.self, last.sequence);
}

/** Everybody pulls from everybody until nobody takes anything. */
export function heal(regions: readonly Region[]): void {
  let count = -1;
  while (count !== (count = regions.reduce((sum, { log }) => sum + log.length, 0))) {
    for (const to of regions) for (const from of regions) if (to !== from) to.pull(from);
  }
}
