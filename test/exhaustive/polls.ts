// The answers to polls, which this world does not deliver.
import type { SmallEnvelope } from "./network.ts";

/**
 * A poll changes nobody and its answer may be as old as one likes, so all agree at once: whoever times out
 * campaigns. That is more than the protocol allows, and hence enough.
 */
export function agreed({
  from,
  to,
  incarnation,
  epoch,
  body,
}: SmallEnvelope): SmallEnvelope | undefined {
  const way = { from: to, to: from, incarnation, epoch };
  if (body.kind === "pre-vote") {
    return { ...way, body: { kind: "pre-vote-answer", poll: body.poll, granted: true } };
  }
  if (body.kind === "prepare-poll") {
    return { ...way, body: { kind: "prepare-poll-answer", poll: body.poll, granted: true } };
  }
  return undefined;
}
