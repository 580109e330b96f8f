// One Raft node with the test as its peers, its disk and its clock: says what it sends at once and what it
// sends only when its disk has answered.
import { Mulberry32, present } from "../../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId } from "../../base/index.ts";
import type {
  Consensus,
  ConsensusOptions,
  Entry,
  Epoch,
  Membership,
  ProposalOutcome,
  ReadMode,
  ReadResult,
  Ready,
  StorageOp,
  WriteBatch,
} from "../../consensus/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { RaftMessage } from "../../raft/index.ts";
import { MemoryLog } from "../scenario/memory-log.ts";
import { SCENARIO_OPTIONS } from "../scenario/script.ts";

export interface Sent {
  readonly to: number;
  readonly term: number;
  readonly body: RaftMessage;
}

export interface LoneInit {
  readonly voters?: readonly number[];
  readonly learners?: readonly number[];
  /** Terms of the entries its disk holds at boot. */
  readonly terms?: readonly number[];
  /** A configuration whose entry follows them, of the last one's term. */
  readonly config?: ConfigParts;
  readonly term?: number;
  readonly votedFor?: number;
  readonly commitHint?: number;
  readonly options?: Partial<ConsensusOptions>;
  readonly seed?: number;
}

export const LEASE_MS = 1000;

export interface ConfigParts {
  readonly incoming: readonly number[];
  readonly outgoing?: readonly number[];
  readonly learners?: readonly number[];
}

export function configEntry(index: number, term: number, parts: ConfigParts): Entry {
  const config: Membership = {
    index: index as LogIndex,
    incoming: parts.incoming as NodeId[],
    ...(parts.outgoing === undefined ? {} : { outgoing: parts.outgoing as NodeId[] }),
    learners: (parts.learners ?? []) as NodeId[],
    leaseMs: LEASE_MS,
  };
  return { kind: "config", index: config.index, epoch: epochOf(term), config };
}

export class Lone {
  readonly id = 1 as NodeId;
  readonly log: MemoryLog;
  readonly boot: BootNonce = 100n as BootNonce;
  core: Consensus<RaftMessage>;
  now = 0 as MonotonicMs;
  reads: ReadResult[] = [];
  outcomes: ProposalOutcome[] = [];
  /** Handed out and not applied yet. */
  committed: Entry[] = [];
  applied: Entry[] = [];
  loads: NonNullable<Ready<RaftMessage>["load"]>[] = [];
  #sent: Sent[] = [];
  readonly #writes: WriteBatch<RaftMessage>[] = [];
  #readId = 0;

  constructor({ voters = [1, 2, 3], learners = [], ...init }: LoneInit = {}) {
    const membership: Membership = {
      index: 0 as LogIndex,
      incoming: voters as NodeId[],
      learners: learners as NodeId[],
      leaseMs: LEASE_MS,
    };
    this.log = new MemoryLog(membership);
    const terms = init.terms ?? [];
    const term = init.term ?? terms.at(-1) ?? 0;
    const entries = [...entriesOf(terms, 1)];
    if (init.config !== undefined) entries.push(configEntry(terms.length + 1, term, init.config));
    this.log.take([
      { op: "append", entries },
      { op: "promise", promised: epochOf(term), votedFor: (init.votedFor ?? 0) as NodeId | 0 },
    ]);
    this.core = createRaft({
      id: this.id,
      incarnation: 1n,
      boot: this.boot,
      log: this.log,
      promised: this.log.promised,
      votedFor: this.log.votedFor,
      commitHint: (init.commitHint ?? 0) as LogIndex,
      applied: 0 as LogIndex,
      configs: this.log.configs(),
      rng: new Mulberry32(init.seed ?? 1),
      bootAtMs: this.now,
      options: { ...SCENARIO_OPTIONS, ...init.options },
    });
    this.drain();
  }

  /** Past the time for which a booted voter refuses everybody. */
  static awake(init: LoneInit = {}): Lone {
    const lone = new Lone(init);
    lone.now = LEASE_MS as MonotonicMs;
    return lone;
  }

  /** Elected by node 2 in the term after its own, its no-op replicated to nobody yet. */
  static leader(init: LoneInit = {}): Lone {
    const lone = Lone.awake(init);
    lone.campaign();
    for (const voter of init.voters ?? [1, 2, 3]) {
      if (voter !== 1 && lone.role !== "leader") lone.step(voter, lone.term, vote(true));
    }
    lone.persistAll();
    lone.take();
    return lone;
  }

  /** A leader whose no-op is committed and applied, and whose first round node 2 has answered. */
  static established(init: LoneInit = {}): Lone {
    const lone = Lone.leader(init);
    const match = lone.last;
    for (const voter of init.voters ?? [1, 2, 3]) {
      if (voter !== 1) lone.step(voter, lone.term, { kind: "append-ack", match });
    }
    lone.step(2, lone.term, heartbeatAck(lone, 1));
    lone.apply();
    lone.persistAll();
    lone.take();
    return lone;
  }

  get role(): string {
    return this.core.status().role;
  }

  get term(): number {
    return this.core.status().epoch.round;
  }

  get commit(): number {
    return this.core.status().committed;
  }

  get durable(): number {
    return this.core.status().durable;
  }

  get last(): LogIndex {
    return this.log.last();
  }

  /** Terms of all entries in the log. */
  get terms(): readonly number[] {
    return this.log.entries().map((entry) => entry.epoch.round);
  }

  step(from: number, term: number, body: RaftMessage): void {
    const envelope = {
      from: from as NodeId,
      to: this.id,
      incarnation: 1n,
      epoch: epochOf(term),
      body,
    };
    this.core.step(envelope, this.now);
    this.drain();
  }

