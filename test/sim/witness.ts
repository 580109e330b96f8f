// Global knowledge: what every member's log holds, what is committed by it, and since when. It sees each
// write, each drain of a core and each apply, and stops the run at the first broken invariant of Raft
// (Fig. 3) or of the state machine.
import { assert, keyOf, logIndex } from "../../base/index.ts";
import type { NodeId, Revision } from "../../base/index.ts";
import { sameEpoch } from "../../consensus/index.ts";
import type { Entry, Epoch, LogReader, LogWrite, Status } from "../../consensus/index.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { commandOrigin } from "../../store/command.ts";
import type { LogRecovery } from "../../store/log.ts";
import type { KeptResponse, Response } from "../../store/response.ts";
import { Ballots, valueOf } from "./ballots.ts";
import { LogView } from "./log-view.ts";
import type { Oracle, OracleStep } from "./oracle.ts";
import { fingerprint } from "./trace.ts";
import { Violation, demand } from "./violation.ts";

/** Answers and hashes of this many entries that are not committed yet are kept to be compared later. */
const EARLY_APPLIES_MAX = 10_000;

interface MemberView {
  readonly log: LogView;
  life: number;
  leads: boolean;
  term: number;
  committed: number;
}

interface Committed {
  readonly entry: Entry;
  /** Term of the member that was the first to know. */
  readonly term: number;
  readonly atMs: number;
}

interface Applied {
  readonly node: NodeId;
  readonly entry: Entry;
  readonly revision: Revision;
  readonly response: Response | undefined;
}

interface KnownEntry {
  readonly entry: Entry;
  readonly print: string;
  readonly termBefore: number;
}

export class Witness {
  readonly #oracle: Oracle;
  readonly #nowMs: () => number;
  readonly #voters: readonly NodeId[];
  readonly #members = new Map<NodeId, MemberView>();
  readonly #known = new Map<string, KnownEntry>();
  readonly #committed: Committed[] = [];
  readonly #leaders = new Map<string, string>();
  /** Of a Paxos group. */
  readonly #ballots: Ballots | undefined;
  readonly #answers = new Map<number, string>();
  readonly #hashes = new Map<number, number>();
  readonly #origins = new Map<string, number>();
  #early: Applied[] = [];
  /** Called when a member is elected, and when a leader's commit index moves. */
  onMoment: (on: "elected" | "commit", node: NodeId) => void = () => undefined;

  constructor(
    oracle: Oracle,
    voters: readonly NodeId[],
    nowMs: () => number,
    protocol: ProtocolName,
  ) {
    this.#oracle = oracle;
    this.#ballots = protocol === "paxos" ? new Ballots(voters) : undefined;
    this.#voters = voters;
    this.#nowMs = nowMs;
  }

  /** Index of the last entry that some voter knows to be committed. */
  get committedLast(): number {
    return this.#committed.length;
  }

  /** True time at which the first voter knew `index` to be committed; undefined: none does. */
  committedAtMs(index: number): number | undefined {
    return this.#committed[index - 1]?.atMs;
  }

  member(node: NodeId): MemberView {
    let view = this.#members.get(node);
    if (view === undefined) {
      view = { log: new LogView(), life: 0, leads: false, term: 0, committed: 0 };
      this.#members.set(node, view);
    }
    return view;
  }

  /** The member that leads in the highest term, if any does. */
  leader(): NodeId | undefined {
    let found: NodeId | undefined;
    let termMax = 0;
    for (const [node, view] of this.#members) {
      if (!view.leads || view.term <= termMax) continue;
      found = node;
      termMax = view.term;
    }
    return found;
  }

  onDown(node: NodeId): void {
    this.member(node).leads = false;
  }

