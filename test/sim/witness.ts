// Global knowledge: what every member's log holds, what is committed by it, and since when. It sees each
// write, each drain of a core and each apply, and stops the run at the first broken invariant of Raft
// (Fig. 3) or of the state machine.
import { assert, logIndex } from "../../base/index.ts";
import type { LogIndex, NodeId, Revision } from "../../base/index.ts";
import {
  EPOCH_ZERO,
  compareEpochs,
  isQuorum,
  isVoter,
  sameEpoch,
  votersOf,
} from "../../consensus/index.ts";
import type {
  Entry,
  Epoch,
  LogReader,
  LogWrite,
  Membership,
  QuorumSizes,
  Status,
} from "../../consensus/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import type { LogRecovery } from "../../store/log.ts";
import { AppliedStates } from "./applied-states.ts";
import type { Applied } from "./applied-states.ts";
import { Ballots, valueOf } from "./ballots.ts";
import { Configurations } from "./configurations.ts";
import { KnownEntries, epochText, nameOf } from "./known-entries.ts";
import type { LogMirror, LogState } from "./log-view.ts";
import { wrongInMended } from "./mended-log.ts";
import { newMember } from "./member-view.ts";
import type { MemberView, Moment } from "./member-view.ts";
import type { Oracle } from "./oracle.ts";
import { demand } from "./violation.ts";

interface Committed {
  readonly entry: Entry;
  /** Of the member that was the first to know. */
  readonly epoch: Epoch;
  readonly atMs: number;
}

export interface WitnessInit {
  readonly oracle?: Oracle;
  readonly founding: Membership;
  /** The log begins behind it. */
  readonly base?: LogIndex;
  readonly nowMs: () => number;
  readonly protocol: ProtocolName;
  readonly quorums: QuorumSizes | undefined;
  /** Whether this member takes itself for the holder of a lease, at this very moment. */
  readonly believesLease: (node: NodeId) => boolean;
}

export class Witness {
  readonly #init: WitnessInit;
  readonly #members = new Map<NodeId, MemberView>();
  readonly #known = new KnownEntries();
  readonly #committed: Committed[] = [];
  readonly #leaders = new Map<string, string>();
  /** Of a Paxos group. */
  readonly #ballots: Ballots | undefined;
  readonly #configs: Configurations;
  readonly #states: AppliedStates;
  /** Called when a member is elected, when a leader's commit index moves or its configuration changes. */
  onMoment: (on: Moment, node: NodeId) => void = () => undefined;
  onConfig: (config: Membership) => void = () => undefined;

