// What a log may differ in after it was mended by more than the entries it had lost: a leader's log, or one
// founded on somebody's snapshot, holds everything committed that this one held, and no older promise.
import { compareEpochs, sameEpoch } from "../../consensus/index.ts";
import type { Entry } from "../../consensus/index.ts";
import type { LogMirror, LogState } from "./log-view.ts";

export interface MendedCheck {
  readonly before: LogMirror;
  readonly found: LogState;
  readonly committedLast: number;
  /** The entry that was committed there; Paxos holds its value in any ballot. */
  readonly isCommitted: (entry: Entry) => boolean;
}

/** What is wrong with it, if anything is. */
export function wrongInMended(check: MendedCheck): string | undefined {
  const { before, found, committedLast, isCommitted } = check;
  const { promised, votedFor } = before;
  const order = compareEpochs(found.promised, promised);
  if (order < 0) return `a promise older than the one it made in round ${promised.round}`;
  const revoked = order === 0 && votedFor !== 0 && found.votedFor !== votedFor;
  if (revoked) return `another vote than the one it cast in round ${promised.round}`;
  if (found.base.index > committedLast) return `a snapshot's mark at ${found.base.index}`;
  for (let index = found.base.index + 1; index <= before.last; index += 1) {
    const held = before.at(index);
    if (held === undefined || index > committedLast || !isCommitted(held)) continue;
    const now = found.entries[index - found.base.index - 1];
    const kept = now !== undefined && (sameEpoch(now.epoch, held.epoch) || isCommitted(now));
    if (!kept) return `no committed entry ${index}, which it held`;
  }
  return undefined;
}