  /** The log of `node` was opened after a start: nothing that was reported durable may be missing. */
  onOpened(node: NodeId, life: number, reader: LogReader, recovery: LogRecovery): void {
    const view = this.member(node);
    const entries: (Entry | undefined)[] = [];
    for (let index: number = reader.first(); index <= reader.last(); index += 1) {
      const epoch = reader.epochAt(logIndex(index));
      if (epoch === undefined && this.#ballots !== undefined) {
        entries.push(undefined);
        continue;
      }
      assert(epoch !== undefined, `the epoch of entry ${index}`);
      const known = this.#known.get(nameOf(index, epoch));
      demand(known !== undefined, "log-durability", () => {
        return `node ${node} recovered entry ${index} of term ${epoch.round}, which nobody wrote`;
      });
      entries.push(known.entry);
    }
    const { promised, votedFor } = recovery;
    const wrong = view.log.onRecovered({ entries, promised, votedFor });
    demand(wrong === undefined, "log-durability", () => `node ${node} recovered ${wrong}`);
    const held = entries.filter((entry) => entry !== undefined);
    this.#ballots?.onOpened(node, promised, held);
    view.life = life;
    view.term = promised.round;
    view.leads = false;
    view.committed = 0;
  }

  /** Log matching (Raft Fig. 3): one predecessor and one content for each (index, term). */
  onWrite(node: NodeId, batch: LogWrite): void {
    const view = this.member(node);
    for (const op of batch.ops) {
      if (op.op !== "truncate-from") continue;
      const entry = view.log.shownAt(op.index);
      const committed = this.#committed[op.index - 1];
      const keeps = entry === undefined || committed === undefined;
      demand(
        keeps || !sameEpoch(entry.epoch, committed.entry.epoch),
        "state-machine-safety",
        () => {
          return `node ${node} truncates from ${op.index}, which is committed`;
        },
      );
    }
    view.log.onWrite(batch);
    for (const op of batch.ops) {
      if (op.op === "put") this.#noteProposal(op.entry);
      if (op.op !== "append") continue;
      for (const entry of op.entries) this.#noteEntry(node, entry);
    }
    this.#ballots?.onWrite(node, batch);
  }

  #noteProposal(entry: Entry): void {
    const name = nameOf(entry.index, entry.epoch);
    if (this.#known.has(name)) return;
    this.#known.set(name, { entry, print: fingerprint(entry), termBefore: 0 });
  }

