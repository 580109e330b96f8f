// What global knowledge follows of one member.
import { EPOCH_ZERO } from "../../consensus/index.ts";
import type { Epoch, Membership } from "../../consensus/index.ts";
import { LogView } from "./log-view.ts";

/** What strikes a fault off, as the witness sees it (Reaction). */
export type Moment = "elected" | "commit" | "config" | "wish" | "install";

export interface MemberView {
  readonly log: LogView;
  life: number;
  leads: boolean;
  epoch: Epoch;
  committed: number;
  /** What its core went by at its last drain, and the newest configuration in its log then. */
  config: Membership | undefined;
  logged: Membership | undefined;
  /** When it came to lead. */
  committedAtElection: number;
}

export function newMember(): MemberView {
  return {
    log: new LogView(),
    life: 0,
    leads: false,
    epoch: EPOCH_ZERO,
    committed: 0,
    config: undefined,
    logged: undefined,
    committedAtElection: 0,
  };
}