  constructor(init: WitnessInit) {
    const { oracle, founding, protocol, quorums } = init;
    this.#init = init;
    this.#committed.length = init.base ?? 0;
    this.#ballots = protocol === "paxos" ? new Ballots(founding, quorums) : undefined;
    this.#configs = new Configurations({
      protocol,
      founding,
      committedLast: () => this.committedLast,
      committedAt: (index) => this.#committed[index - 1]?.entry,
      durableAt: (node) => this.#member(node).log.durable,
    });
    this.#states = new AppliedStates(
      oracle,
      (index) => this.#committed[index - 1]?.entry,
      (left, right) => this.#isSame(left, right),
    );
  }

  /** Index of the last entry that some voter knows to be committed. */
  get committedLast(): number {
    return this.#committed.length;
  }

  get config(): Membership {
    return this.#configs.latest;
  }

  /** True time at which the first voter knew `index` to be committed; undefined: none does. */
  committedAtMs(index: number): number | undefined {
    return this.#committed[index - 1]?.atMs;
  }

  committedAt(index: number): Entry | undefined {
    return this.#committed[index - 1]?.entry;
  }

  shownOf(node: NodeId): LogMirror {
    return this.#member(node).log.shown;
  }

  /** What the disk of `node` was said to hold. */
  durableOf(node: NodeId): LogMirror {
    return this.#member(node).log.durable;
  }

  #member(node: NodeId): MemberView {
    const view = this.#members.get(node) ?? newMember();
    this.#members.set(node, view);
    return view;
  }

  /** The member that leads in the highest epoch, if any does. */
  leader(): NodeId | undefined {
    let found: NodeId | undefined;
    let highest = EPOCH_ZERO;
    for (const [node, view] of this.#members) {
      if (!view.leads || compareEpochs(view.epoch, highest) <= 0) continue;
      found = node;
      highest = view.epoch;
    }
    return found;
  }

  onDown(node: NodeId): void {
    this.#member(node).leads = false;
  }

  /** Its disk is empty; what it acknowledged is elsewhere or nowhere. */
  onWiped(node: NodeId): void {
    const view = this.#member(node);
    view.log.onWiped();
    view.epoch = EPOCH_ZERO;
    view.leads = false;
    view.committed = 0;
  }

  /**
   * The log of `node` was opened after a start: nothing that was reported durable may be missing. `anew`:
   * it was damaged and is a copy of another's, which may lack what was never committed.
   */
  onOpened(
    node: NodeId,
    life: number,
    reader: LogReader,
    recovery: LogRecovery,
    { anew }: { readonly anew: boolean } = { anew: false },
  ): void {
    const view = this.#member(node);
    const entries: (Entry | undefined)[] = [];
    for (let index: number = reader.first(); index <= reader.last(); index += 1) {
      const epoch = reader.epochAt(logIndex(index));
      if (epoch === undefined && this.#ballots !== undefined) {
        entries.push(undefined);
        continue;
      }
      assert(epoch !== undefined, `the epoch of entry ${index}`);
      const known = this.#known.find(index, epoch);
      demand(known !== undefined, "log-durability", () => {
        return `node ${node} recovered entry ${index} of term ${epoch.round}, which nobody wrote`;
      });
      entries.push(known);
    }
    const { promised, votedFor, configs, generation } = recovery;
    const baseIndex = logIndex(reader.first() - 1);
    const epoch = reader.epochAt(baseIndex);
    assert(epoch !== undefined, "the epoch before a log's first entry");
    const base = { index: baseIndex, epoch };
    const found = { base, entries, configs, promised, votedFor, generation };
    const wrong = anew ? this.#wrongAnew(view, found) : view.log.onRecovered(found);
    demand(wrong === undefined, "log-durability", () => `node ${node} recovered ${wrong}`);
    const held = entries.filter((entry) => entry !== undefined);
    this.#ballots?.onOpened(node, promised, held);
    Object.assign(view, { life, epoch: promised, leads: false, committed: 0, config: undefined });
  }

  #wrongAnew({ log }: MemberView, found: LogState): string | undefined {
    const wrong = wrongInMended({
      before: log.durable,
      found,
      committedLast: this.committedLast,
      isCommitted: (entry) => {
        const committed = this.committedAt(entry.index);
        return committed !== undefined && this.#isSame(committed, entry);
      },
    });
    log.onMended(found);
    return wrong;
  }

  /** Log matching (Raft Fig. 3): one predecessor and one content for each (index, term). */
  onWrite(node: NodeId, batch: LogWrite): void {
    const { log } = this.#member(node);
    const snapshot = batch.ops.find(({ op }) => op === "install-snapshot");
    const covered = snapshot?.op === "install-snapshot" ? snapshot.meta.index : 0;
    for (const op of batch.ops) {
      if (op.op === "truncate-from") {
        this.#demandUncommitted(node, log.shown, Math.max(op.index, covered + 1));
      }
      if (op.op === "append") this.#noteEntries(node, log.shown, op.entries);
      if (op.op === "put" && this.#known.find(op.entry.index, op.entry.epoch) === undefined) {
        this.#noteEntry(node, op.entry, 0);
      }
      log.shown.take([op]);
      // What is kept behind a snapshot follows what the snapshot ends with (R15).
      const kept = op.op === "install-snapshot" ? log.shown.at(op.meta.index + 1) : undefined;
      if (kept !== undefined && this.#ballots === undefined)
        this.#noteEntry(node, kept, log.shown.base.epoch.round);
    }
    log.onWrite(batch);
    if (snapshot !== undefined) this.onMoment("install", node);
    this.#ballots?.onWrite(node, batch);
  }

  #demandUncommitted(node: NodeId, shown: LogMirror, index: number): void {
    const entry = shown.at(index);
    const committed = this.#committed[index - 1];
    const keeps = entry === undefined || committed === undefined;
    demand(
      keeps || !sameEpoch(entry.epoch, committed.entry.epoch),
      "state-machine-safety",
      () => `node ${node} truncates from ${index}, which is committed`,
    );
  }

  #noteEntries(node: NodeId, shown: LogMirror, entries: readonly Entry[]): void {
    let termBefore = shown.epochAt(shown.last)?.round ?? 0;
    for (const entry of entries) {
      this.#noteEntry(node, entry, termBefore);
      termBefore = entry.epoch.round;
    }
  }

  #noteEntry(node: NodeId, entry: Entry, termBefore: number): void {
    const noted = this.#known.note(entry, termBefore);
    if (noted === "new") this.#noteConfig(node, entry);
    demand(noted !== "different", "log-matching", () => {
      return `node ${node} holds another entry ${entry.index} of term ${entry.epoch.round} than its peers`;
    });
  }

  #noteConfig(node: NodeId, entry: Entry): void {
    if (entry.kind !== "config") return;
    const { log, committedAtElection } = this.#member(node);
    const before = log.shown.configs.findLast(({ index }) => index < entry.index);
    assert(before !== undefined, `a configuration before the one at ${entry.index}`);
    this.#configs.onProposed({ node, entry, before, committedAtElection });
  }

  onDurable(node: NodeId): void {
    this.#member(node).log.onDurable();
    this.#ballots?.onDurable(node);
  }

  /** After every drain of a core, before its messages can have been delivered anywhere. */
  onDrained(node: NodeId, status: Status): void {
    const view = this.#member(node);
    demand(compareEpochs(status.epoch, view.epoch) >= 0, "commit-monotone", () => {
      return `node ${node} went from ${epochText(view.epoch)} back to ${epochText(status.epoch)}`;
    });
    view.epoch = status.epoch;
    if (status.role === "leader" && !view.leads) this.#onLeader(node, view);
    // A leader that removed itself steps aside as its removal is committed.
    const led = view.leads;
    view.leads = status.role === "leader";
    demand(status.committed >= view.committed, "commit-monotone", () => {
      return `node ${node} went from commit ${view.committed} back to ${status.committed}`;
    });
    const moved = status.committed > view.committed;
    view.committed = status.committed;
    // A learner of Paxos counts acceptances and may be the first to know.
    const knows = this.#ballots !== undefined || isVoter(status.config, node);
    if (led || view.leads || knows) {
      for (let index = this.committedLast + 1; index <= status.committed; index += 1) {
        this.#onCommitted(node, view, index, status.config);
      }
    }
    this.#configs.judgeProposed();
    this.#onConfiguration(node, view, status);
    if (view.leads) this.#demandLease(node, view);
    if (view.leads && moved) this.onMoment("commit", node);
  }

  #onConfiguration(node: NodeId, view: MemberView, { config, role }: Status): void {
    const { shown } = view.log;
    const logged = shown.configs.at(-1);
    if (view.config === config && view.logged === logged) return;
    if (role !== "halted") this.#configs.demandInForce(node, config, shown);
    const changed = view.config !== undefined && view.config !== config;
    view.config = config;
    if (view.leads && view.logged !== logged) this.onMoment("wish", node);
    view.logged = logged;
    if (changed && view.leads) this.onMoment("config", node);
  }

  /** A lease means that nobody else can lead in a later epoch (R7). */
  #demandLease(node: NodeId, view: MemberView): void {
    for (const [other, otherView] of this.#members) {
      const order = compareEpochs(otherView.epoch, view.epoch);
      if (other === node || !otherView.leads || order === 0) continue;
      const older = order < 0 ? other : node;
      demand(!this.#init.believesLease(older), "lease-exclusion", () => {
        const [first, second] = older === node ? [node, other] : [other, node];
        return `node ${first} believes in its lease while node ${second} leads a later term`;
      });
    }
  }

  /** Election safety (Raft Fig. 3) counts boots apart: one that forgot its vote is another leader. */
  #onLeader(node: NodeId, view: MemberView): void {
    const name = `node ${node} in its boot ${view.life}`;
    const led = nameOf(0, view.epoch);
    const other = this.#leaders.get(led);
    demand(other === undefined || other === name, "election-safety", () => {
      return `${other} and ${name} both lead ${epochText(view.epoch)}`;
    });
    this.#leaders.set(led, name);
    view.committedAtElection = view.committed;
    this.#committed.forEach((committed) => this.#demandHeld(node, view, committed));
    this.onMoment("elected", node);
  }

  /** Leader completeness (Raft Fig. 3). */
  #demandHeld(node: NodeId, view: MemberView, committed: Committed): void {
    const { entry, epoch } = committed;
    // A Paxos leader learns what was chosen before its ballot; what it proposes there is ballot-safety.
    if (compareEpochs(view.epoch, epoch) <= 0 || this.#ballots !== undefined) return;
    const { shown } = view.log;
    demand(shown.holds(entry.index, entry.epoch), "leader-completeness", () => {
      const held = shown.at(entry.index);
      const holds = held === undefined ? "nothing" : `an entry of term ${held.epoch.round}`;
      const wants = `entry ${entry.index} of term ${entry.epoch.round}, committed in ${epochText(epoch)}`;
      return `node ${node} leads ${epochText(view.epoch)} and holds ${holds} for ${wants}`;
    });
  }

  #onCommitted(node: NodeId, view: MemberView, index: number, config: Membership): void {
    const entry = view.log.shown.at(index);
    demand(entry !== undefined, "commit-durability", () => {
      return `node ${node} says ${index} is committed and does not hold it`;
    });
    if (this.#ballots === undefined) this.#demandCopies(node, entry, [config, view.config]);
    else this.#ballots.demandChosen(node, entry);
    this.#states.demandOnce(entry);
    const committed = { entry, epoch: view.epoch, atMs: this.#init.nowMs() };
    this.#committed.push(committed);
    this.#configs.onCommitted(entry);
    this.#init.oracle?.apply(entry);
    for (const [other, otherView] of this.#members) {
      if (otherView.leads) this.#demandHeld(other, otherView, committed);
    }
    this.#states.onCommitted();
    if (entry.kind === "config") this.onConfig(entry.config);
  }

  /**
   * R4: a quorum holds it durably, in the term it was appended in. `configs`: in force at the member when its
   * turn ended, or before; the commit may have come first.
   */
  #demandCopies(
    node: NodeId,
    { index, epoch }: Entry,
    configs: readonly (Membership | undefined)[],
  ): void {
    const holds = (voter: NodeId): boolean => this.#member(voter).log.heldDurably(index, epoch);
    const held = configs.some((config) => config !== undefined && isQuorum(config, holds));
    demand(held, "commit-durability", () => {
      const voters = configs[0] === undefined ? [] : votersOf(configs[0]);
      const where = `on disk at [${voters.filter(holds).join()}] of [${voters.join()}]`;
      return `node ${node} says ${index} of term ${epoch.round} is committed; it is ${where}`;
    });
  }

  onApplied(applied: Applied): void {
    this.#states.onApplied(applied);
  }

  onState(node: NodeId, applied: number, revision: Revision, hash: number): void {
    this.#states.onState(node, applied, revision, hash);
  }

  demandSettled(): void {
    this.#states.demandSettled();
  }

  #isSame(left: Entry, right: Entry): boolean {
    if (this.#ballots === undefined) return sameEpoch(left.epoch, right.epoch);
    return left === right || valueOf(left) === valueOf(right);
  }
}
