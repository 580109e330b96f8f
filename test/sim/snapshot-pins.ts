// While a member sends a snapshot, its log keeps what the receiver needs next: else a busy cluster that cuts its log
// often would send one snapshot after the other (scenario 41). Whether it leads by then, or led when it began, is
// nothing to the receiver.
import type { NodeId } from "../../base/index.ts";
import { demand } from "./violation.ts";

export interface SnapshotPinsInit {
  /** Where the log of a member begins, and ends, as its reader shows it. */
  readonly firstOf: (node: NodeId) => number;
  readonly lastOf: (node: NodeId) => number;
}

export class SnapshotPins {
  readonly #init: SnapshotPinsInit;
  /** Whom each sender was to send one, since its log last began anew. */
  readonly #underWay = new Map<NodeId, Set<NodeId>>();

  constructor(init: SnapshotPinsInit) {
    this.#init = init;
  }

  onBegun(from: NodeId, to: NodeId): void {
    const receivers = this.#underWay.get(from);
    if (receivers === undefined) this.#underWay.set(from, new Set([to]));
    else receivers.add(to);
  }

  /** The sender installs a snapshot itself: its log begins behind that one. */
  onInstall(from: NodeId): void {
    this.#underWay.delete(from);
  }

  /** `ok`: the receiver has it, or holds as much already. */
  onEnded(from: NodeId, to: NodeId, ok: boolean): void {
    const began = this.#underWay.get(from)?.delete(to) ?? false;
    if (!began || !ok) return;
    const first = this.#init.firstOf(from);
    const last = this.#init.lastOf(to);
    demand(first <= last + 1, "snapshot-pinned", () => {
      return `node ${to} has the snapshot and its log ends at ${last}; that of node ${from}, which sent it, begins at ${first}`;
    });
  }
}
