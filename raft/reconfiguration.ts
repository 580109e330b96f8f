// Changes of membership at the leader (Thesis 4): proposed one at a time, in force when appended, by way of
// the joint configuration where more than one voter changes, and what is left to do once each is committed.
import type { LogIndex } from "../base/index.ts";
import {
  changeRefusal,
  changedMembership,
  entryBytes,
  heirOf,
  isMember,
  leftJoint,
  refusedChange,
} from "../consensus/index.ts";
import type { Entry, Membership, MembershipWish, ProposeResult } from "../consensus/index.ts";
import { becomeFollower } from "./roles.ts";
import type { RaftState } from "./state.ts";

export function proposeConfig(
  state: RaftState,
  wish: MembershipWish,
  expect: LogIndex,
): ProposeResult {
  const { config, commit, epoch } = state;
  const pending = config.outgoing !== undefined || config.index > commit;
  const reason = changeRefusal(state, wish, expect, { pending });
  if (reason !== undefined) return refusedChange(state, reason);
  const entry = appendConfig(state, (index) => changedMembership(config, wish, index));
  state.proposals.add({ entry, bytes: entryBytes(entry) });
  return { ok: true, index: entry.index, epoch };
}

/** In force at once (R10): whoever is new is a peer from here on. */
function appendConfig(
  state: RaftState,
  configAt: (index: LogIndex) => Membership,
): Entry & { kind: "config" } {
  const index = (state.log.last + 1) as LogIndex;
  const entry = { kind: "config", index, epoch: state.epoch, config: configAt(index) } as const;
  state.appendEntry(entry);
  state.admitPeers(index);
  return entry;
}

/** At a leader: a joint configuration ends by itself, whoever leads by then (scenario 49). */
export function leaveJoint(state: RaftState): void {
  const { config, commit, options } = state;
  if (config.outgoing === undefined) return;
  // Either set alone may elect a leader until both have the joint configuration (scenario 50).
  const held = config.index <= commit && state.committedInEpoch;
  if (held || options.planted === "joint-left-without-both-majorities") {
    appendConfig(state, (index) => leftJoint(config, index));
  }
}

/** At a leader, once all that this turn has for its peers is on its way. */
export function settleMembership(state: RaftState): void {
  const { leading, config, commit } = state;
  if (leading.configSettled === config || config.outgoing !== undefined) return;
  if (config.index > commit || !state.committedInEpoch) return;
  const allKnow = dismissDeparted(state);
  if (!state.isVoter) stepAside(state);
  else if (allKnow) leading.configSettled = config;
}

/**
 * Who is not in the committed configuration is sent it, so that it stops campaigning, for at most an
 * election timeout.
 *
 * @returns whether nobody is left.
 */
function dismissDeparted({ leading, config, now, options }: RaftState): boolean {
  const { peers } = leading;
  let allKnow = true;
  for (const peer of peers.values()) {
    if (isMember(config, peer.node)) continue;
    peer.departedAtMs ??= now;
    const knows = peer.commitTold >= config.index;
    if (knows || now - peer.departedAtMs > options.electionTimeoutMs) peers.delete(peer.node);
    else allKnow = false;
  }
  return allKnow;
}

/** A leader without a vote has led until its removal was committed, and no longer (Thesis 4.2.2). */
function stepAside(state: RaftState): void {
  const ready = heirOf(state, state.log.last);
  // Nobody need wait for an election timeout: this node leads no more, so no lease of its own is in the way.
  if (ready !== undefined) state.emit(ready, { kind: "timeout-now" });
  becomeFollower(state, state.term, 0);
}
