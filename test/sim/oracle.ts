// The store as plainly as it can be written: a map of keys with their whole history, fed the committed
// entries in order. What every replica answers is compared with it. It knows the requests that the
// workload makes: single-key writes, transactions of them, compaction and sessions.
import { assert, keyOf, present, unreachable } from "../../base/index.ts";
import type { Key, SessionId } from "../../base/index.ts";
import type { Entry } from "../../consensus/index.ts";
import { decodeCommand } from "../../store/command.ts";
import type { RequestCodec } from "../../store/machine.ts";
import type { Compare, Request, RequestId, RequestOp, TxnRequest } from "../../store/request.ts";

export interface OracleRow {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** What one entry did. */
export interface OracleStep {
  readonly entry: Entry;
  /** The store's revision after it. */
  readonly revision: number;
  readonly effect: "none" | "new" | "duplicate" | "refused";
  /** Of a write in a session. */
  readonly requestId?: RequestId;
  /** For a transaction whether it succeeded, for a delete how many keys. */
  readonly outcome?: boolean | number;
  /** For a duplicate the index of the entry whose answer it repeats. */
  readonly answeredAt?: number;
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
    return step;
  }

  #stepOf(
    entry: Entry,
    effect: OracleStep["effect"],
    more: Pick<OracleStep, "requestId" | "outcome" | "answeredAt"> = {},
  ): OracleStep {
    return { entry, effect, revision: this.#revision, ...more };
  }

  #command(entry: Extract<Entry, { kind: "command" }>): OracleStep {
    const { kind, body } = decodeCommand(entry.data);
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
        this.#write([{ key: request.put.key, value: keyOf(request.put.value) }]);
        return this.#stepOf(entry, "new");
      case "delete-range": {
        assert(request.deleteRange.end === undefined, "the workload deletes single keys");
        const deleted = this.#latest(request.deleteRange.key) === undefined ? 0 : 1;
        if (deleted > 0) this.#write([{ key: request.deleteRange.key, value: undefined }]);
        return this.#stepOf(entry, "new", { outcome: deleted });
      }
      case "txn":
        return this.#stepOf(entry, "new", { outcome: this.#txn(request.txn) });
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
      case "alarm":
      case "alarm-finding":
        throw new Error(`the workload knows no ${request.kind}`);
      default:
        return unreachable(request);
    }
  }

  #latest(key: Key): OracleRow | undefined {
    return this.rowAt(key, this.#revision);
  }

  /** All at one new revision. */
  #write(writes: readonly { readonly key: Key; readonly value: string | undefined }[]): void {
    const revision = this.#revision + 1;
    for (const { key, value } of writes) {
      const before = this.#latest(key);
      const row =
        value === undefined
          ? undefined
          : {
              value,
              createRevision: before?.createRevision ?? revision,
              modRevision: revision,
              version: (before?.version ?? 0) + 1,
            };
      const changes = this.#changes.get(key);
      if (changes === undefined) this.#changes.set(key, [{ revision, row }]);
      else changes.push({ revision, row });
    }
    this.#revision = revision;
  }

  #txn(txn: TxnRequest): boolean {
    const succeeded = txn.compare.every((compare) => this.#holds(compare));
    const writes: { readonly key: Key; readonly value: string }[] = [];
    for (const op of succeeded ? txn.success : txn.failure) collectPut(op, writes);
    if (writes.length > 0) this.#write(writes);
    return succeeded;
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

function collectPut(op: RequestOp, writes: { key: Key; value: string }[]): void {
  assert(op.kind === "put" || op.kind === "range", "the workload's transactions put or read");
  if (op.kind === "put") writes.push({ key: op.put.key, value: keyOf(op.put.value) });
}

function forgetBelow(session: Session, acknowledgedBelow: number): void {
  if (acknowledgedBelow <= session.floor) return;
  session.floor = acknowledgedBelow;
  for (const sequence of session.answeredAt.keys()) {
    if (sequence < session.floor) session.answeredAt.delete(sequence);
  }
}
