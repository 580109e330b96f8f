// Judges what clients are told, at the moment a member says it: committed, really the state at its claimed
// revision, no older than its proof says, not older than asked for; and keeps each key's history for the
// linearizability search at the end.
import { keyOf, present } from "../../base/index.ts";
import type { Key, NodeId, Revision } from "../../base/index.ts";
import type { ReadMode } from "../../consensus/index.ts";
import type { RangeAnswer } from "../../rpc/backend.ts";
import type { Response, TxnResponse } from "../../store/response.ts";
import { revisionOf } from "../robustness/watch-answer.ts";
import type { WatchAnswer } from "../robustness/watch-answer.ts";
import type { Statement } from "../robustness/watch-record.ts";
import type { Oracle } from "./oracle.ts";
import type { Held, RegisterOp, RegisterOperation, RegisterResult } from "./register.ts";
import { checkRegister } from "./register.ts";
import { Violation, demand } from "./violation.ts";
import type { Witness } from "./witness.ts";

/** Of rounding in clock arithmetic, in ms. */
const AGE_SLACK_MS = 1e-6;

/** The modes by which a read may be served instead: none weaker than what was asked. */
const USED_FOR: Readonly<Record<ReadMode, readonly ReadMode[]>> = {
  quorum: ["quorum"],
  index: ["index", "follower"],
  lease: ["lease", "index", "follower"],
  follower: ["follower", "index"],
  learner: ["learner"],
  local: ["local"],
};

export interface ReadAsked {
  readonly node: NodeId;
  readonly mode: ReadMode;
  readonly key: Key;
  /** Absent: the one key. */
  readonly end?: Key;
  /** 0: the newest that the mode gives. */
  readonly revision: Revision;
  readonly minRevision: Revision;
  readonly maxStalenessMs?: number;
  /** Judge.floor when the member took the question. */
  readonly floor: number;
}

/** One operation on one key, from its call on. */
export class Call {
  readonly key: string;
  readonly op: RegisterOp;
  readonly called: number;
  returned = Infinity;
  result: RegisterResult | undefined;
  withdrawn = false;

  constructor(key: string, op: RegisterOp, called: number) {
    this.key = key;
    this.op = op;
    this.called = called;
  }
}

export class Judge {
  readonly #oracle: Oracle;
  readonly #witness: Witness;
  readonly #nowMs: () => number;
  /** Clocks keep to their bound: leases and staleness bounds are judged. */
  readonly #clocksTrue: boolean;
  readonly #calls: Call[] = [];
  #position = 0;
  #floor = 0;
  #reads = 0;

  constructor(oracle: Oracle, witness: Witness, nowMs: () => number, clocksTrue: boolean) {
    this.#oracle = oracle;
    this.#witness = witness;
    this.#nowMs = nowMs;
    this.#clocksTrue = clocksTrue;
  }

  /** The newest revision that anybody has been told of: no later linearizable read may show less. */
  get floor(): number {
    return this.#floor;
  }

  get operations(): number {
    return this.#calls.length;
  }

  get reads(): number {
    return this.#reads;
  }

  call(key: string, op: RegisterOp): Call {
    this.#position += 1;
    const call = new Call(key, op, this.#position);
    this.#calls.push(call);
    return call;
  }

  /** It did not and will not take effect. */
  withdraw(call: Call): void {
    call.withdrawn = true;
  }

  /**
   * A member tells a stream of watches something.
   *
   * @returns what it says of its age, and what that is; undefined: it says nothing that is promised.
   */
  onWatchAnswer(node: NodeId, answer: WatchAnswer): Statement | undefined {
    this.#demandCommitted(node, revisionOf(answer));
    const { proof } = answer;
    const boundMs = proof?.staleness_bound_ms ?? undefined;
    if (!this.#clocksTrue || boundMs === undefined) return undefined;
    const ageMs = this.#ageOf(Number(proof?.applied_index ?? 0));
    return { boundMs: Number(boundMs), ageMs };
  }

  /** By true time: since when something committed is missing in the state at `applied`. */
  #ageOf(applied: number): number {
    const outdatedAtMs = this.#witness.committedAtMs(applied + 1);
    return outdatedAtMs === undefined ? 0 : this.#nowMs() - outdatedAtMs;
  }

  /** A write was answered; only the first answer counts, later ones repeat it. */
  onWritten(node: NodeId, calls: readonly Call[], response: Response): void {
    this.#demandCommitted(node, response.revision);
    this.#floor = Math.max(this.#floor, response.revision);
    this.#position += 1;
    for (const call of calls) {
      demand(!call.withdrawn, "exactly-once", () => {
        return `node ${node} answers a write of ${call.key} that was said not to be applied`;
      });
      if (call.result !== undefined) continue;
      call.returned = this.#position;
      call.result = resultOf(call.op, response);
      this.#demandWritten(node, call, response);
    }
  }

  /** The write is in the history of the state, at the revision that the answer names. */
  #demandWritten(node: NodeId, call: Call, response: Response): void {
    const wrote =
      call.op.kind === "put" || (call.op.kind === "swap" && call.result?.kind === "did");
    if (!wrote) return;
    const value = call.op.kind === "put" || call.op.kind === "swap" ? call.op.value : undefined;
    const row = this.#oracle.rowAt(call.key, response.revision);
    demand(row?.value === value && row?.modRevision === response.revision, "durability", () => {
      return `node ${node} acknowledged ${call.key}=${value} at ${response.revision}; it is not there`;
    });
  }

