// While a leader sends a snapshot, its log keeps what the receiver needs next: else a busy cluster that cuts
// its log often would send one snapshot after the other (scenario 41).
import type { NodeId } from "../../base/index.ts";
import { EPOCH_ZERO, isMember, sameEpoch } from "../../consensus/index.ts";
import type { Epoch, Membership, Status } from "../../consensus/index.ts";
import { demand } from "./violation.ts";

export interface SnapshotPinsInit {
  /** Where the log of a member begins, and ends, as its reader shows it. */
  readonly firstOf: (node: NodeId) => number;
  readonly lastOf: (node: NodeId) => number;
}

interface UnderWay {
  readonly from: NodeId;
  readonly to: NodeId;
  /** In which the sender led when it began. */
  readonly epoch: Epoch;
  /** What the receiver lacked at first was up to here. */
  readonly index: number;
}

export class SnapshotPins {
  readonly #init: SnapshotPinsInit;
  /** By sender and receiver. */
  readonly #underWay = new Map<string, UnderWay>();

  constructor(init: SnapshotPinsInit) {
    this.#init = init;
  }

  onBegun(from: NodeId, to: NodeId, { role, epoch }: Status, index: number): void {
    if (role !== "leader") return;
    const name = `${from}>${to}`;
    const before = this.#underWay.get(name);
    // One that began under an earlier leadership goes on, and what that one had pinned is not.
    const pinned = before === undefined || sameEpoch(before.epoch, epoch);
    const first = before?.index ?? index;
    this.#underWay.set(name, { from, to, epoch: pinned ? epoch : EPOCH_ZERO, index: first });
  }

  /** For who has left the configuration nothing is kept. */
  onConfig(from: NodeId, config: Membership): void {
    for (const [name, one] of this.#underWay) {
      if (one.from === from && !isMember(config, one.to)) this.#underWay.delete(name);
    }
  }

  /** `match`: what the receiver is known to hold; from `index` on it needs no snapshot, and nothing is kept. */
  onEnded(from: NodeId, to: NodeId, { role, epoch }: Status, match: number): void {
    const began = this.#underWay.get(`${from}>${to}`);
    this.#underWay.delete(`${from}>${to}`);
    if (
      began === undefined ||
      match >= began.index ||
      role !== "leader" ||
      !sameEpoch(began.epoch, epoch)
    )
      return;
    const first = this.#init.firstOf(from);
    const last = this.#init.lastOf(to);
    demand(first <= last + 1, "snapshot-pinned", () => {
      return `node ${to} has the snapshot and its log ends at ${last}; that of node ${from}, which sent it, begins at ${first}`;
    });
  }
}