  /** Several inputs in one event-loop turn. */
  turn(run: (core: Consensus<RaftMessage>, now: MonotonicMs) => void): void {
    run(this.core, this.now);
    this.drain();
  }

  elapse(ms: number): void {
    this.now = (this.now + ms) as MonotonicMs;
  }

  tick(afterMs = 0): void {
    this.elapse(afterMs);
    this.turn((core, now) => core.tick(now));
  }

  propose(text: string): ReturnType<Consensus<RaftMessage>["propose"]> {
    const result = this.core.propose(new TextEncoder().encode(text), this.now);
    this.drain();
    return result;
  }

  read(mode: ReadMode, deadlineMs = 60_000): number {
    this.#readId += 1;
    const id = this.#readId;
    const deadlineAtMs = (this.now + deadlineMs) as MonotonicMs;
    this.turn((core, now) => core.read({ id, mode, deadlineAtMs }, now));
    return id;
  }

  /** Waits out its leader, polls, and stands as a candidate whose own vote is durable. */
  campaign(): void {
    this.tick(2 * SCENARIO_OPTIONS.electionTimeoutMs);
    const poll = this.take().find(({ body }) => body.kind === "pre-vote")?.body;
    if (poll?.kind === "pre-vote") {
      for (const voter of this.core.status().config.incoming) {
        if (voter === this.id || this.term >= poll.term) continue;
        this.step(voter, this.term, { kind: "pre-vote-answer", poll: poll.poll, granted: true });
      }
    }
    this.persistAll();
  }

  /** What is outstanding at the disk. */
  get writes(): readonly WriteBatch<RaftMessage>[] {
    return this.#writes;
  }

  get pendingOps(): readonly StorageOp[] {
    return this.#writes.flatMap((write) => write.ops);
  }

  /** The oldest write ends; then what waited for it leaves. */
  persist(): void {
    const write = present(this.#writes.shift(), "an outstanding write");
    for (const { to, epoch, body } of write.after) this.#sent.push({ to, term: epoch.round, body });
    this.turn((core, now) => core.persisted(write.id, now));
  }

  persistAll(): void {
    while (this.#writes.length > 0) this.persist();
  }

  apply(): void {
    const last = this.committed.at(-1);
    this.applied.push(...this.committed);
    this.committed = [];
    if (last !== undefined) this.turn((core, now) => core.applied(last.index, now));
  }

  /** What left since the last call. */
  take(): readonly Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** What left since the last call, of one kind. */
  takeKind<K extends RaftMessage["kind"]>(
    kind: K,
  ): readonly { readonly to: number; readonly term: number; readonly body: MessageOf<K> }[] {
    return this.take().flatMap(({ to, term, body }) =>
      isKind(body, kind) ? [{ to, term, body }] : [],
    );
  }

  drain(): void {
    while (this.core.hasReady()) {
      const ready = this.core.ready();
      if (ready.write !== undefined) {
        this.log.take(ready.write.ops);
        this.#writes.push(ready.write);
      }
      for (const { to, epoch, body } of ready.send)
        this.#sent.push({ to, term: epoch.round, body });
      this.committed.push(...ready.committed);
      this.reads.push(...ready.reads);
      this.outcomes.push(...ready.outcomes);
      if (ready.load !== undefined) this.loads.push(ready.load);
    }
  }
}

type MessageOf<K extends RaftMessage["kind"]> = Extract<RaftMessage, { kind: K }>;

function isKind<K extends RaftMessage["kind"]>(body: RaftMessage, kind: K): body is MessageOf<K> {
  return body.kind === kind;
}

function epochOf(term: number): Epoch {
  return { config: 0, round: term, node: 0 };
}

/** Commands with these terms, from index `from` on. */
function entriesOf(terms: readonly number[], from: number): readonly Entry[] {
  return terms.map((term, at) => ({
    kind: "command",
    index: (from + at) as LogIndex,
    epoch: epochOf(term),
    data: new TextEncoder().encode(`${from + at}/${term}`),
  }));
}

export function vote(granted: boolean): RaftMessage {
  return { kind: "vote", granted };
}

export function requestVote(lastIndex: number, lastTerm: number, transferTerm = 0): RaftMessage {
  return { kind: "request-vote", lastIndex: lastIndex as LogIndex, lastTerm, transferTerm };
}

export function preVote(term: number, lastIndex: number, lastTerm: number): RaftMessage {
  const poll = { boot: 7n as BootNonce, counter: 1 };
  return { kind: "pre-vote", poll, term, lastIndex: lastIndex as LogIndex, lastTerm };
}

export function append(
  prevIndex: number,
  prevTerm: number,
  terms: readonly number[],
  commit = 0,
): RaftMessage {
  return {
    kind: "append-entries",
    prevIndex: prevIndex as LogIndex,
    prevTerm,
    entries: entriesOf(terms, prevIndex + 1),
    commit: commit as LogIndex,
  };
}

export function appendAck(match: number): RaftMessage {
  return { kind: "append-ack", match: match as LogIndex };
}

export function heartbeat(counter: number, commit = 0, boot = 7n): RaftMessage {
  const round = { boot: boot as BootNonce, counter };
  return { kind: "heartbeat", round, commit: commit as LogIndex };
}

/** The answer of a peer to the newest round that a leader under test has sent. */
export function heartbeatAck(lone: Lone, counter: number, stampCounter = 1): RaftMessage {
  return {
    kind: "heartbeat-ack",
    round: { boot: lone.boot, counter },
    stamp: { boot: 7n as BootNonce, counter: stampCounter },
  };
}
