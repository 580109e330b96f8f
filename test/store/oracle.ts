// The naive model: every write ever made, in a list, and every answer found by going through it. Slow, and
// so plain that it says what etcd does.
import type { Key, Revision } from "../../base/index.ts";
import type {
  Alarm,
  AlarmRequest,
  Compare,
  DeleteRangeRequest,
  KeyRange,
  KeyValue,
  PutRequest,
  RangeRequest,
  RangeResponse,
  Refusal,
  Request,
  RequestOp,
  Response,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "../../store/index.ts";
import { refusal } from "../../store/refusal.ts";
import { text } from "./requests.ts";

/** `kv` absent: deleted. */
export interface Write {
  readonly main: number;
  readonly key: Key;
  readonly kv?: KeyValue;
}

class Refused extends Error {
  readonly why: Refusal;

  constructor(why: Refusal) {
    super(why.message);
    this.why = why;
  }
}

export class Oracle {
  revision = 1;
  floor = -1;
  #writes: Write[] = [];
  /** When each is due, in log time. */
  readonly #leases = new Map<bigint, { readonly ttlMs: number; dueAtMs: number }>();
  /** By member and type, with who said so. */
  readonly #alarms = new Map<string, { readonly alarm: Alarm; readonly source: string }>();
  #logTimeMs = 0;

  /** Every write that stands, oldest first. */
  get writes(): readonly Write[] {
    return this.#writes;
  }

  /** Whose row says what: id, time to live, when it is due. */
  get leases(): readonly (readonly [bigint, number, number])[] {
    return [...this.#leases].map(([id, { ttlMs, dueAtMs }]) => [id, ttlMs, dueAtMs] as const);
  }

  get alarms(): readonly Alarm[] {
    return [...this.#alarms.keys()].sort().flatMap((at) => this.#alarms.get(at)?.alarm ?? []);
  }

  /** The keys that hang on a lease: those whose last write says so. */
  keysOf(id: bigint): readonly Key[] {
    const everything = { key: "" as Key, end: "\0" as Key };
    return this.#alive(everything, this.revision).flatMap((kv) =>
      kv.lease === id ? [kv.key] : [],
    );
  }

  run(request: Request, logTimeMs = 0): Response {
    this.#logTimeMs = Math.max(this.#logTimeMs, logTimeMs);
    if (request.kind === "alarm" || request.kind === "alarm-finding")
      return this.#runAlarm(request);
    const barred = this.#barred(request);
    if (barred !== undefined) return { ...barred, revision: this.revision as Revision };
    if (request.kind.startsWith("lease-")) return this.#runLease(request);
    const before = { revision: this.revision, floor: this.floor, writes: [...this.#writes] };
    try {
      const answer = this.#run(request);
      if (this.#writes.length > before.writes.length) this.revision += 1;
      return { ...answer, revision: this.revision as Revision };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#writes = before.writes;
      return { ...error.why, revision: this.revision as Revision };
    }
  }

  range(request: RangeRequest): RangeResponse | Refusal {
    if (this.alarms.some(({ type }) => type === "corrupt")) return refusal("corrupt");
    if (request.revision > this.revision) return refusal("future-revision");
    if (request.revision > 0 && request.revision < this.floor) return refusal("compacted");
    return this.#range(request, this.revision);
  }

  /** Each key's last write at or before `at`, if it is a put, by key. */
  #alive(range: KeyRange, at: number): KeyValue[] {
    const last = new Map<Key, KeyValue | undefined>();
    for (const { main, key, kv } of this.#writes) if (main <= at) last.set(key, kv);
    return [...last.entries()]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .flatMap(([key, kv]) => (kv !== undefined && inside(range, key) ? [kv] : []));
  }

  #run(request: Request): Response {
    const revision = this.revision as Revision;
    switch (request.kind) {
      case "put":
        this.#checkLease(request.put);
        this.#checkKept(request.put);
        return { kind: "put", revision, put: this.#put(request.put) };
      case "delete-range":
        return {
          kind: "delete-range",
          revision,
          deleteRange: this.#deleteRange(request.deleteRange),
        };
      case "txn": {
        const choices = this.#choose(request.txn);
        this.#check(request.txn, [...choices], (operation) => {
          if (operation.kind !== "put") return;
          this.#checkKept(operation.put);
          this.#checkLease(operation.put);
        });
        this.#check(request.txn, [...choices], (operation) => {
          if (operation.kind !== "range") return;
          const asked = operation.range.revision;
          if (asked > this.revision) throw new Refused(refusal("future-revision"));
          if (asked > 0 && asked < this.floor) throw new Refused(refusal("compacted"));
        });
        return { kind: "txn", revision, txn: this.#txn(request.txn, [...choices]) };
      }
      case "compaction": {
        const to = request.compaction.revision;
        if (to <= this.floor) throw new Refused(refusal("compacted"));
        if (to > this.revision) throw new Refused(refusal("future-revision"));
        this.floor = to;
        return { kind: "compaction", revision };
      }
      default:
        throw new Error(`the model knows no ${request.kind}`);
    }
  }

  #runAlarm({ kind, action, member, alarm: type }: AlarmRequest): Response {
    const revision = this.revision as Revision;
    if (type === "none") return { kind: "alarm", revision, alarms: [] };
    const at = `${member} ${type === "corrupt" ? 2 : 1}`;
    const before = this.#alarms.get(at);
    const alarm = { member, type };
    if (action === "activate") {
      if (before?.source !== "alarm") this.#alarms.set(at, { alarm, source: kind });
      return { kind: "alarm", revision, alarms: [alarm] };
    }
    const stays = before === undefined || (before.source === "alarm" && kind === "alarm-finding");
    if (!stays) this.#alarms.delete(at);
    return { kind: "alarm", revision, alarms: stays ? [] : [alarm] };
  }

  #barred(request: Request): Refusal | undefined {
    const writes = ["put", "delete-range", "txn", "compaction"];
    const ends = ["lease-grant", "lease-revoke", "lease-expire"];
    const stands = (asked: string): boolean => this.alarms.some(({ type }) => type === asked);
    if (stands("corrupt") && [...writes, ...ends].includes(request.kind)) return refusal("corrupt");
    if (!stands("no-space")) return undefined;
    const grows = JSON.stringify(request, (_, field: unknown) =>
      typeof field === "bigint" ? "" : field,
    ).includes('"kind":"put"');
    return grows || request.kind === "lease-grant" ? refusal("no-space") : undefined;
  }

  #runLease(request: Request): Response {
    const revision = this.revision as Revision;
    switch (request.kind) {
      case "lease-grant":
        if (this.#leases.has(request.id)) return { ...refusal("lease-exists"), revision };
        this.#leases.set(request.id, {
          ttlMs: request.ttlMs,
          dueAtMs: this.#logTimeMs + request.ttlMs,
        });
        return { ...request, revision };
      case "lease-revoke":
        if (!this.#leases.has(request.id)) return { ...refusal("lease-not-found"), revision };
        this.#revoke(request.id);
        return { kind: "lease-revoke", revision: this.revision as Revision };
      case "lease-renew": {
        const ttlsMs = request.ids.map((id) => {
          const lease = this.#leases.get(id);
          if (lease !== undefined) lease.dueAtMs = this.#logTimeMs + lease.ttlMs;
          return lease?.ttlMs ?? 0;
        });
        return { kind: "lease-renew", revision, ttlsMs };
      }
      case "lease-expire": {
        const due = [...this.#leases]
          .filter(([, { dueAtMs }]) => dueAtMs <= this.#logTimeMs)
          .sort(
            ([one, left], [other, right]) => left.dueAtMs - right.dueAtMs || Number(one - other),
          );
        for (const [id] of due) this.#revoke(id);
        return { kind: "lease-expire", revision: this.revision as Revision, count: due.length };
      }
      default:
        throw new Error(`${request.kind} concerns no lease`);
    }
  }

  #revoke(id: bigint): void {
    this.#leases.delete(id);
    const keys = this.keysOf(id);
    const main = this.revision + 1;
    for (const key of keys) this.#writes.push({ main, key });
    if (keys.length > 0) this.revision = main;
  }

  #checkLease(put: PutRequest): void {
    if (put.lease !== 0n && !this.#leases.has(put.lease)) {
      throw new Refused(refusal("lease-not-found"));
    }
  }

  #checkKept(put: PutRequest): void {
    if (!put.ignoreValue && !put.ignoreLease) return;
    if (this.#alive({ key: put.key }, this.revision).length === 0) {
      throw new Refused(refusal("key-not-found"));
    }
  }

  #put(put: PutRequest): { prevKv?: KeyValue } {
    const main = this.revision + 1;
    const [before] = this.#alive({ key: put.key }, main);
    if (before === undefined && (put.ignoreValue || put.ignoreLease)) {
      throw new Refused(refusal("key-not-found"));
    }
    const kv: KeyValue = {
      key: put.key,
      createRevision: before?.createRevision ?? (main as Revision),
      modRevision: main as Revision,
      version: (before?.version ?? 0) + 1,
      value: put.ignoreValue && before !== undefined ? before.value : put.value,
      lease: put.ignoreLease && before !== undefined ? before.lease : put.lease,
    };
    this.#writes.push({ main, key: put.key, kv });
    return put.prevKv && before !== undefined ? { prevKv: before } : {};
  }

  #deleteRange(request: DeleteRangeRequest): { deleted: number; prevKvs: KeyValue[] } {
    const main = this.revision + 1;
    const gone = this.#alive(request, main);
    for (const { key } of gone) this.#writes.push({ main, key });
    return { deleted: gone.length, prevKvs: request.prevKv ? gone : [] };
  }

  #range(request: RangeRequest, now: number): RangeResponse {
    const all = this.#alive(request, request.revision > 0 ? request.revision : now);
    const count = all.length;
    if (request.countOnly) return { kvs: [], more: false, count };
    const { sortOrder, sortTarget, limit } = request;
    const filtered =
      request.minModRevision + request.maxModRevision !== 0 ||
      request.minCreateRevision + request.maxCreateRevision !== 0;
    const fetched = sortOrder === "none" && !filtered && limit > 0 ? all.slice(0, limit + 1) : all;
    let kvs = fetched.filter(
      (kv) =>
        (request.maxModRevision === 0 || kv.modRevision <= request.maxModRevision) &&
        (request.minModRevision === 0 || kv.modRevision >= request.minModRevision) &&
        (request.maxCreateRevision === 0 || kv.createRevision <= request.maxCreateRevision) &&
        (request.minCreateRevision === 0 || kv.createRevision >= request.minCreateRevision),
    );
    const sign = sortOrder === "descend" ? -1 : 1;
    const weigh = (left: KeyValue, right: KeyValue): number => {
      if (sortTarget === "key") return left.key < right.key ? -1 : 1;
      if (sortTarget === "version") return left.version - right.version;
      if (sortTarget === "create") return left.createRevision - right.createRevision;
      if (sortTarget === "mod") return left.modRevision - right.modRevision;
      return text(left.value) < text(right.value)
        ? -1
        : Number(text(left.value) > text(right.value));
    };
    kvs = [...kvs].sort((left, right) => sign * weigh(left, right));
    const more = limit > 0 && kvs.length > limit;
    if (more) kvs = kvs.slice(0, limit);
    if (request.keysOnly) kvs = kvs.map((kv) => ({ ...kv, value: new Uint8Array(0) }));
    return { kvs, more, count };
  }

  /** Whether each transaction succeeds, in pre-order, all on the state before. */
  #choose(txn: TxnRequest): boolean[] {
    const succeeded = txn.compare.every((compare) => this.#holds(compare));
    const chosen = succeeded ? txn.success : txn.failure;
    return [succeeded, ...chosen.flatMap((op) => (op.kind === "txn" ? this.#choose(op.txn) : []))];
  }

  #holds(compare: Compare): boolean {
    const found = this.#alive(compare, this.revision);
    if (found.length === 0) return compare.target !== "value" && judge(compare, undefined);
    return found.every((kv) => judge(compare, kv));
  }

  #check(txn: TxnRequest, choices: boolean[], check: (operation: RequestOp) => void): void {
    for (const operation of choices.shift() === true ? txn.success : txn.failure) {
      if (operation.kind === "txn") this.#check(operation.txn, choices, check);
      else check(operation);
    }
  }

  #txn(txn: TxnRequest, choices: boolean[]): TxnResponse {
    const succeeded = choices.shift() === true;
    const responses = (succeeded ? txn.success : txn.failure).map((operation): ResponseOp => {
      switch (operation.kind) {
        case "range":
          return { kind: "range", range: this.#range(operation.range, this.revision + 1) };
        case "put":
          return { kind: "put", put: this.#put(operation.put) };
        case "delete-range":
          return { kind: "delete-range", deleteRange: this.#deleteRange(operation.deleteRange) };
        case "txn":
          return { kind: "txn", txn: this.#txn(operation.txn, choices) };
      }
    });
    return { succeeded, responses };
  }
}

function inside({ key, end }: KeyRange, candidate: Key): boolean {
  if (end === undefined) return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}

function judge(compare: Compare, kv: KeyValue | undefined): boolean {
  const [left, right] = sides(compare, kv);
  switch (compare.result) {
    case "equal":
      return left === right;
    case "not-equal":
      return left !== right;
    case "greater":
      return left > right;
    case "less":
      return left < right;
  }
}

function sides(compare: Compare, kv: KeyValue | undefined): [string, string] | [bigint, bigint] {
  switch (compare.target) {
    case "version":
      return [BigInt(kv?.version ?? 0), BigInt(compare.version)];
    case "create":
      return [BigInt(kv?.createRevision ?? 0), BigInt(compare.createRevision)];
    case "mod":
      return [BigInt(kv?.modRevision ?? 0), BigInt(compare.modRevision)];
    case "lease":
      return [kv?.lease ?? 0n, compare.lease];
    case "value":
      return [text(kv?.value ?? new Uint8Array(0)), text(compare.value)];
  }
}
