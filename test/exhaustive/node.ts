// One member of the small world: a real core over its log, and all that the checks must remember of it. It is
// never changed: each input makes others. Time is of no account: before every input its clock goes on by more
// than any span that the core knows, so leases are over and timers may fire.
//
// A write is durable at once, or the member crashes before it is. Nobody sees the difference to a slower disk:
// what others do meanwhile rests on what was sent, which stays sent.
import { assert } from "../../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId, Random } from "../../base/index.ts";
import { compareEpochs } from "../../consensus/index.ts";
import type {
  Consensus,
  ConsensusFactory,
  ConsensusOptions,
  Epoch,
  Membership,
  ProposalOutcome,
  Ready,
  Role,
} from "../../consensus/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import { MemoryLog } from "../scenario/memory-log.ts";
import { mayCrashIn } from "./bounds.ts";
import type { Bounds } from "./bounds.ts";
import type { Cost } from "./spent.ts";
import { NOTHING_YET, valueOf } from "./facts.ts";
import type { Facts } from "./facts.ts";
import type { Network, SmallEnvelope } from "./network.ts";
import { agreed } from "./polls.ts";
import type { Standing } from "./standing.ts";
import { textOf } from "./text.ts";

export type Input =
  | { readonly kind: "deliver"; readonly message: number }
  /** The election timer, at whoever; a leader steps down by check-quorum first. */
  | { readonly kind: "timeout" }
  | { readonly kind: "propose"; readonly value: number }
  /** And is up again at once: what is longer down is only not delivered to. */
  | { readonly kind: "crash" };

/** Longer than any span below. */
const LONG_MS = 10;
const SPAN_MS = 1;

/** The election timeout is its lower bound, always. */
const NO_CHANCE: Random = { u32: () => 0 };

/** The common part of all members of one world. */
export interface Setting {
  readonly bounds: Bounds;
  readonly membership: Membership;
  readonly create: ConsensusFactory<ConsensusMessage>;
  readonly network: Network;
  /** Nobody begins an epoch behind it. */
  readonly epochLast: Epoch;
}

const CRASHED: Cost = { crash: true };

interface Parts {
  /** Crashes, told apart by their boots in a world where names count. */
  readonly boots: number;
  readonly core: Consensus<ConsensusMessage>;
  readonly log: MemoryLog;
  readonly facts: Facts;
  readonly nowMs: number;
}

/** One way in which an input may end: what the member is then, what it has sent meanwhile, and what that cost. */
export interface Step {
  readonly node: Node;
  /** Numbers of messages. */
  readonly sent: readonly number[];
  readonly cost: Cost;
}

export class Node {
  readonly id: NodeId;
  readonly #setting: Setting;
  readonly #parts: Parts;

  private constructor(id: NodeId, setting: Setting, parts: Parts) {
    this.id = id;
    this.#setting = setting;
    this.#parts = parts;
  }

  static start(id: NodeId, setting: Setting): Node {
    const log = new MemoryLog(setting.membership);
    return Node.#boot(id, setting, { log, facts: NOTHING_YET, nowMs: 0, boots: 0 });
  }

