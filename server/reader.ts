// The life of a read: a moment from consensus, a plan against the state at that moment, values from memory
// or the engine, the checks that must come last, and the proof of what the answer is (R6-R8, F1-F4).
import { KvError, present } from "../base/index.ts";
import type { KvErrorCode, MemberId, MonotonicMs } from "../base/index.ts";
import { stalenessBoundMs } from "../consensus/index.ts";
import type { ReadGrant, ReadMode, ReadReject } from "../consensus/index.ts";
import type {
  Answer,
  CallContext,
  Done,
  Header,
  RangeAnswer,
  ReadOptions,
  ReadProof,
} from "../rpc/index.ts";
import { isRefusal } from "../store/index.ts";
import type {
  Caller,
  RangeRequest,
  RangeResponse,
  Refusal,
  TxnRequest,
  TxnResponse,
} from "../store/index.ts";
import { SiblingsAsked } from "./key-siblings.ts";
import { ReadCounters } from "./read-counters.ts";
import type { Replica } from "./replica.ts";
import { ScanRunner, scanOfPlan } from "./scan-runner.ts";
import type { Scan } from "./scan-runner.ts";

/** Keys a range looks at before other work gets its turn. */
const KEYS_PER_STEP_MAX = 1_000;

export interface ReaderInit {
  readonly replica: Replica;
  readonly memberId: MemberId;
  readonly region: string;
  readonly header: () => Header;
}

interface Proven<T> {
  readonly value: T;
  readonly proof: ReadProof;
}

export class Reader {
  readonly counters = new ReadCounters();
  readonly #init: ReaderInit;
  readonly #scans: ScanRunner;
  #retrying = 0;