  #demandCommitted(node: NodeId, revision: number): void {
    demand(revision <= this.#oracle.revision, "committed-visible", () => {
      return `node ${node} shows revision ${revision}; committed is ${this.#oracle.revision}`;
    });
  }

  /** `call` is the read as an operation of its key's history, absent if it is not one. */
  onRead(asked: ReadAsked, answer: RangeAnswer, call: Call | undefined): void {
    const { node } = asked;
    const { proof } = answer;
    this.#reads += 1;
    this.#demandCommitted(node, proof.revision);
    demand(proof.appliedIndex <= this.#witness.committedLast, "committed-visible", () => {
      const last = this.#witness.committedLast;
      return `node ${node} answers from applied index ${proof.appliedIndex}; committed is ${last}`;
    });
    this.#demandCurrent(asked, proof.revision);
    this.#demandState(asked, answer);
    demand(proof.revision >= asked.minRevision, "min-revision", () => {
      return `node ${node} answers at ${proof.revision}, asked for at least ${asked.minRevision}`;
    });
    this.#demandMode(asked, answer);
    this.#demandFresh(asked, answer);
    this.#floor = Math.max(this.#floor, proof.revision);
    if (call === undefined || !this.#linearizable(asked.mode)) return;
    this.#position += 1;
    call.returned = this.#position;
    const kv = answer.range.kvs[0];
    call.result = { kind: "held", held: kv === undefined ? undefined : keyOf(kv.value) };
  }

  /** A transaction that only reads: one linearizable moment for all its keys. */
  onReadTxn(
    node: NodeId,
    keys: readonly Key[],
    floor: number,
    revision: number,
    response: TxnResponse,
  ): void {
    this.#reads += 1;
    this.#demandCommitted(node, revision);
    this.#demandCurrent({ node, mode: "index", floor }, revision);
    const expected = keys.map((key) => this.#oracle.rowAt(key, revision)?.value);
    const shown = response.responses.map((each) => {
      if (each.kind !== "range")
        throw new Violation("snapshot-read", `a range answers ${each.kind}`);
      const kv = each.range.kvs[0];
      return kv === undefined ? undefined : keyOf(kv.value);
    });
    demand(
      shown.length === keys.length && shown.join() === expected.join(),
      "snapshot-read",
      () => {
        const state = `[${shown.join()}] for [${keys.join()}]; the state was [${expected.join()}]`;
        return `node ${node} answers a transaction at revision ${revision} with ${state}`;
      },
    );
    this.#floor = Math.max(this.#floor, revision);
  }

  /** Linearizability of the store as one object: real time never goes back (the search is by key). */
  #demandCurrent(
    { node, mode, floor }: Pick<ReadAsked, "node" | "mode" | "floor">,
    revision: number,
  ): void {
    demand(!this.#linearizable(mode) || revision >= floor, "linearizability", () => {
      const seen = `revision ${floor} had been seen when it was asked`;
      return `node ${node} answers a ${mode} read at revision ${revision}; ${seen}`;
    });
  }

  #linearizable(mode: ReadMode): boolean {
    if (mode === "lease") return this.#clocksTrue;
    return mode === "quorum" || mode === "index" || mode === "follower";
  }

  #demandMode({ node, mode }: ReadAsked, { proof }: RangeAnswer): void {
    const used = proof.asked === mode && USED_FOR[mode].includes(proof.used);
    demand(used, "snapshot-read", () => {
      return `node ${node} answers a ${mode} read by ${proof.used}`;
    });
  }

  /** The returned state existed at its claimed revision, and nothing of it is left out. */
  #demandState(asked: ReadAsked, { range, proof }: RangeAnswer): void {
    const revision = asked.revision === 0 ? proof.revision : asked.revision;
    const inside = (key: string): boolean =>
      asked.end === undefined ? key === asked.key : key >= asked.key && key < asked.end;
    const expected = this.#oracle
      .keys()
      .filter(inside)
      .flatMap((key) => {
        const row = this.#oracle.rowAt(key, revision);
        return row === undefined ? [] : [`${key}=${row.value}@${row.modRevision}.${row.version}`];
      });
    const shown = range.kvs.map(
      (kv) => `${kv.key}=${keyOf(kv.value)}@${kv.modRevision}.${kv.version}`,
    );
    demand(shown.join(" ") === expected.join(" "), "snapshot-read", () => {
      const state = `[${shown.join(" ")}]; the state was [${expected.join(" ")}]`;
      return `node ${asked.node} answers a ${asked.mode} read at revision ${revision} with ${state}`;
    });
  }

  /** True age by true time: since when something committed is missing in the answer (F3). */
  #demandFresh(asked: ReadAsked, { proof }: RangeAnswer): void {
    const { stalenessBoundMs } = proof;
    if (asked.maxStalenessMs !== undefined) {
      const met = stalenessBoundMs !== undefined && stalenessBoundMs <= asked.maxStalenessMs;
      demand(met, "staleness-bound", () => {
        const bound = `${stalenessBoundMs} ms, asked for ${asked.maxStalenessMs} ms`;
        return `node ${asked.node} answers with a staleness bound of ${bound}`;
      });
    }
    if (stalenessBoundMs === undefined || !this.#clocksTrue) return;
    const ageMs = this.#ageOf(proof.appliedIndex);
    demand(ageMs <= stalenessBoundMs + AGE_SLACK_MS, "staleness-bound", () => {
      const claim = `at most ${stalenessBoundMs} ms`;
      return `node ${asked.node} calls an answer of age ${ageMs.toFixed(3)} ms ${claim} old`;
    });
  }

  /**
   * Searches each key's history.
   *
   * @returns the number of keys whose search met its bound undecided.
   * @throws {Violation} linearizability.
   */
  demandLinearizable(): number {
    const byKey = new Map<string, RegisterOperation[]>();
    for (const call of this.#calls) {
      if (call.withdrawn) continue;
      const history = byKey.get(call.key);
      if (history === undefined) byKey.set(call.key, [call]);
      else history.push(call);
    }
    let undecided = 0;
    for (const [key, history] of byKey) {
      const verdict = checkRegister(history);
      if (verdict.outcome === "undecided") undecided += 1;
      if (verdict.outcome !== "violation") continue;
      throw new Violation(
        "linearizability",
        `no order of ${key}'s operations explains ${describe(history, verdict.stuckAt)}`,
      );
    }
    return undecided;
  }
}

