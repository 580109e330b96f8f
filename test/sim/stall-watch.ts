// Whether a leader whose disk has stopped keeps leading: one whose oldest write is older than an election
// timeout can commit nothing, and must have made way at its last tick (R7, scenarios 70 and 80).
import type { NodeId } from "../../base/index.ts";
import type { ConsensusOptions, Status } from "../../consensus/index.ts";
import { demand } from "./violation.ts";

export class StallWatch {
  readonly #options: ConsensusOptions;
  /** When each write that has not ended began, by the member's clock, oldest first. */
  #begun: { readonly atMs: number }[] = [];

  constructor(options: ConsensusOptions) {
    this.#options = options;
  }

  /** The process is another. */
  restart(): void {
    this.#begun = [];
  }

  /** @returns what to call when the write has ended. */
  onWrite(atMs: number): () => void {
    const write = { atMs };
    this.#begun.push(write);
    return () => {
      this.#begun = this.#begun.filter((each) => each !== write);
    };
  }

  /** Right after a tick. */
  demandYield(node: NodeId, { role }: Status, nowMs: number): void {
    const oldest = this.#begun[0];
    if (oldest === undefined || role !== "leader") return;
    const waitsMs = nowMs - oldest.atMs;
    demand(waitsMs <= this.#options.electionTimeoutMs, "stalled-leader", () => {
      return `node ${node} leads, and its oldest write is ${waitsMs.toFixed(1)} ms old`;
    });
  }
}