  constructor(init: ReaderInit) {
    this.#init = init;
    const { replica } = init;
    this.#scans = new ScanRunner({
      engine: () => replica.engine,
      endOfTurn: replica.endOfTurn,
      loadingMax: replica.limits.readsLoadingMax,
    });
  }

  range(
    request: RangeRequest,
    options: ReadOptions,
    context: CallContext,
    done: Done<RangeAnswer>,
  ): void {
    const mode =
      options.mode === "default" ? (request.serializable ? "local" : "index") : options.mode;
    const asked = options.siblings === true ? new SiblingsAsked(request.key) : undefined;
    this.#begin(
      () => this.#rangeScan(request, context.caller, asked),
      mode,
      options,
      context,
      (answer) => {
        if (!answer.ok) {
          done(answer);
          return;
        }
        const { value: range, proof } = answer.value;
        const siblings = asked?.of(range);
        done({ ...answer, value: { range, proof, ...(siblings && { siblings }) } });
      },
    );
  }

  /** In the moment of the read: judged by the very state that answers. */
  #rangeScan(
    request: RangeRequest,
    caller: Caller,
    asked: SiblingsAsked | undefined,
  ): Scan<RangeResponse> | Refusal {
    const { machine } = this.#init.replica;
    const refused = machine.auth.refusesRead(caller, request) ?? asked?.capture(machine);
    if (refused !== undefined) return refused;
    if (request.end !== undefined) return machine.scanRange(request, KEYS_PER_STEP_MAX);
    const plan = machine.planRange(request);
    return "kind" in plan ? plan : scanOfPlan(plan);
  }

  /** A transaction that writes nothing: local if each of its ranges is serializable, else by index. */
  txn(request: TxnRequest, mode: ReadMode, context: CallContext, done: Done<TxnResponse>): void {
    const options: ReadOptions = {
      mode,
      minRevision: 0 as ReadOptions["minRevision"],
      onMiss: "wait",
    };
    const scan = (): Scan<TxnResponse> | Refusal => {
      const { machine } = this.#init.replica;
      const plan = machine.auth.refusesTxn(context.caller, request) ?? machine.planTxn(request);
      return "kind" in plan ? plan : scanOfPlan(plan);
    };
    this.#begin(scan, mode, options, context, (answer) => {
      if (!answer.ok) done(answer);
      else done({ ...answer, value: answer.value.value });
    });
  }

  /** Waits for a moment of `mode`; what is read inside `done` is then as good as the mode says. */
  moment(mode: ReadMode, context: CallContext, done: (refused: KvError | undefined) => void): void {
    this.#init.replica.read(mode, context.deadlineAtMs, (result) => {
      done(result.ok ? undefined : errorOf(result.reason));
    });
  }

  #begin<T extends object>(
    scan: () => Scan<T> | Refusal,
    mode: ReadMode,
    options: ReadOptions,
    context: CallContext,
    done: Done<Proven<T>>,
  ): void {
    const call: ReadCall<T> = {
      scan,
      options,
      context,
      done,
      askedAtMs: this.#init.replica.now(),
      askedBreaks: this.#init.replica.clockBreaks(),
      refreshed: false,
    };
    this.#attempt(call, mode);
  }

  #attempt<T extends object>(call: ReadCall<T>, mode: ReadMode): void {
    const { replica } = this.#init;
    const asksLeader = mode === "index";
    const beganAtMs = asksLeader ? replica.now() : 0;
    replica.read(mode, call.context.deadlineAtMs, (result) => {
      if (asksLeader) this.counters.onReadIndex(result.ok, replica.now() - beganAtMs);
      if (result.ok) this.#onMoment(call, mode, result);
      else this.#onMiss(call, mode, errorOf(result.reason));
    });
  }

  /** Runs inside the moment: everything it captures belongs to one applied state. */
  #onMoment<T extends object>(call: ReadCall<T>, mode: ReadMode, grant: ReadGrant): void {
    const { replica } = this.#init;
    const { machine } = replica;
    if (machine.revision < call.options.minRevision) {
      const text = `hansa: revision ${call.options.minRevision} is not committed here; applied revision is ${machine.revision}`;
      this.#onMiss(call, mode, miss("not-committed", text));
      return;
    }
    const scan = call.scan();
    if ("kind" in scan) {
      call.done(failed(new KvError(scan.code, "not-applied", scan.message)));
      return;
    }
    const captured: Captured = {
      grant,
      mode,
      appliedIndex: machine.applied,
      clockBreaks: replica.clockBreaks(),
      header: this.#init.header(),
    };
    this.#scans.run(scan, (end) => {
      switch (end.kind) {
        case "answer":
          this.#finish(call, captured, end.answer);
          break;
        case "overloaded":
          call.done(failed(errorOf("overloaded")));
          break;
        case "failed":
          call.done(failed(miss("unavailable", `hansa: ${end.failure.message}`)));
      }
    });
  }

  /** The answer is built: checks what only holds if checked last (R7, F3). */
  #finish<T extends object>(call: ReadCall<T>, captured: Captured, built: T | Refusal): void {
    const { replica } = this.#init;
    if (isRefusal(built)) {
      call.done(failed(new KvError(built.code, "not-applied", built.message)));
      return;
    }
    const { grant, mode } = captured;
    const unbroken = captured.clockBreaks === replica.clockBreaks();
    if (grant.used === "lease" && !(unbroken && replica.leaseHolds(grant.epoch))) {
      this.counters.leaseFallbacks += 1;
      this.#attempt(call, "index");
      return;
    }
    const proof = this.#proof(call, captured, unbroken);
    const { maxStalenessMs } = call.options;
    const bound = proof.stalenessBoundMs;
    if (maxStalenessMs !== undefined && (bound === undefined || bound > maxStalenessMs)) {
      const age = bound === undefined ? "of unknown age" : `up to ${bound} ms old`;
      this.#onMiss(
        call,
        mode,
        miss("too-stale", `hansa: the state here is ${age}; ${maxStalenessMs} ms was asked`),
      );
      return;
    }
    this.counters.onAnswer(proof);
    call.done({ ok: true, header: captured.header, value: { value: built, proof } });
  }

  /** A linearizable answer holds everything committed before it was asked for. */
  #proof<T>(call: ReadCall<T>, captured: Captured, unbroken: boolean): ReadProof {
    const { replica, memberId, region } = this.#init;
    const { grant } = captured;
    const echoed = unbroken ? grant.freshAtMs : undefined;
    const whole = unbroken && call.askedBreaks === captured.clockBreaks;
    const asked = grant.guarantee === "linearizable" && whole ? call.askedAtMs : undefined;
    const freshAtMs = Math.max(echoed ?? -Infinity, asked ?? -Infinity);
    const known = freshAtMs === -Infinity ? undefined : (freshAtMs as MonotonicMs);
    const bound = stalenessBoundMs(known, replica.now(), replica.clockDriftMax);
    return {
      asked: call.options.mode,
      used: grant.used,
      memberId,
      role: replica.status().role,
      region,
      appliedIndex: captured.appliedIndex,
      revision: captured.header.revision,
      ...(bound === undefined ? {} : { stalenessBoundMs: bound }),
      clockDriftMax: replica.clockDriftMax,
    };
  }

  /** Waits for a change and tries again, or ends; forwarding is the caller's, who holds the bytes. */
  #onMiss<T extends object>(call: ReadCall<T>, mode: ReadMode, error: KvError): void {
    const { replica } = this.#init;
    this.counters.onMiss(mode, error.code);
    const mayWait = call.options.onMiss === "wait" && MISSES.has(error.code);
    if (!mayWait || replica.now() >= call.context.deadlineAtMs || call.context.signal.aborted) {
      call.done(failed(error));
      return;
    }
    if (this.#retrying >= replica.limits.readsRetryingMax) {
      call.done(failed(errorOf("overloaded")));
      return;
    }
    const refresh = error.code === "too-stale" && !call.refreshed;
    if (refresh) this.#refresh(call, mode, error);
    else this.#wait(call, mode, error);
  }

  /**
   * The echoes that come by themselves are a heartbeat or two old. Asking the leader makes the state here
   * fresh to within a round trip; where it cannot be reached, the read waits for a change as others do.
   */
  #refresh<T extends object>(call: ReadCall<T>, mode: ReadMode, error: KvError): void {
    const { replica } = this.#init;
    this.#retrying += 1;
    call.refreshed = true;
    replica.read("follower", call.context.deadlineAtMs, (result) => {
      this.#retrying -= 1;
      if (result.ok) this.#attempt(call, mode);
      else this.#onMiss(call, mode, error);
    });
  }

  #wait<T extends object>(call: ReadCall<T>, mode: ReadMode, error: KvError): void {
    const { replica } = this.#init;
    this.#retrying += 1;
    const end = replica.onChange(() => {
      const over = replica.now() >= call.context.deadlineAtMs || call.context.signal.aborted;
      const waiting =
        error.code === "not-committed" && replica.machine.revision < call.options.minRevision;
      if (waiting && !over) return;
      end();
      this.#retrying -= 1;
      call.refreshed = false;
      if (over) call.done(failed(error));
      else this.#attempt(call, mode);
    });
  }
}

