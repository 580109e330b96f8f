// The store as plainly as it can be written: a map of keys with their whole history, fed the committed
// entries in order. What every replica answers is compared with it. It knows the requests that the
// workload makes: writes, transactions of them, compaction, sessions and leases.
import { assert, keyOf, present, unreachable } from "../../base/index.ts";
import type { Key, SessionId } from "../../base/index.ts";
import type { Entry } from "../../consensus/index.ts";
import { decodeCommand } from "../../store/command.ts";
import type { RequestCodec } from "../../store/machine.ts";
import type {
  Compare,
  PutRequest,
  Request,
  RequestId,
  RequestOp,
  TxnRequest,
} from "../../store/request.ts";
import { History, spans } from "../robustness/history.ts";
import type { KeySpan, Write } from "../robustness/history.ts";
import { OracleLeases } from "./oracle-leases.ts";
import type { LeaseTurn } from "./oracle-leases.ts";

export interface OracleRow {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

/** What one entry did. */
export interface OracleStep {
  readonly entry: Entry;
  /** The store's revision after it. */
  readonly revision: number;
  readonly effect: "none" | "new" | "duplicate" | "refused";
  /** Of a write in a session. */
  readonly requestId?: RequestId;
  /** For a transaction whether it succeeded; else how many keys were deleted, leases renewed or ended. */
  readonly outcome?: boolean | number;
  /** For a duplicate the index of the entry whose answer it repeats. */
  readonly answeredAt?: number;
  /** Of a command that concerns leases. */
  readonly leases?: readonly LeaseTurn[];
}

interface Change {
  readonly revision: number;
  readonly row: OracleRow | undefined;
}

interface Session {
  floor: number;
  readonly answeredAt: Map<number, number>;
}

export class Oracle {
  /** What watches are judged by. */
  readonly history = new History();
  readonly leases = new OracleLeases();
  /** Called with what an entry made of leases. */
  onLeases: (turns: readonly LeaseTurn[]) => void = () => undefined;
  readonly #codec: RequestCodec;
  readonly #changes = new Map<string, Change[]>();
  readonly #sessions = new Map<bigint, Session>();
  readonly #steps: OracleStep[] = [];
  #revision = 1;
  #compacted = 0;

  constructor(codec: RequestCodec) {
    this.#codec = codec;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The highest revision that the history was cut to. */
  get compacted(): number {
    return this.#compacted;
  }

  get applied(): number {
    return this.#steps.length;
  }

  /** Of the entry at `index`, 1-based, up to `applied`. */
  step(index: number): OracleStep {
    return present(this.#steps[index - 1], `the oracle's step ${index}`);
  }

  /** The store's revision with everything up to `index` applied. */
  revisionAt(index: number): number {
    return index === 0 ? 1 : this.step(index).revision;
  }

  keys(): readonly string[] {
    return [...this.#changes.keys()].sort();
  }

  rowAt(key: string, revision: number): OracleRow | undefined {
    const changes = this.#changes.get(key) ?? [];
    for (let at = changes.length - 1; at >= 0; at -= 1) {
      const change = present(changes[at], "a change");
      if (change.revision <= revision) return change.row;
    }
    return undefined;
  }

  apply(entry: Entry): OracleStep {
    assert(
      entry.index === this.applied + 1,
      `the oracle is at ${this.applied}, next ${entry.index}`,
    );
    const step = entry.kind === "command" ? this.#command(entry) : this.#stepOf(entry, "none");
    this.#steps.push(step);
    if (step.leases !== undefined) this.onLeases(step.leases);
    return step;
  }

  #stepOf(entry: Entry, effect: OracleStep["effect"], more: Partial<OracleStep> = {}): OracleStep {
    return { entry, effect, revision: this.#revision, ...more };
  }

  #command(entry: Extract<Entry, { kind: "command" }>): OracleStep {
    const { kind, body, stamp } = decodeCommand(entry.data);
    this.leases.onStamp(stamp);
    const request = this.#codec.decodeRequest(kind, body);
    const requestId = "requestId" in request ? request.requestId : undefined;
    if (requestId === undefined) return this.#run(entry, request);
    const session = this.#sessions.get(requestId.session);
    if (session === undefined) return this.#stepOf(entry, "refused", { requestId });
    const answeredAt = session.answeredAt.get(requestId.sequence);
    if (answeredAt === undefined && requestId.sequence < session.floor) {
      return this.#stepOf(entry, "refused", { requestId });
    }
    forgetBelow(session, requestId.acknowledgedBelow);
    if (answeredAt !== undefined) {
      return this.#stepOf(entry, "duplicate", { requestId, answeredAt });
    }
    session.answeredAt.set(requestId.sequence, entry.index);
    return { ...this.#run(entry, request), requestId };
  }

  #run(entry: Entry, request: Request): OracleStep {
    switch (request.kind) {
      case "put":
        if (!this.#mayPut(request.put)) return this.#stepOf(entry, "refused");
        this.#write([writeOf(request.put)]);
        return this.#stepOf(entry, "new");
      case "delete-range": {
        const deleted = this.#standing(request.deleteRange);
        this.#write(deleted.map(deletionOf));
        return this.#stepOf(entry, "new", { outcome: deleted.length });
      }
      case "txn":
        return this.#txn(entry, request.txn);
      case "compaction": {
        const { revision } = request.compaction;
        if (revision <= this.#compacted || revision > this.#revision) {
          return this.#stepOf(entry, "refused");
        }
        this.#compacted = revision;
        return this.#stepOf(entry, "new");
      }
      case "session-open":
        this.#sessions.set(BigInt(entry.index), { floor: 1, answeredAt: new Map() });
        return this.#stepOf(entry, "new");
      case "session-close":
        this.#sessions.delete(request.session);
        return this.#stepOf(entry, "new");
      case "lease-grant":
      case "lease-revoke":
      case "lease-renew":
      case "lease-expire":
        return this.#lease(entry, request);
      default:
        throw new Error(`the workload knows no ${request.kind}`);
    }
  }

  #lease(
    entry: Entry,
    request: Extract<Request, { readonly kind: `lease-${string}` }>,
  ): OracleStep {
    const { leases } = this;
    switch (request.kind) {
      case "lease-grant": {
        const { id, ttlMs } = request;
        if (leases.has(id)) return this.#stepOf(entry, "refused");
        leases.grant(id, ttlMs);
        return this.#stepOf(entry, "new", { leases: [{ id, turn: "granted" }] });
      }
      case "lease-revoke":
        if (!leases.has(request.id)) return this.#stepOf(entry, "refused");
        return this.#endLeases(entry, [request.id], "revoked");
      case "lease-renew": {
        const alive = request.ids.filter((id) => leases.renew(id));
        const turns = alive.map((id) => ({ id, turn: "renewed" as const }));
        return this.#stepOf(entry, "new", { leases: turns, outcome: alive.length });
      }
      case "lease-expire":
        return this.#endLeases(entry, leases.due(), "expired");
      default:
        return unreachable(request);
    }
  }

  /** The keys of each go in order, in one revision of their own. */
  #endLeases(entry: Entry, ids: readonly bigint[], turn: "revoked" | "expired"): OracleStep {
    for (const id of ids) {
      this.leases.remove(id);
      const attached = [...this.history.pairs()].filter(({ lease }) => lease === id);
      this.#write(
        attached
          .map(({ key }) => key as Key)
          .sort()
          .map(deletionOf),
      );
    }
    const leases = ids.map((id) => ({ id, turn }));
    return this.#stepOf(entry, "new", { leases, outcome: ids.length });
  }

