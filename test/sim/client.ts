// One client: one operation at a time, at a member of its choice, over a link that may lose the question or
// the answer. Writes in a session are repeated elsewhere until they are answered; others are given up with
// an unknown outcome. What members answer goes to the judge in the moment they say it.
import { checkedKey } from "../../base/index.ts";
import type { Key, KvError, MonotonicMs, NodeId, Revision, SessionId } from "../../base/index.ts";
import type { CallContext, ReadOptions } from "../../rpc/backend.ts";
import { NOBODY } from "../../store/caller.ts";
import type { RangeRequest, RequestId } from "../../store/request.ts";
import type { Response } from "../../store/response.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { Call, Judge, ReadAsked } from "./judge.ts";
import type { Serving, SimNode } from "./sim-node.ts";
import type { Swarm, WorkloadPlan } from "./swarm.ts";
import { Violation } from "./violation.ts";
import { rangeOf, readTxnOf, sentWrite } from "./workload.ts";
import type { SentWrite, WriteStep } from "./workload.ts";

const LINK_DELAY_MEAN_MS = 0.3;
/** Sessions outlive every run. */
const SESSION_TTL_MS = 86_400_000;
/** Of patience beyond the deadline that the member was given. */
const GRACE_MS = 20;

/** Of questions that go to any machine, whether or not it is a member by then. */
const STRANGER_RATE = 0.1;
/** Of reads that are transactions. */
const READ_TXN_SHARE = 0.05;
/** Of clients that wait for their answer however long it takes. */
const NEVER_GONE = new AbortController().signal;

export interface ClientInit {
  readonly name: string;
  readonly swarm: Swarm;
  /** Every machine there is by now. */
  readonly nodes: () => readonly SimNode[];
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly judge: Judge;
  readonly note: (what: () => string) => void;
  /** No further operation is begun once this is true. */
  readonly quiet: () => boolean;
  /** Whether this one is in the newest committed configuration: whom clients mostly know. */
  readonly isMember: (node: SimNode) => boolean;
}

/** What the client does at the moment, from its first try to its end. */
interface Task {
  readonly attempt: (node: SimNode, serving: Serving, context: CallContext, end: Ending) => void;
  /** Nothing more is coming from this try: `refused` is certain not to have had an effect. */
  readonly onEnd: (end: "answered" | "refused" | "unknown") => void;
}

type Ending = (end: "answered" | "refused" | "unknown") => void;

export class Client {
  readonly #init: ClientInit;
  readonly #plan: WorkloadPlan;
  #attempts = 0;
  #values = 0;
  #busy = false;
  #session: SessionId | undefined;
  #sequence = 0;
  #seenRevision = 0;
  #favourite: SimNode | undefined;
  readonly #seenValues = new Map<string, string | undefined>();

  constructor(init: ClientInit) {
    this.#init = init;
    this.#plan = init.swarm.workload;
  }

  get busy(): boolean {
    return this.#busy;
  }

  begin(): void {
    this.#later(() => this.#next());
  }

