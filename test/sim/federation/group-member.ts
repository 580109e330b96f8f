// One member of a region that is a consensus group: its node as the region's leader and streams of other regions see
// it, with whoever waits for an answer of its present process.
import type { LogTimeMs, NodeId } from "../../../base/index.ts";
import type { Entry, Epoch } from "../../../consensus/index.ts";
import { ReportBook } from "../../../federation/index.ts";
import type { Dot } from "../../../federation/index.ts";
import { FederatedRegion } from "../../../server/federated-region.ts";
import type { Machine } from "../../../store/index.ts";
import type { EventQueue } from "../events.ts";
import type { SimNode } from "../sim-node.ts";
import type { Witness } from "../witness.ts";
import { WitnessedMachine } from "../witnessed-machine.ts";
import type { Member, MemberState, Proposed, Timers } from "./region-log.ts";

/** An epoch that it leads; ready: with all applied that was committed before it. */
interface Led {
  readonly epoch: Epoch;
  ready: boolean;
}

export class GroupMember implements Member {
  readonly at: number;
  readonly node: SimNode;
  readonly host: MemberState;
  readonly federated: FederatedRegion;
  readonly timers: Timers;
  readonly waiting = new Set<Proposed>();
  reports = new ReportBook();
  led: Led | undefined;
  /** By the last entry that it applied. */
  minted: readonly Dot[] = [];
  /** Of the process that ran last, or is to run first: what it had applied. */
  machineBefore: Machine;
  #serves = false;
  #toldAt = -1;

  constructor(at: number, node: SimNode, empty: Machine, queue: EventQueue) {
    this.at = at;
    this.node = node;
    this.machineBefore = empty;
    const machine = (): Machine => this.#machine;
    this.federated = new FederatedRegion(machine);
    this.host = {
      get machine() {
        return machine();
      },
      load: (keys) => keys.map((key) => node.devices.engine.peek(key)),
    };
    this.timers = {
      get nowMs() {
        return queue.nowMs;
      },
      schedule: (delayMs, label, run) => {
        if (node.process.running) node.process.schedule(delayMs, label, run);
      },
    };
  }

  get #machine(): Machine {
    return this.node.serving?.replica.machine ?? this.machineBefore;
  }

  get up(): boolean {
    return this.node.serving !== undefined && !this.node.process.stopped;
  }

  get logTime(): LogTimeMs {
    return this.node.serving?.replica.logClock.read() ?? this.#machine.logTime;
  }

  onServing(): void {
    this.#serves = true;
    this.#toldAt = -1;
  }

  /** Whether it served. */
  onDown(): boolean {
    const served = this.#serves;
    this.#serves = false;
    this.reports = new ReportBook();
    return served;
  }

  /** Whether its state has moved since this was last asked. */
  hasNews(): boolean {
    const { applied } = this.#machine;
    const isNew = applied !== this.#toldAt;
    this.#toldAt = applied;
    return isNew;
  }
}

interface Follower {
  readonly onApplying: (machine: Machine) => void;
  readonly onApplied: (index: number) => void;
}

/** The real state machine, with every entry told of before and after. */
export class FollowedMachine extends WitnessedMachine {
  readonly #follower: Follower;

  constructor(
    options: ConstructorParameters<typeof Machine>[0],
    { node, witness }: { readonly node: NodeId; readonly witness: Witness },
    follower: Follower,
  ) {
    super(options, node, witness);
    this.#follower = follower;
  }

  override apply(
    entry: Entry,
    loaded: readonly (Uint8Array | undefined)[],
  ): ReturnType<Machine["apply"]> {
    this.#follower.onApplying(this);
    const response = super.apply(entry, loaded);
    this.#follower.onApplied(entry.index);
    return response;
  }
}