function resultOf(op: RegisterOp, response: Response): RegisterResult {
  if (op.kind === "put") return { kind: "put" };
  if (op.kind === "delete" && response.kind === "delete-range") {
    const before = response.deleteRange.prevKvs[0];
    return { kind: "held", held: before === undefined ? undefined : keyOf(before.value) };
  }
  if (op.kind === "swap" && response.kind === "txn") {
    if (response.txn.succeeded) return { kind: "did" };
    return { kind: "did-not", held: heldIn(response) };
  }
  throw new Violation("snapshot-read", `a ${op.kind} was answered with a ${response.kind}`);
}

/** A failed swap reads the key in the same transaction. */
function heldIn(response: Extract<Response, { kind: "txn" }>): Held {
  const read = present(response.txn.responses[0], "the answer of the failed branch");
  if (read.kind !== "range")
    throw new Violation("snapshot-read", `a range was answered by ${read.kind}`);
  const kv = read.range.kvs[0];
  return kv === undefined ? undefined : keyOf(kv.value);
}

/** The operation that no order reaches, and what was called around it. */
function describe(history: readonly RegisterOperation[], stuckAt: number): string {
  const shown = history.slice(Math.max(0, stuckAt - 9), stuckAt + 3);
  const told = shown.map(({ op, called, returned, result }) => {
    const until = returned === Infinity ? "?" : String(returned);
    return `[${called}-${until} ${JSON.stringify(op)} ${JSON.stringify(result) ?? "unknown"}]`;
  });
  return `operation ${stuckAt} of ${history.length}, among ${told.join(" ")}`;
}