  #noteEntry(node: NodeId, entry: Entry): void {
    const termBefore = this.member(node).log.shownAt(entry.index - 1)?.epoch.round ?? 0;
    const name = nameOf(entry.index, entry.epoch);
    const known = this.#known.get(name);
    if (known === undefined) {
      this.#known.set(name, { entry, print: fingerprint(entry), termBefore });
      return;
    }
    const same = known.entry === entry || known.print === fingerprint(entry);
    demand(same && known.termBefore === termBefore, "log-matching", () => {
      return `node ${node} holds another entry ${entry.index} of term ${entry.epoch.round} than its peers`;
    });
  }

  onDurable(node: NodeId): void {
    this.member(node).log.onDurable();
    this.#ballots?.onDurable(node);
  }

  /** After every drain of a core, before its messages can have been delivered anywhere. */
  onDrained(node: NodeId, status: Status): void {
    const view = this.member(node);
    demand(status.epoch.round >= view.term, "commit-monotone", () => {
      return `node ${node} went from term ${view.term} back to ${status.epoch.round}`;
    });
    view.term = status.epoch.round;
    if (status.role === "leader" && !view.leads) this.#onLeader(node, view, status.epoch);
    view.leads = status.role === "leader";
    demand(status.committed >= view.committed, "commit-monotone", () => {
      return `node ${node} went from commit ${view.committed} back to ${status.committed}`;
    });
    if (view.leads && status.committed > view.committed) this.onMoment("commit", node);
    view.committed = status.committed;
    if (!this.#voters.includes(node)) return;
    for (let index = this.committedLast + 1; index <= status.committed; index += 1) {
      this.#onCommitted(node, view, index);
    }
  }

  /** Election safety (Raft Fig. 3) counts boots apart: one that forgot its vote is another leader. */
  #onLeader(node: NodeId, view: MemberView, epoch: Epoch): void {
    const name = `node ${node} in its boot ${view.life}`;
    const led = nameOf(0, epoch);
    const other = this.#leaders.get(led);
    demand(other === undefined || other === name, "election-safety", () => {
      return `${other} and ${name} both lead term ${view.term}`;
    });
    this.#leaders.set(led, name);
    for (const committed of this.#committed) this.#demandHeld(node, view, committed);
    this.onMoment("elected", node);
  }

  /** Leader completeness (Raft Fig. 3). */
  #demandHeld(node: NodeId, view: MemberView, committed: Committed): void {
    const { entry, term } = committed;
    // A Paxos leader learns what was chosen before its ballot; what it proposes there is ballot-safety.
    if (view.term <= term || this.#ballots !== undefined) return;
    const held = view.log.shownAt(entry.index);
    demand(held !== undefined && sameEpoch(held.epoch, entry.epoch), "leader-completeness", () => {
      const holds = held === undefined ? "nothing" : `an entry of term ${held.epoch.round}`;
      const wants = `entry ${entry.index} of term ${entry.epoch.round}, committed in term ${term}`;
      return `node ${node} leads term ${view.term} and holds ${holds} for ${wants}`;
    });
  }

  #onCommitted(node: NodeId, view: MemberView, index: number): void {
    const entry = view.log.shownAt(index);
    demand(entry !== undefined, "commit-durability", () => {
      return `node ${node} says ${index} is committed and does not hold it`;
    });
    if (this.#ballots === undefined) this.#demandCopies(node, entry);
    else this.#ballots.demandChosen(node, entry);
    this.#demandOnce(entry);
    const committed = { entry, term: view.term, atMs: this.#nowMs() };
    this.#committed.push(committed);
    this.#oracle.apply(entry);
    for (const [other, otherView] of this.#members) {
      if (otherView.leads) this.#demandHeld(other, otherView, committed);
    }
    this.#settleEarly();
  }

  /** R4: a majority holds it durably, in the term it was appended in. */
  #demandCopies(node: NodeId, { index, epoch }: Entry): void {
    const holders = this.#voters.filter((voter) => {
      const held = this.member(voter).log.durableAt(index);
      return held !== undefined && sameEpoch(held.epoch, epoch);
    });
    demand(holders.length * 2 > this.#voters.length, "commit-durability", () => {
      const where = `on disk at [${holders.join()}] of [${this.#voters.join()}]`;
      return `node ${node} says ${index} of term ${epoch.round} is committed; it is ${where}`;
    });
  }

  /** One submission of one client call is in the log once, however often its messages came. */
  #demandOnce(entry: Entry): void {
    if (entry.kind !== "command") return;
    const { node, boot, counter } = commandOrigin(entry.data);
    const origin = `${node}.${boot}.${counter}`;
    const before = this.#origins.get(origin);
    demand(before === undefined, "exactly-once", () => {
      return `submission ${counter} of node ${node} is committed at ${before} and at ${entry.index}`;
    });
    this.#origins.set(origin, entry.index);
  }

  #settleEarly(): void {
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = [];
    for (const applied of early) this.onApplied(applied);
  }

  /** State machine safety (Raft Fig. 3): the same entry, revision and answer everywhere. */
  onApplied(applied: Applied): void {
    const { node, entry, revision } = applied;
    const committed = this.#committed[entry.index - 1];
    if (committed === undefined) {
      // A learner that runs ahead is caught when it answers somebody: "committed-visible".
      demand(this.#early.length < EARLY_APPLIES_MAX, "committed-visible", () => {
        return `node ${node} is ${EARLY_APPLIES_MAX} entries ahead of what is committed`;
      });
      this.#early.push(applied);
      return;
    }
    demand(this.#isSame(committed.entry, entry), "state-machine-safety", () => {
      const terms = `${entry.epoch.round}, committed is ${committed.entry.epoch.round}`;
      return `node ${node} applied entry ${entry.index} of term ${terms}`;
    });
    const step = this.#oracle.step(entry.index);
    const check = step.requestId === undefined ? "state-machine-safety" : "exactly-once";
    demand(revision === step.revision, check, () => {
      const effect = `${step.effect} entry ${entry.index}`;
      return `node ${node} is at revision ${revision} after ${effect}, not ${step.revision}`;
    });
    this.#compareAnswer(applied, step, check);
  }

  /** Raft: an index and a term name one entry. Paxos: members may hold one value in different ballots. */
  #isSame(left: Entry, right: Entry): boolean {
    if (this.#ballots === undefined) return sameEpoch(left.epoch, right.epoch);
    return left === right || valueOf(left) === valueOf(right);
  }

  #compareAnswer(
    { node, entry, response }: Applied,
    step: OracleStep,
    check: "exactly-once" | "state-machine-safety",
  ): void {
    const mismatch = answerMismatch(response, step);
    demand(mismatch === undefined, check, () => `node ${node}, entry ${entry.index}: ${mismatch}`);
    // The bytes that a session keeps: fields beside them are how an answer was come by.
    const print = response === undefined ? "" : printOf(response);
    const known = this.#answers.get(entry.index) ?? print;
    this.#answers.set(entry.index, known);
    demand(known === print, check, () => {
      return `node ${node} answers entry ${entry.index} otherwise than its peers`;
    });
    const original = step.answeredAt === undefined ? undefined : this.#answers.get(step.answeredAt);
    demand(original === undefined || original === print, "exactly-once", () => {
      return `node ${node} answers the retry at ${entry.index} otherwise than ${step.answeredAt}`;
    });
  }

  /** State hashes at equal applied index are equal. */
  onState(node: NodeId, applied: number, revision: Revision, hash: number): void {
    if (applied > this.committedLast) return;
    const expected = this.#oracle.revisionAt(applied);
    demand(revision === expected, "state-machine-safety", () => {
      return `node ${node} holds revision ${revision} at ${applied}, not ${expected}`;
    });
    const known = this.#hashes.get(applied) ?? hash;
    this.#hashes.set(applied, known);
    demand(known === hash, "state-machine-safety", () => {
      return `node ${node} hashes its state at ${applied} to ${hash}, its peers to ${known}`;
    });
  }

  /** No early apply is left over once everything is quiet. */
  demandSettled(): void {
    const early = this.#early[0];
    if (early === undefined) return;
    const text = `node ${early.node} applied entry ${early.entry.index}, which never committed`;
    throw new Violation("state-machine-safety", text);
  }
}