  /** On a log that is its own. */
  static #boot(id: NodeId, setting: Setting, parts: Omit<Parts, "core">): Node {
    const { log, facts, nowMs, boots } = parts;
    const core = setting.create({
      id,
      incarnation: BigInt(id),
      // It tells apart answers to polls and reads, and none of these is ever under way.
      boot: BigInt(setting.bounds.alike ? id : 100 * id + boots) as BootNonce,
      log,
      promised: log.promised,
      votedFor: log.votedFor,
      commitHint: log.commitHint,
      // The state is lost with the power, and built again from the log.
      applied: 0 as LogIndex,
      configs: log.configs(),
      rng: NO_CHANCE,
      bootAtMs: nowMs as MonotonicMs,
      options: optionsOf(setting.bounds),
    });
    const booted: Facts = { ...facts, open: [] };
    const turn = new Turn(setting, { ...parts, facts: booted, core });
    const settled = turn.settle();
    assert(turn.sent.length === 0, "a member says nothing before it is spoken to");
    return new Node(id, setting, settled);
  }

  get facts(): Facts {
    return this.#parts.facts;
  }

  get epoch(): Epoch {
    return this.#parts.core.status().epoch;
  }

  get role(): Role {
    return this.#parts.core.status().role;
  }

  get standing(): Standing {
    const { core, log } = this.#parts;
    const { epoch, role, committed, leader } = core.status();
    const { bounds, epochLast } = this.#setting;
    const matches = new Map(core.peers().map(({ node, match }) => [node, match]));
    const standing: Standing = {
      epoch,
      epochLast,
      role,
      leader: leader ?? 0,
      committed,
      log,
      votedFor: log.votedFor,
      matches,
    };
    if (!mayCrashIn(bounds)) return standing;
    const left = Math.min(log.commitHint, log.last()) as LogIndex;
    const crashed = { ...standing, role: "follower", leader: 0, committed: left } as const;
    return { ...standing, crashed };
  }

  get log(): MemoryLog {
    return this.#parts.log;
  }

  /** Equal for members that go on alike. */
  get text(): string {
    const { core, log, facts, nowMs } = this.#parts;
    const state = core.canonical((nowMs + LONG_MS) as MonotonicMs, LONG_MS);
    const disk = [log.entries(), log.promised, log.votedFor, log.commitHint];
    return `${state}\n${textOf([disk, facts])}`;
  }

  /** Whether `input` is within the bounds of this member alone. */
  mayTake(input: Input): boolean {
    const { bounds } = this.#setting;
    switch (input.kind) {
      case "deliver":
      case "crash":
        return true;
      case "timeout":
        return this.epoch.round < bounds.epochs;
      case "propose":
        return this.role === "leader";
    }
  }

  /**
   * What `input` may make of this member: first with all that it writes durable, then with a crash before
   * each of its writes is.
   *
   * @throws {AssertionError} of the core, or when it goes back on what it said.
   */
  after(input: Input): readonly Step[] {
    if (input.kind === "crash") {
      return [{ node: this.#crashed(this.#parts), sent: [], cost: CRASHED }];
    }
    const mayCrash = mayCrashIn(this.#setting.bounds);
    const whole = this.#turn();
    whole.give(input, this.role);
    const settled = new Node(this.id, this.#setting, whole.settle());
    const results: Step[] = [{ node: settled, sent: whole.sent, cost: whole.cost }];
    for (let lost = 1; lost <= whole.writes && mayCrash; lost += 1) {
      const torn = this.#turn();
      torn.give(input, this.role);
      const node = this.#crashed(torn.settle(lost - 1));
      results.push({ node, sent: torn.sent, cost: { ...torn.cost, ...CRASHED } });
    }
    return results;
  }

  #turn(): Turn {
    const { log, core, nowMs } = this.#parts;
    const own = log.copy();
    const twin = core.fork(own, NO_CHANCE);
    return new Turn(this.#setting, {
      ...this.#parts,
      log: own,
      core: twin,
      nowMs: nowMs + LONG_MS,
    });
  }

  #crashed({ log, facts, nowMs, boots }: Parts): Node {
    const parts = { log: log.copy(), facts, nowMs: nowMs + LONG_MS, boots: boots + 1 };
    return Node.#boot(this.id, this.#setting, parts);
  }
}

/** One input and all that follows from it, on parts of its own. */
class Turn {
  readonly #setting: Setting;
  readonly #core: Consensus<ConsensusMessage>;
  readonly #now: MonotonicMs;
  /** As the core sees it; what a crash leaves is `#durable`. */
  readonly #shown: MemoryLog;
  #durable: MemoryLog;
  readonly #sent = new Set<number>();
  #facts: Facts;
  #outcomes: readonly ProposalOutcome[] = [];
  readonly #roundBefore: number;
  readonly #boots: number;
  #cost: Cost = {};
  /** Batches that became durable, or would have. */
  writes = 0;

  constructor(setting: Setting, { core, log, facts, nowMs, boots }: Parts) {
    this.#setting = setting;
    this.#core = core;
    this.#now = nowMs as MonotonicMs;
    this.#shown = log;
    this.#durable = log.copy();
    this.#facts = facts;
    this.#boots = boots;
    this.#roundBefore = core.status().epoch.round;
  }

