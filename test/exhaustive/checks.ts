// What must hold in every state of the small world, over what its members hold, know and remember.
import { assert } from "../../base/index.ts";
import { compareEpochs, majorityOf } from "../../consensus/index.ts";
import type { Entry, Epoch, Role } from "../../consensus/index.ts";
import type { Bounds } from "./bounds.ts";
import { valueOf } from "./facts.ts";
import type { Facts } from "./facts.ts";
import type { Node } from "./node.ts";

/** A member as the checks see it, worked out once. */
export class Sight {
  readonly facts: Facts;
  readonly epoch: Epoch;
  readonly role: Role;
  /** What it holds, on disk, by slot from 1 on; a gap is undefined. */
  readonly held: readonly (string | undefined)[];
  readonly ballots: readonly (Epoch | undefined)[];
  readonly lastRound: number;

  constructor({ facts, epoch, role, log }: Node, protocol: Bounds["protocol"]) {
    const entries = log.entries();
    this.facts = facts;
    this.epoch = epoch;
    this.role = role;
    this.held = bySlot(entries, (entry) => valueOf(entry, protocol));
    this.ballots = bySlot(entries, (entry) => entry.epoch);
    this.lastRound = entries.at(-1)?.epoch.round ?? 0;
  }
}

function bySlot<T>(entries: readonly Entry[], of: (entry: Entry) => T): readonly (T | undefined)[] {
  const slots: (T | undefined)[] = [];
  for (const entry of entries) slots[entry.index - 1] = of(entry);
  return slots;
}

/** @throws {AssertionError} saying which promise is broken, and how. */
export function checkWorld(members: readonly Sight[], protocol: Bounds["protocol"]): void {
  for (const left of members) {
    for (const right of members) {
      if (left === right) continue;
      checkEpochs(left, right);
      checkCommitted(left, right);
      checkLost(left, right);
      checkCompleteness(left, right, protocol);
    }
  }
  const known = longest(members);
  for (const quorum of majoritiesOf(members)) {
    if (protocol === "raft") checkElectable(known, quorum);
    else checkChosenAgain(known, quorum);
  }
}

function longest(members: readonly Sight[]): Facts["committed"] {
  const all = members.map(({ facts }) => facts.committed);
  return all.reduce((best, each) => (each.length > best.length ? each : best), []);
}

/** Every smallest majority. */
function majoritiesOf(members: readonly Sight[]): readonly (readonly Sight[])[] {
  const size = majorityOf(members.length);
  const subsets = members.reduce<readonly (readonly Sight[])[]>(
    (sets, member) => [...sets, ...sets.map((set) => [...set, member])],
    [[]],
  );
  return subsets.filter((set) => set.length === size);
}

/** After a power loss of all: whoever this quorum would elect holds what is committed (Raft 5.4.1). */
function checkElectable(known: Facts["committed"], quorum: readonly Sight[]): void {
  const behind = (one: Sight, other: Sight): boolean =>
    one.lastRound < other.lastRound ||
    (one.lastRound === other.lastRound && one.held.length < other.held.length);
  for (const winner of quorum) {
    if (quorum.some((voter) => behind(winner, voter))) continue;
    known.forEach(({ value }, at) => {
      assert(
        winner.held[at] === value,
        `commit durability: slot ${at + 1} is committed as ${value}, and a majority would elect ` +
          `one that holds ${winner.held[at]}`,
      );
    });
  }
}

/** After a power loss of all: from this quorum's promises every proposer gets what was chosen (P4). */
function checkChosenAgain(known: Facts["committed"], quorum: readonly Sight[]): void {
  known.forEach(({ value }, at) => {
    let found: { readonly ballot: Epoch; readonly value: string | undefined } | undefined;
    for (const { ballots, held } of quorum) {
      const ballot = ballots[at];
      if (ballot === undefined) continue;
      if (found !== undefined && compareEpochs(found.ballot, ballot) >= 0) continue;
      found = { ballot, value: held[at] };
    }
    assert(
      found?.value === value,
      `commit durability: slot ${at + 1} is committed as ${value}, and a majority would report ` +
        `${found?.value}`,
    );
  });
}

/** Election safety (Raft Fig. 3); a ballot has one proposer (P1). */
function checkEpochs({ facts: { led } }: Sight, { facts: other }: Sight): void {
  for (const epoch of led) {
    const twice = other.led.some((each) => compareEpochs(each, epoch) === 0);
    assert(!twice, `election safety: epoch ${epochText(epoch)} has two leaders`);
  }
}

/** One value for each slot (State Machine Safety, Raft Fig. 3; Paxos Made Simple 2.1). */
function checkCommitted({ facts: { committed } }: Sight, { facts: other }: Sight): void {
  const common = Math.min(committed.length, other.committed.length);
  for (let at = 0; at < common; at += 1) {
    const [one, two] = [committed[at]?.value, other.committed[at]?.value];
    assert(one === two, `one value a slot: slot ${at + 1} is committed as ${one} and as ${two}`);
  }
}

/** R17: what was said to be lost is committed nowhere. */
function checkLost({ facts: { lost } }: Sight, { facts: { committed } }: Sight): void {
  for (const { index, value } of lost) {
    const there = committed[index - 1]?.value;
    assert(
      there !== value,
      `lost is lost: ${value} was given up and is committed in slot ${index}`,
    );
  }
}

/** A leader holds all that was known to be committed in an earlier epoch (Leader Completeness, Raft Fig. 3; P4). */
function checkCompleteness(
  { facts: { committed } }: Sight,
  leader: Sight,
  protocol: Bounds["protocol"],
): void {
  if (leader.role !== "leader") return;
  committed.forEach(({ value, in: epoch }, at) => {
    if (compareEpochs(leader.epoch, epoch) <= 0) return;
    // In Paxos it learns what it knows to be chosen, and answers for what it proposes.
    const ballot = leader.ballots[at];
    const proposes = ballot !== undefined && compareEpochs(ballot, leader.epoch) === 0;
    if (protocol === "paxos" && !proposes) return;
    assert(
      leader.held[at] === value,
      `leader completeness: slot ${at + 1} is committed as ${value}, and the leader of ` +
        `${epochText(leader.epoch)} holds ${leader.held[at]}`,
    );
  });
}

export function epochText({ round, node }: Epoch): string {
  return node === 0 ? `${round}` : `${round}.${node}`;
}
