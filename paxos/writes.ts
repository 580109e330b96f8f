// One turn's storage operations as one batch, and the messages that wait for it (P2): the promise and what
// was accepted become durable together, or not at all.
import { hintIsDue, pushHint } from "../consensus/index.ts";
import type { StorageOp, WriteBatch } from "../consensus/index.ts";
import type { PaxosMessage } from "./message.ts";
import type { PaxosState } from "./state.ts";

/** Undefined when there is nothing to write and no message waits for the writes before. */
export function drainWrite(state: PaxosState): WriteBatch<PaxosMessage> | undefined {
  const { log, durability, outbox, epoch } = state;
  const ops: StorageOp[] = [];
  if (durability.promiseChanged) {
    const forgets =
      state.options.planted === "skip-vote-persist" && epoch.node !== 0 && epoch.node !== state.id;
    if (!forgets) ops.push({ op: "promise", promised: epoch, votedFor: epoch.node });
  }
  const { truncateFrom, entries, installed } = log.drain();
  if (truncateFrom !== undefined) ops.push({ op: "truncate-from", index: truncateFrom });
  for (const entry of entries) ops.push({ op: "put", entry });
  if (installed !== undefined) ops.push({ op: "install-snapshot", ...installed });
  if (state.compactDue !== undefined) {
    ops.push({ op: "compact-to", meta: state.compactDue });
    state.membership.onCompacted(state.compactDue.index);
    state.compactDue = undefined;
  }
  const mustSync = ops.length > 0;
  if (mustSync || hintIsDue(state)) pushHint(state, ops);
  const after = outbox.drainAfter();
  if (ops.length === 0 && after.length === 0) return undefined;
  const id = durability.beginWrite(state.now);
  return { id, ops, mustSync, after };
}
