// One turn's storage operations as one batch, and the messages that wait for it (R1). Term and vote come
// first, then the log, then the commit hint: the batch is all or nothing, so their order is for readers.
import { hintIsDue, pushHint } from "../consensus/index.ts";
import type { StorageOp, WriteBatch } from "../consensus/index.ts";
import type { RaftMessage } from "./message.ts";
import type { RaftState } from "./state.ts";

/** Undefined when there is nothing to write and no message waits for the writes before. */
export function drainWrite(state: RaftState): WriteBatch<RaftMessage> | undefined {
  const { log, durability, outbox } = state;
  const ops: StorageOp[] = [];
  if (durability.promiseChanged) {
    ops.push({ op: "promise", promised: state.epoch, votedFor: state.voteToPersist });
  }
  const appends = log.changed;
  if (appends) {
    const { truncateFrom, restartAt, entries, keepBehind } = log.drain();
    if (truncateFrom !== undefined) ops.push({ op: "truncate-from", index: truncateFrom });
    if (restartAt !== undefined) ops.push({ op: "install-snapshot", ...restartAt });
    if (entries.length > 0) ops.push({ op: "append", entries });
    if (keepBehind !== undefined) ops.push({ op: "install-snapshot", ...keepBehind });
  }
  if (state.compactDue !== undefined) {
    ops.push({ op: "compact-to", meta: state.compactDue });
    state.membership.onCompacted(state.compactDue.index);
    state.compactDue = undefined;
  }
  const mustSync = ops.length > 0;
  if (mustSync || hintIsDue(state)) pushHint(state, ops);
  const after = outbox.drainAfter();
  if (ops.length === 0 && after.length === 0) return undefined;
  const id = durability.begin(appends ? log.last : 0, state.now);
  return { id, ops, mustSync, after };
}