  #later(run: () => void): void {
    const { events, chance, name } = this.#init;
    events.schedule(chance.waitMs(this.#plan.thinkMeanMs), `${name} goes on`, run);
  }

  #next(): void {
    const { chance, quiet } = this.#init;
    this.#busy = !quiet();
    if (!this.#busy) return;
    if (chance.hits(this.#plan.readRate * READ_TXN_SHARE)) this.#readTxn();
    else if (chance.hits(this.#plan.readRate)) this.#read();
    else if (!chance.hits(this.#plan.sessionRate)) this.#writeOnce();
    else if (this.#session === undefined) this.#openSession();
    else this.#writeInSession(this.#session);
  }

  /** One try at one member; the answer, a refusal or silence comes back to `task.onEnd` once. */
  #try(task: Task): void {
    const { events, chance, swarm, name } = this.#init;
    const node = this.#choose();
    this.#attempts += 1;
    const attempt = this.#attempts;
    let ended = false;
    const end = (how: "answered" | "refused" | "unknown"): void => {
      if (ended) return;
      ended = true;
      if (how === "refused" && this.#favourite === node) this.#favourite = undefined;
      task.onEnd(how);
    };
    const back = (how: "answered" | "refused" | "unknown"): void => {
      if (chance.hits(this.#plan.lossRate)) return;
      events.schedule(chance.waitMs(LINK_DELAY_MEAN_MS), `${name} is answered`, () => end(how));
    };
    events.schedule(this.#plan.timeoutMs + GRACE_MS, `${name} gives up on ${attempt}`, () => {
      end("unknown");
    });
    if (chance.hits(this.#plan.lossRate)) return;
    events.schedule(chance.waitMs(LINK_DELAY_MEAN_MS), `${name} asks n${node.id}`, () => {
      if (!node.process.running) return back("refused");
      node.process.arrive(`${name} asks`, () => {
        const serving = node.serving;
        if (serving === undefined) return back("refused");
        const now = serving.replica.now();
        const deadlineAtMs = (now + this.#plan.timeoutMs) as MonotonicMs;
        const context = { deadlineAtMs, signal: NEVER_GONE, caller: NOBODY };
        task.attempt(node, serving, context, back);
      });
    });
    if (chance.hits(swarm.workload.stickyRate)) this.#favourite = node;
  }

  #choose(): SimNode {
    const { chance, nodes, isMember, quiet } = this.#init;
    // Who was removed takes writes that it never sees applied: no client waits there for the end.
    if (quiet() && this.#favourite !== undefined && !isMember(this.#favourite)) {
      this.#favourite = undefined;
    }
    const sticky = this.#favourite !== undefined && chance.hits(this.#plan.stickyRate);
    if (sticky && this.#favourite !== undefined) return this.#favourite;
    const any = !quiet() && chance.hits(STRANGER_RATE);
    return chance.pick(any ? nodes() : nodes().filter(isMember));
  }

  #key(): Key {
    return checkedKey(`k${this.#init.chance.whole(0, this.#plan.keys)}`);
  }

  #value(): string {
    this.#values += 1;
    return `${this.#init.name}.${this.#values}`;
  }

  #openSession(): void {
    const write = sentWrite({ kind: "session-open", ttlMs: SESSION_TTL_MS }, undefined);
    this.#try({
      attempt: (node, serving, context, end) => {
        this.#submit(node, serving, context, write, end, (response) => {
          if (response.kind === "session-open") this.#session ??= response.session;
        });
      },
      onEnd: () => this.#later(() => this.#next()),
    });
  }

  /** A write without a session: whatever comes of it, it is not repeated. */
  #writeOnce(): void {
    const step = this.#drawCompaction() ?? this.#drawWrite();
    const write = sentWrite(step, undefined);
    let calls: readonly Call[] = [];
    this.#try({
      attempt: (node, serving, context, end) => {
        calls = this.#callsOf(step);
        const onAnswer = (response: Response): void => {
          this.#onWritten(node, calls, response);
        };
        const onEnd: Ending = (how) => {
          if (how === "refused") for (const call of calls) this.#init.judge.withdraw(call);
          end(how);
        };
        this.#submit(node, serving, context, write, onEnd, onAnswer);
      },
      onEnd: () => this.#later(() => this.#next()),
    });
  }

  /** Exactly once: tried until it is answered, sometimes once more after that (R9). */
  #writeInSession(session: SessionId): void {
    const { chance, quiet } = this.#init;
    const step = this.#drawWrite();
    this.#sequence += 1;
    const sequence = this.#sequence;
    const requestId: RequestId = { session, sequence, acknowledgedBelow: sequence };
    const write = sentWrite(step, requestId);
    let calls: readonly Call[] | undefined;
    const task: Task = {
      attempt: (node, serving, context, end) => {
        calls ??= this.#callsOf(step);
        const known = calls;
        this.#submit(node, serving, context, write, end, (response) => {
          this.#onSessionAnswer(node, sequence, known, response);
        });
      },
      onEnd: (how) => {
        const again = how === "answered" ? !quiet() && chance.hits(this.#plan.repeatRate) : true;
        this.#later(() => (again ? this.#try(task) : this.#next()));
      },
    };
    this.#try(task);
  }

