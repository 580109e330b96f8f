// What one replica is made of: parts that were opened before it, and its ports to the world.
import type { BootNonce, NodeId, Random } from "../base/index.ts";
import type { ConsensusFactory, ConsensusOptions } from "../consensus/index.ts";
import type { ConsensusMessage } from "../rpc/index.ts";
import type {
  DiskFailure,
  Engine,
  EngineStore,
  Log,
  LogRecovery,
  Machine,
} from "../store/index.ts";
import type { ApplyPace } from "./apply-pace.ts";
import type { ReplicaLimits } from "./limits.ts";
import type { ReplicaCounters } from "./replica-counters.ts";
import type { Clock, EndOfTurn, Journal, Transport } from "./ports.ts";

export interface ReplicaInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  readonly boot: BootNonce;
  readonly log: Log;
  readonly recovery: LogRecovery;
  /** Of the generation that the log names. */
  readonly engine: Engine;
  /** Restored from the engine. */
  readonly machine: Machine;
  /** Where a snapshot's rows go, and a machine for them. */
  readonly engines: EngineStore;
  readonly createMachine: () => Machine;
  readonly clusterId: bigint;
  readonly group: number;
  readonly createConsensus: ConsensusFactory<ConsensusMessage>;
  readonly options: ConsensusOptions;
  readonly limits: ReplicaLimits;
  readonly clock: Clock;
  readonly endOfTurn: EndOfTurn;
  readonly transport: Transport;
  readonly journal: Journal;
  readonly rng: Random;
  readonly pace?: ApplyPace;
  readonly counters?: ReplicaCounters;
  /** A disk failed: the replica has stopped and the process must end (R18). */
  readonly onHalt: (failure: DiskFailure) => void;
}
