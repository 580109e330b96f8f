// What the checks remember of a member beyond what it holds.
import type { LogIndex } from "../../base/index.ts";
import type { Entry, Epoch } from "../../consensus/index.ts";
import type { Bounds } from "./bounds.ts";

/** A client value where it was put. */
export interface Proposed {
  readonly index: LogIndex;
  readonly value: string;
}

/** What the checks compare between members; it survives crashes, and only grows. */
export interface Facts {
  /** Epochs that it has led, in order. */
  readonly led: readonly Epoch[];
  /** Values by slot from 1 on that it ever knew to be committed, and the epoch in which it learnt it. */
  readonly committed: readonly { readonly value: string; readonly in: Epoch }[];
  /** What its clients were told to be lost. */
  readonly lost: readonly Proposed[];
  /** What was proposed in this boot and has not ended. */
  readonly open: readonly Proposed[];
}

export const NOTHING_YET: Facts = {
  led: [],
  committed: [],
  lost: [],
  open: [],
};

/** In Raft an entry is its term too; in Paxos a value may be chosen in several ballots (P4). */
export function valueOf(entry: Entry, protocol: Bounds["protocol"]): string {
  const what = entry.kind === "command" ? `${entry.data[0]}` : entry.kind;
  return protocol === "raft" ? `${what}@${entry.epoch.round}` : what;
}