  get sent(): readonly number[] {
    return [...this.#sent];
  }

  get cost(): Cost {
    return this.#cost;
  }

  give(input: Exclude<Input, { kind: "crash" }>, role: Role): void {
    const core = this.#core;
    switch (input.kind) {
      case "deliver":
        core.step(this.#setting.network.envelope(input.message), this.#now);
        return;
      case "timeout":
        core.tick(this.#now);
        if (role === "leader") core.tick((this.#now + SPAN_MS) as MonotonicMs);
        return;
      case "propose":
        this.#propose(input.value);
    }
  }

  /** Until nothing is left to do, or `durableMax` writes are durable and one more is not. */
  settle(durableMax = Infinity): Parts {
    const core = this.#core;
    while (core.hasReady()) {
      const ready = core.ready();
      this.#act(ready);
      const { write } = ready;
      if (write === undefined) continue;
      this.#shown.take(write.ops);
      if (this.writes === durableMax) {
        this.#noteStanding();
        return this.#parts(this.#durable);
      }
      this.writes += 1;
      this.#durable = this.#shown.copy();
      core.persisted(write.id, this.#nowAgain);
      this.#send(write.after);
    }
    this.#noteStanding();
    return this.#parts(this.#shown);
  }

  /** A leader's timeout took two ticks. */
  get #nowAgain(): MonotonicMs {
    return (this.#now + SPAN_MS) as MonotonicMs;
  }

  #parts(log: MemoryLog): Parts {
    return {
      core: this.#core,
      log,
      facts: this.#facts,
      nowMs: this.#nowAgain,
      boots: this.#boots,
    };
  }

  #propose(value: number): void {
    // Longer than a message takes but for its first entry.
    const data = new Uint8Array([value + 1, 0]);
    const result = this.#core.propose(data, this.#now);
    if (!result.ok) return;
    const { index, epoch } = result;
    const { protocol } = this.#setting.bounds;
    const proposed = { index, value: valueOf({ kind: "command", index, epoch, data }, protocol) };
    this.#cost = { ...this.#cost, value };
    this.#note({ open: [...this.#facts.open, proposed] });
  }

  #act({ send, committed, outcomes, load }: Ready<ConsensusMessage>): void {
    assert(load === undefined, "the whole log is in memory");
    const newest = committed.at(-1);
    if (newest !== undefined) this.#core.applied(newest.index, this.#nowAgain);
    this.#outcomes = [...this.#outcomes, ...outcomes];
    this.#send(send);
  }

  #send(envelopes: readonly SmallEnvelope[]): void {
    for (const envelope of envelopes) {
      const number = this.#setting.network.numberOf(envelope);
      if (number !== undefined) this.#sent.add(number);
      const answer = agreed(envelope);
      if (answer !== undefined) this.#core.step(answer, this.#nowAgain);
    }
  }

  #noteStanding(): void {
    const { epoch, role, committed } = this.#core.status();
    const { led } = this.#facts;
    const last = led.at(-1);
    const isNew = last === undefined || compareEpochs(last, epoch) !== 0;
    if (role === "leader" && isNew) this.#note({ led: [...led, epoch] });
    const campaigned = role === "candidate" && epoch.round > this.#roundBefore;
    if (campaigned) this.#cost = { ...this.#cost, campaign: true };
    this.#noteCommitted(committed, epoch);
    for (const outcome of this.#outcomes) this.#noteOutcome(outcome);
  }

  /** @throws {AssertionError} when this member knew something else to be committed there. */
  #noteCommitted(committed: LogIndex, epoch: Epoch): void {
    const known = [...this.#facts.committed];
    const entries = this.#shown.slice(1 as LogIndex, (committed + 1) as LogIndex, Infinity);
    assert(typeof entries !== "string", "nothing is compacted in this world");
    assert(entries.length === committed, `a slot up to ${committed} is committed and empty`);
    entries.forEach((entry, at) => {
      const value = valueOf(entry, this.#setting.bounds.protocol);
      const before = known[at]?.value ?? value;
      assert(before === value, `slot ${at + 1} was committed as ${before}, and now as ${value}`);
      known[at] ??= { value, in: epoch };
    });
    if (known.length > this.#facts.committed.length) this.#note({ committed: known });
  }

  /** @throws {AssertionError} when what is acknowledged is not what is committed. */
  #noteOutcome({ index, fate }: ProposalOutcome): void {
    const { open, lost, committed } = this.#facts;
    const ended = open.find((proposed) => proposed.index === index);
    assert(ended !== undefined, `slot ${index} ends, and nothing was proposed there`);
    this.#note({ open: open.filter((proposed) => proposed !== ended) });
    if (fate === "lost") this.#note({ lost: [...lost, ended] });
    if (fate !== "committed") return;
    const value = committed[index - 1]?.value;
    assert(
      value === ended.value,
      `${ended.value} is acknowledged, and slot ${index} holds ${value}`,
    );
  }

  #note(change: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...change };
  }
}

function optionsOf({ planted }: Bounds): ConsensusOptions {
  return {
    electionTimeoutMs: SPAN_MS,
    // Rounds serve reads and leases alone; none is sent but the first.
    heartbeatMs: Infinity,
    clockDriftMax: 0,
    leaseMarginMs: 0,
    // An entry a message.
    appendBytesMax: 1,
    inflightMessagesMax: 64,
    inflightBytesMax: 1_000_000,
    uncommittedBytesMax: 1_000_000,
    readsWaitingMax: 10,
    readLagEntriesMax: 1000,
    ...(planted === undefined ? {} : { planted }),
  };
}