  #mayPut({ lease }: PutRequest): boolean {
    return lease === 0n || this.leases.has(lease);
  }

  /** In order. */
  #standing(span: KeySpan): readonly Key[] {
    const keys = [...this.history.pairs()].map(({ key }) => key as Key);
    return keys.filter((key) => spans(span, key)).sort();
  }

  #latest(key: Key): OracleRow | undefined {
    return this.rowAt(key, this.#revision);
  }

  /** All at one new revision; without a write there is none. */
  #write(writes: readonly Write[]): void {
    if (writes.length === 0) return;
    const revision = this.#revision + 1;
    this.history.commit(writes);
    for (const { key } of writes) {
      const row = this.history.latest(key);
      const changes = this.#changes.get(key);
      if (changes === undefined) this.#changes.set(key, [{ revision, row }]);
      else changes.push({ revision, row });
    }
    this.#revision = revision;
  }

  #txn(entry: Entry, txn: TxnRequest): OracleStep {
    const succeeded = txn.compare.every((compare) => this.#holds(compare));
    const puts: PutRequest[] = [];
    for (const op of succeeded ? txn.success : txn.failure) collectPut(op, puts);
    if (!puts.every((put) => this.#mayPut(put))) return this.#stepOf(entry, "refused");
    this.#write(puts.map(writeOf));
    return this.#stepOf(entry, "new", { outcome: succeeded });
  }

  #holds(compare: Compare): boolean {
    assert(compare.result === "equal", "the workload compares for equality");
    const row = this.#latest(compare.key);
    switch (compare.target) {
      case "value":
        return row !== undefined && row.value === keyOf(compare.value);
      case "version":
        return (row?.version ?? 0) === compare.version;
      case "create":
        return (row?.createRevision ?? 0) === compare.createRevision;
      case "mod":
        return (row?.modRevision ?? 0) === compare.modRevision;
      case "lease":
        return compare.lease === 0n;
      default:
        return unreachable(compare);
    }
  }

  /** Whether the store knows this session after everything applied. */
  hasSession(session: SessionId): boolean {
    return this.#sessions.has(session);
  }
}

function collectPut(op: RequestOp, puts: PutRequest[]): void {
  assert(op.kind === "put" || op.kind === "range", "the workload's transactions put or read");
  if (op.kind === "put") puts.push(op.put);
}

function writeOf({ key, value, lease }: PutRequest): Write {
  return { key, value: keyOf(value), lease };
}

function deletionOf(key: Key): Write {
  return { key, value: undefined, lease: 0n };
}

function forgetBelow(session: Session, acknowledgedBelow: number): void {
  if (acknowledgedBelow <= session.floor) return;
  session.floor = acknowledgedBelow;
  for (const sequence of session.answeredAt.keys()) {
    if (sequence < session.floor) session.answeredAt.delete(sequence);
  }
}
