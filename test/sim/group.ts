// One consensus group as a simulation runs it: members on machines of their own, the network between them, those who run
// the machines, and what goes wrong; with a witness of all that their logs, cores and states do.
import type { NodeId, PlantedBug } from "../../base/index.ts";
import type { ConsensusFactory, MemberRow, Membership } from "../../consensus/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import type { Machine } from "../../store/machine.ts";
import type { Chance } from "./chance.ts";
import { Crew, foundersOf, nodeLastOf } from "./crew.ts";
import { DamageAtlas } from "./damage-atlas.ts";
import type { EventQueue } from "./events.ts";
import { Nemesis } from "./nemesis.ts";
import type { Oracle } from "./oracle.ts";
import { Peers } from "./peers.ts";
import type { PeersInit } from "./peers.ts";
import { SimNode } from "./sim-node.ts";
import type { SimNodeInit } from "./sim-node.ts";
import { SnapshotPins } from "./snapshot-pins.ts";
import type { Swarm } from "./swarm.ts";
import { Witness } from "./witness.ts";

export interface GroupInit
  extends
    Pick<PeersInit, "onSent" | "onFrame" | "onArrived">,
    Pick<SimNodeInit, "restored" | "onServing" | "onDown"> {
  readonly swarm: Swarm;
  readonly planted: PlantedBug | undefined;
  readonly protocol: ProtocolName;
  readonly createConsensus: ConsensusFactory<ConsensusMessage>;
  readonly events: EventQueue;
  readonly chance: Chance;
  /** For the damage at rest. */
  readonly atlasChance: Chance;
  /** Absent: states are compared with each other alone. */
  readonly oracle?: Oracle;
  readonly note: (what: () => string) => void;
  /** What the rows of a member are restored into, and its entries applied to. */
  readonly createMachine: (node: NodeId, witness: Witness) => Machine;
}

export class Group {
  /** By id, every machine there is by now. */
  readonly nodes: SimNode[] = [];
  readonly witness: Witness;
  readonly crew: Crew;
  readonly nemesis: Nemesis;
  readonly peers: Peers;
  readonly #init: GroupInit;
  readonly #pins: SnapshotPins;
  readonly #atlas: DamageAtlas;

  constructor(init: GroupInit) {
    const { swarm, events, chance, note, planted } = init;
    this.#init = init;
    const founding = foundingOf(swarm);
    this.witness = new Witness({
      ...(init.oracle === undefined ? {} : { oracle: init.oracle }),
      ...(init.restored === undefined ? {} : { base: init.restored.index }),
      founding,
      nowMs: () => events.nowMs,
      protocol: init.protocol,
      quorums: swarm.options.quorums,
      believesLease: (node) => !swarm.clocksWild && this.#believesLease(node),
    });
    this.#pins = new SnapshotPins({
      firstOf: (node) => this.witness.shownOf(node).base.index + 1,
      lastOf: (node) => this.witness.shownOf(node).last,
    });
    this.peers = new Peers({
      ...init,
      nodes: () => this.nodes,
      faults: swarm.network,
      onMoment: (on, node) => this.nemesis.onMoment(on, node),
    });
    const shared = {
      swarm,
      nodes: () => this.nodes,
      events,
      note,
      leader: () => this.witness.leader(),
      config: () => this.witness.config,
    };
    this.#atlas = new DamageAtlas({
      ...shared,
      committed: (index) => this.witness.committedAt(index),
      chance: init.atlasChance,
    });
    this.crew = new Crew({
      ...shared,
      planted,
      founding,
      chance: chance.stream(),
      build: (row) => {
        const node = this.#build(row);
        this.nemesis.spare(node);
        return node;
      },
    });
    for (const row of founding.roster?.members ?? []) this.#build(row);
    const { network } = this.peers;
    this.nemesis = new Nemesis({ ...shared, network, chance: chance.stream() });
    this.witness.onMoment = (on, node) => this.nemesis.onMoment(on, node);
    this.witness.onConfig = (config) => this.crew.onConfig(config);
  }

  #believesLease(id: NodeId): boolean {
    return this.nodes.find((node) => node.id === id)?.believesLease ?? false;
  }

  #build({ node: id, id: memberId, incarnation }: MemberRow): SimNode {
    const { createMachine, note, chance } = this.#init;
    const node = new SimNode({
      ...this.#init,
      id,
      memberId,
      incarnation,
      found: (asking) => this.crew.found(asking),
      chance: chance.stream(),
      pins: this.#pins,
      witness: this.witness,
      others: (asking) => this.nodes.filter((other) => other !== asking).map((other) => other.id),
      atlas: this.#atlas,
      send: (from, to, messages) => this.peers.send(from, to, messages),
      createMachine: () => createMachine(id, this.witness),
      onHalt: (halted) => {
        halted.kill();
        this.nemesis.restartLater(halted);
      },
      onJournal: (about, message, fields) => {
        note(() => `n${about} ${message} ${JSON.stringify(fields)}`);
      },
    });
    this.nodes.push(node);
    return node;
  }
}

function foundingOf(swarm: Swarm): Membership {
  const ids = Array.from({ length: swarm.voters + swarm.learners }, (_, at) => (at + 1) as NodeId);
  return {
    index: 0 as Membership["index"],
    incoming: ids.slice(0, swarm.voters),
    learners: ids.slice(swarm.voters),
    leaseMs: swarm.leaseMs,
    roster: { nodeLast: nodeLastOf(ids), members: foundersOf(ids) },
  };
}
