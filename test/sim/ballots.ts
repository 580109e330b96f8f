// What the acceptors of a Paxos group have accepted, by global knowledge: one value a (slot, ballot), what a
// quorum has chosen and when, and that nothing else is proposed there afterwards (P2, P4, P6).
import { present } from "../../base/index.ts";
import type { NodeId } from "../../base/index.ts";
import { EPOCH_ZERO, compareEpochs, quorumSizes } from "../../consensus/index.ts";
import type { Entry, Epoch, LogWrite, Membership, QuorumSizes } from "../../consensus/index.ts";
import { fingerprint } from "./trace.ts";
import { demand } from "./violation.ts";

/** A value proposed in one ballot for one slot, and who holds it durably, or did. */
interface Proposal {
  readonly entry: Entry;
  readonly value: string;
  readonly acceptors: Set<NodeId>;
}

interface Slot {
  readonly byBallot: Map<string, Proposal>;
  chosen: Proposal | undefined;
}

export class Ballots {
  readonly #quorums: QuorumSizes | undefined;
  /** Those that are chosen, oldest first: each governs the slots behind its own (P8). */
  readonly #configs: Membership[];
  readonly #slots = new Map<number, Slot>();
  readonly #promised = new Map<NodeId, Epoch>();
  readonly #inFlight = new Map<NodeId, LogWrite[]>();

  constructor(founding: Membership, quorums: QuorumSizes | undefined) {
    this.#configs = [founding];
    this.#quorums = quorums;
  }

  /** A batch is accepted by the log; what it promises is what its messages will claim. */
  onWrite(node: NodeId, { ops, id, mustSync }: LogWrite): void {
    const before = this.#promised.get(node) ?? EPOCH_ZERO;
    let after = before;
    for (const op of ops) if (op.op === "promise") after = op.promised;
    this.#promised.set(node, after);
    // A turn may accept first and promise a higher ballot then: both become durable together.
    for (const op of ops) if (op.op === "put") this.#onPut(node, op.entry, before, after);
    const waiting = this.#inFlight.get(node) ?? [];
    waiting.push({ ops, id, mustSync });
    this.#inFlight.set(node, waiting);
  }

  onDurable(node: NodeId): void {
    const batch = this.#inFlight.get(node)?.shift();
    for (const op of batch?.ops ?? []) {
      if (op.op === "put") this.#onAccepted(node, op.entry);
    }
  }

  /** Its process died; `recovered`: what its log holds, of the writes that were under way too. */
  onOpened(node: NodeId, promised: Epoch, recovered: readonly Entry[]): void {
    this.#inFlight.delete(node);
    this.#promised.set(node, promised);
    for (const entry of recovered) this.#onAccepted(node, entry);
  }

  /** What somebody executes is what a quorum has chosen. */
  demandChosen(node: NodeId, entry: Entry): void {
    const chosen = this.#slots.get(entry.index)?.chosen;
    demand(chosen !== undefined, "commit-durability", () => {
      return `node ${node} says slot ${entry.index} is chosen; no ballot has a quorum`;
    });
    demand(chosen.value === valueOf(entry), "state-machine-safety", () => {
      return `node ${node} takes ${valueOf(entry)} for chosen in slot ${entry.index}; it is ${chosen.value}`;
    });
  }

  /** P2: never below the promise; P4: once a value is chosen, higher ballots propose no other. */
  #onPut(node: NodeId, entry: Entry, before: Epoch, after: Epoch): void {
    const proposal = this.#proposal(node, entry);
    const { chosen } = this.#slot(entry.index);
    if (chosen !== undefined && compareEpochs(entry.epoch, chosen.entry.epoch) > 0) {
      demand(chosen.value === proposal.value, "ballot-safety", () => {
        const later = `${proposal.value} in ballot ${nameOf(entry.epoch)}`;
        return `slot ${entry.index} has ${chosen.value} chosen; node ${node} accepts ${later}`;
      });
    }
    const learnt = chosen?.value === proposal.value;
    const kept = compareEpochs(entry.epoch, before) >= 0 && compareEpochs(entry.epoch, after) <= 0;
    demand(kept || learnt, "ballot-safety", () => {
      const promised = `${nameOf(before)}, then ${nameOf(after)}`;
      return `node ${node} promised ${promised} and accepts ballot ${nameOf(entry.epoch)}`;
    });
  }

  #onAccepted(node: NodeId, entry: Entry): void {
    const proposal = this.#proposal(node, entry);
    proposal.acceptors.add(node);
    if (!this.#isChosen(entry.index, proposal)) return;
    const slot = this.#slot(entry.index);
    const { chosen } = slot;
    if (chosen === undefined) {
      slot.chosen = proposal;
      this.#onChosen(entry);
      return;
    }
    demand(chosen.value === proposal.value, "state-machine-safety", () => {
      return `slot ${entry.index} has both ${chosen.value} and ${proposal.value} chosen`;
    });
    if (compareEpochs(entry.epoch, chosen.entry.epoch) < 0) slot.chosen = proposal;
  }

  /** P6, P7: by a phase-2 quorum of the configuration that governs the slot. */
  #isChosen(slot: number, { acceptors }: Proposal): boolean {
    const config = this.#configBefore(slot);
    const { phase2 } = quorumSizes(config, this.#quorums);
    return config.incoming.filter((node) => acceptors.has(node)).length >= phase2;
  }

  #configBefore(slot: number): Membership {
    const config = this.#configs.findLast(({ index }) => index < slot || index === 0);
    return present(config, "the founding configuration");
  }

  #onChosen(entry: Entry): void {
    if (entry.kind !== "config") return;
    this.#configs.push(entry.config);
    this.#configs.sort((left, right) => left.index - right.index);
  }

  /** One value a (slot, ballot). */
  #proposal(node: NodeId, entry: Entry): Proposal {
    const { byBallot } = this.#slot(entry.index);
    const name = nameOf(entry.epoch);
    const known = byBallot.get(name);
    if (known === undefined) {
      const proposal = { entry, value: valueOf(entry), acceptors: new Set<NodeId>() };
      byBallot.set(name, proposal);
      return proposal;
    }
    const same = known.entry === entry || known.value === valueOf(entry);
    demand(same, "ballot-safety", () => {
      return `node ${node} holds another value than its peers in slot ${entry.index} of ballot ${name}`;
    });
    return known;
  }

  #slot(index: number): Slot {
    let slot = this.#slots.get(index);
    if (slot === undefined) {
      slot = { byBallot: new Map(), chosen: undefined };
      this.#slots.set(index, slot);
    }
    return slot;
  }
}

function nameOf({ config, round, node }: Epoch): string {
  return `${config}.${round}.${node}`;
}

/** The entry without its ballot. */
export function valueOf(entry: Entry): string {
  return fingerprint({ ...entry, epoch: undefined });
}
