// While a leader sends a snapshot, its log keeps what the receiver needs next: else a busy cluster that cuts
// its log often would send one snapshot after the other (scenario 41).
import type { NodeId } from "../../base/index.ts";
import { sameEpoch } from "../../consensus/index.ts";
import type { Epoch, Status } from "../../consensus/index.ts";
import { demand } from "./violation.ts";

export interface SnapshotPinsInit {
  /** Where the log of a member begins, and ends, as its reader shows it. */
  readonly firstOf: (node: NodeId) => number;
  readonly lastOf: (node: NodeId) => number;
}

export class SnapshotPins {
  readonly #init: SnapshotPinsInit;
  /** By sender and receiver: the epoch in which the sender led when it began. */
  readonly #underWay = new Map<string, Epoch>();

  constructor(init: SnapshotPinsInit) {
    this.#init = init;
  }

  onBegun(from: NodeId, to: NodeId, { role, epoch }: Status): void {
    if (role === "leader") this.#underWay.set(`${from}>${to}`, epoch);
  }

  /** `ok`: it is installed, or the receiver came by what it holds in another way. */
  onEnded(from: NodeId, to: NodeId, { role, epoch }: Status, ok: boolean): void {
    const began = this.#underWay.get(`${from}>${to}`);
    this.#underWay.delete(`${from}>${to}`);
    if (!ok || began === undefined || role !== "leader" || !sameEpoch(began, epoch)) return;
    const first = this.#init.firstOf(from);
    const last = this.#init.lastOf(to);
    demand(first <= last + 1, "snapshot-pinned", () => {
      return `node ${to} has the snapshot and its log ends at ${last}; that of node ${from}, which sent it, begins at ${first}`;
    });
  }
}