  #onSessionAnswer(
    node: SimNode,
    sequence: number,
    calls: readonly Call[],
    response: Response,
  ): void {
    if (response.kind === "refused") {
      // A try that was overtaken: the client has its answer and has said so.
      if (response.code === "already-acknowledged" && sequence < this.#sequence) return;
      const what = `node ${node.id} refuses a write of a living session: ${response.message}`;
      throw new Violation("exactly-once", what);
    }
    this.#onWritten(node, calls, response);
  }

  #onWritten(node: SimNode, calls: readonly Call[], response: Response): void {
    if (response.kind === "refused") return;
    this.#seenRevision = Math.max(this.#seenRevision, response.revision);
    this.#init.judge.onWritten(node.id, calls, response);
    for (const call of calls) this.#remember(call);
  }

  #remember(call: Call): void {
    const { op, result } = call;
    if (op.kind === "put") this.#seenValues.set(call.key, op.value);
    else if (op.kind === "delete") this.#seenValues.set(call.key, undefined);
    else if (op.kind === "swap" && result?.kind === "did") this.#seenValues.set(call.key, op.value);
    else if (result !== undefined && "held" in result) this.#seenValues.set(call.key, result.held);
  }

  #callsOf(step: WriteStep): readonly Call[] {
    const { judge } = this.#init;
    switch (step.kind) {
      case "put":
      case "put-two":
        return step.puts.map(({ key, value }) => judge.call(key, { kind: "put", value }));
      case "delete":
        return [judge.call(step.key, { kind: "delete" })];
      case "swap":
        return [judge.call(step.key, { kind: "swap", expect: step.expect, value: step.value })];
      case "compaction":
      case "session-open":
        return [];
    }
  }

  #drawCompaction(): WriteStep | undefined {
    const { chance } = this.#init;
    if (this.#seenRevision <= 4 || !chance.hits(this.#plan.compactionRate)) return undefined;
    return { kind: "compaction", revision: chance.whole(2, this.#seenRevision) as Revision };
  }

  #drawWrite(): WriteStep {
    const { chance } = this.#init;
    const key = this.#key();
    const kind = chance.pick(["put", "put", "put-two", "delete", "swap", "swap"] as const);
    if (kind === "delete") return { kind, key };
    if (kind === "swap") {
      return { kind, key, expect: this.#seenValues.get(key), value: this.#value() };
    }
    const first = { key, value: this.#value() };
    const other = this.#key();
    if (kind === "put" || other === key) return { kind: "put", puts: [first] };
    return { kind, puts: [first, { key: other, value: this.#value() }] };
  }

  #submit(
    node: SimNode,
    serving: Serving,
    context: CallContext,
    { request, body }: SentWrite,
    end: Ending,
    onAnswer: (response: Response) => void,
  ): void {
    const { note, name } = this.#init;
    serving.backend.write(request, body, context, (answer) => {
      note(() => `${name} n${node.id} ${request.kind}: ${outcomeText(answer)}`);
      if (answer.ok) onAnswer(answer.value);
      end(answer.ok ? "answered" : endOf(answer.error));
    });
  }

  #read(): void {
    const { chance, judge, note, name } = this.#init;
    const mode = chance.pick(this.#plan.readModes);
    const whole = chance.hits(0.2);
    const past = !whole && this.#seenRevision > 2 && chance.hits(0.05);
    const key = whole ? checkedKey("k") : this.#key();
    const revision = (past ? chance.whole(2, this.#seenRevision + 1) : 0) as Revision;
    const request: RangeRequest = rangeOf(key, whole ? checkedKey("l") : undefined, revision);
    const options = this.#drawReadOptions(mode);
    this.#try({
      attempt: (node, serving, context, end) => {
        const call = whole || past ? undefined : judge.call(key, { kind: "get" });
        const asked = this.#askedOf(node.id, request, options, judge.floor);
        serving.backend.range(request, options, context, (answer) => {
          note(() => `${name} n${node.id} ${mode} ${key}: ${outcomeText(answer)}`);
          if (answer.ok) {
            judge.onRead(asked, answer.value, call);
            this.#seenRevision = Math.max(this.#seenRevision, answer.value.proof.revision);
            if (call !== undefined) this.#remember(call);
          }
          end(answer.ok ? "answered" : endOf(answer.error));
        });
      },
      onEnd: () => this.#later(() => this.#next()),
    });
  }

  /** Linearizable whatever the plan's modes: a transaction's ranges say nothing of modes. */
  #readTxn(): void {
    const { judge, note, name } = this.#init;
    const keys = [...new Set([this.#key(), this.#key()])];
    this.#try({
      attempt: (node, serving, context, end) => {
        const { floor } = judge;
        serving.backend.readTxn(readTxnOf(keys), context, (answer) => {
          note(() => `${name} n${node.id} read of ${keys.join()}: ${outcomeText(answer)}`);
          if (answer.ok) {
            judge.onReadTxn(node.id, keys, floor, answer.header.revision, answer.value);
            this.#seenRevision = Math.max(this.#seenRevision, answer.header.revision);
          }
          end(answer.ok ? "answered" : endOf(answer.error));
        });
      },
      onEnd: () => this.#later(() => this.#next()),
    });
  }

  #askedOf(node: NodeId, request: RangeRequest, options: ReadOptions, floor: number): ReadAsked {
    const { mode, minRevision, maxStalenessMs } = options;
    return {
      node,
      mode: mode === "default" ? "index" : mode,
      key: request.key,
      ...(request.end === undefined ? {} : { end: request.end }),
      revision: request.revision,
      minRevision,
      ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
      floor,
    };
  }

  #drawReadOptions(mode: ReadOptions["mode"]): ReadOptions {
    const { chance, swarm } = this.#init;
    const ahead = chance.hits(0.1) ? chance.whole(0, 4) : 0;
    const minRevision = chance.hits(0.3) ? this.#seenRevision + ahead : 0;
    const bounded = mode === "learner" ? chance.hits(0.5) : chance.hits(0.05);
    const maxStalenessMs = chance.whole(1, 4 * swarm.options.electionTimeoutMs);
    return {
      mode,
      minRevision: minRevision as Revision,
      onMiss: chance.hits(this.#plan.waitRate) ? "wait" : "fail",
      ...(bounded ? { maxStalenessMs } : {}),
    };
  }
}

function endOf(error: KvError): "refused" | "unknown" {
  return error.outcome === "not-applied" ? "refused" : "unknown";
}

function outcomeText(answer: { readonly ok: boolean; readonly error?: KvError }): string {
  const error = answer.error;
  return error === undefined ? "answered" : `${error.code} (${error.outcome})`;
}