interface ReadCall<T> {
  readonly scan: () => Scan<T> | Refusal;
  readonly options: ReadOptions;
  readonly context: CallContext;
  readonly done: Done<Proven<T>>;
  readonly askedAtMs: MonotonicMs;
  /** Of replica.clockBreaks() then: a span from `askedAtMs` on means nothing once it has changed. */
  readonly askedBreaks: number;
  /** The leader was asked since the state here was last found too stale. */
  refreshed: boolean;
}

interface Captured {
  readonly grant: ReadGrant;
  readonly mode: ReadMode;
  readonly appliedIndex: ReadProof["appliedIndex"];
  readonly clockBreaks: number;
  readonly header: Header;
}

/** Conditions that another moment may mend. */
const MISSES: ReadonlySet<KvErrorCode> = new Set<KvErrorCode>([
  "no-leader",
  "not-committed",
  "too-stale",
  "lag-too-large",
]);

const REFUSALS: Readonly<Record<ReadReject, readonly [KvErrorCode, string]>> = {
  "no-leader": ["no-leader", "etcdserver: no leader"],
  "not-leader": ["no-leader", "etcdserver: no leader"],
  superseded: ["no-leader", "etcdserver: no leader"],
  "lag-too-large": ["lag-too-large", "hansa: this member is too far behind the leader"],
  deadline: ["timed-out", "etcdserver: request timed out"],
  overloaded: ["too-many-requests", "etcdserver: too many requests"],
  halted: ["server-stopped", "etcdserver: server stopped"],
};

function errorOf(reason: ReadReject): KvError {
  const [code, text] = present(REFUSALS[reason], "the error of a read refusal");
  return miss(code, text);
}

function miss(code: KvErrorCode, text: string): KvError {
  return new KvError(code, "not-applied", text);
}

function failed<T>(error: KvError): Answer<T> {
  return { ok: false, error };
}