function nameOf(index: number, { config, round, node }: Epoch): string {
  return `${index}.${config}.${round}.${node}`;
}

function answerMismatch(response: Response | undefined, step: OracleStep): string | undefined {
  if (step.entry.kind !== "command") {
    return response === undefined ? undefined : "an answer to an entry that asks nothing";
  }
  if (response === undefined) return "a command without an answer";
  if (step.effect === "duplicate") return undefined;
  const refused = response.kind === "refused";
  if (refused !== (step.effect === "refused")) return `answered ${response.kind}: ${step.effect}`;
  if (response.kind === "txn" && response.txn.succeeded !== step.outcome) {
    return `the transaction's outcome is not ${step.outcome}`;
  }
  if (response.kind === "delete-range" && response.deleteRange.deleted !== step.outcome) {
    return `deleted ${response.deleteRange.deleted}, not ${step.outcome}`;
  }
  return undefined;
}

/** Leases are in no session: what they answer is plain data. */
function printOf(response: Response): string {
  if (isKept(response)) return keyOf(storeCodec.encodeResponse(response));
  return JSON.stringify(response, (_, field: unknown) =>
    typeof field === "bigint" ? String(field) : field,
  );
}

function isKept(response: Response): response is KeptResponse {
  return !response.kind.startsWith("lease-");
}
