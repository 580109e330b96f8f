// What members bring each other beside the protocol, at one replica: which peers are being sent a snapshot,
// the one that is being received, when the log is cut, asking the leader for a snapshot when the state was
// lost, and entries for a peer that mends its log.
import type { BootNonce, LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type { Consensus, ConsensusOptions } from "../consensus/index.ts";
import type {
  ConsensusMessage,
  PeerMessage,
  RepairMessage,
  SnapshotMessage,
} from "../rpc/index.ts";
import { SNAPSHOT_VERSION } from "../store/index.ts";
import type {
  DiskFailure,
  Engine,
  EngineSnapshot,
  EngineStore,
  Log,
  Machine,
} from "../store/index.ts";
import type { ReplicaLimits } from "./limits.ts";
import { compactionTarget } from "./log-compaction.ts";
import type { Journal } from "./ports.ts";
import { RepairAnswers } from "./repair-answers.ts";
import { SnapshotBlocks } from "./snapshot-blocks.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import type { StagedState } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";

/** What the driver offers. */
export interface SnapshotDeskInit {
  readonly id: NodeId;
  readonly boot: BootNonce;
  readonly clusterId: bigint;
  readonly group: number;
  readonly core: Consensus<ConsensusMessage>;
  readonly log: Log;
  readonly limits: ReplicaLimits;
  readonly engines: EngineStore;
  readonly createMachine: () => Machine;
  /** Of the state in force. */
  readonly generation: () => number;
  readonly engine: () => Engine;
  /** As in Applier. */
  readonly atRest: (run: (flushed: LogIndex | undefined) => void) => void;
  readonly now: () => MonotonicMs;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  readonly install: (staged: StagedState) => boolean;
  readonly onFailure: (failure: DiskFailure) => void;
  readonly journal: Journal;
  readonly options: ConsensusOptions;
}

export class SnapshotDesk {
  readonly #init: SnapshotDeskInit;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #repairs: RepairAnswers;
  /** Wanted while as many as may be are on their way; tried again at the core's next wish. */
  #turnedAway = new Set<NodeId>();
  readonly #opening = new Set<NodeId>();
  #askedAtMs = -Infinity;
  #stopped = false;

  constructor(init: SnapshotDeskInit) {
    this.#init = init;
    const { journal } = init;
    this.#sender = new SnapshotSender({
      ...init,
      onEnd: (to, ok) => {
        journal.info("a snapshot ended", { to, ok });
        if (!this.#stopped) init.core.snapshotSent(to, ok, init.now());
      },
    });
    this.#receiver = new SnapshotReceiver({
      ...init,
      lacks: (index) => init.core.lacks(index),
      leads: () => init.core.status().role === "leader",
    });
    const { planted } = init.options;
    this.#repairs = new RepairAnswers({
      ...init,
      status: () => init.core.status(),
      ...(planted === undefined ? {} : { planted }),
    });
  }

  /** For metrics and status. */
  get progress(): { readonly sending: number; readonly receiving: boolean } {
    return { sending: this.#sender.count, receiving: this.#receiver.active };
  }

  onMessage(message: SnapshotMessage | RepairMessage): void {
    switch (message.kind) {
      case "repair-wanted":
        this.#repairs.onWanted(message);
        break;
      case "repair-given":
        // Of a mending that has ended.
        break;
      case "snapshot-wanted":
        this.sendTo(message.from);
        break;
      case "snapshot-block":
        this.#receiver.onBlock(message.from, message.id, message.offset, message.block);
        break;
      case "snapshot-ack":
        this.#sender.onAck(message.from, message.id, message.offset);
        break;
      case "snapshot-ended":
        this.#sender.onEnded(message.from, message.id, message.ending);
        break;
    }
  }

  /** A peer needs what the log no longer holds. */
  sendTo(to: NodeId): void {
    if (this.#sender.has(to) || this.#opening.has(to) || this.#stopped) return;
    const { limits, journal } = this.#init;
    if (this.#sender.count + this.#opening.size >= limits.snapshotsMax) {
      this.#turnedAway.add(to);
      return;
    }
    this.#opening.add(to);
    this.open((blocks) => {
      this.#opening.delete(to);
      if (blocks === undefined) {
        this.#turnedAway.add(to);
        return;
      }
      journal.info("sending a snapshot", { to, index: blocks.header.meta.index });
      this.#sender.start(to, blocks);
    });
  }

  /** A snapshot of the state as the engine holds it; undefined while it is not whole. The caller closes it. */
  open(done: (blocks: SnapshotBlocks | undefined) => void): void {
    const { atRest, clusterId, group, core, engine, limits, options } = this.#init;
    atRest((flushed) => {
      const { awaiting } = core.status();
      if (this.#stopped || awaiting !== undefined || flushed === undefined || flushed === 0) {
        done(undefined);
        return;
      }
      const header = { version: SNAPSHOT_VERSION, clusterId, group, meta: core.markAt(flushed) };
      done(
        new SnapshotBlocks(header, engine().snapshot(), limits.snapshotBlockBytes, options.planted),
      );
    });
  }

  /** All rows of the state as they stand, at rest; undefined while it is not whole. The caller closes them. */
  rows(done: (rows: EngineSnapshot | undefined) => void): void {
    const { atRest, core, engine } = this.#init;
    atRest((flushed) => {
      const whole = core.status().awaiting === undefined && flushed !== undefined;
      done(whole && !this.#stopped ? engine().snapshot() : undefined);
    });
  }

  /**
   * The state up to `index` survives power loss: what the log need not keep may go. What the receiver of a snapshot
   * needs next stays, also of one that was begun in an earlier epoch, or that the peer asked for by itself: of those
   * the core knows nothing, or the receiver would need another one at once (scenario 41).
   */
  onCheckpoint(index: LogIndex): void {
    const { log, limits, core, now, options } = this.#init;
    const pinned = options.planted === "snapshot-not-pinned" ? Infinity : this.#sender.reachesTo;
    const target = compactionTarget(log, Math.min(index, pinned) as LogIndex, limits);
    if (target !== undefined) core.compactTo(target, now());
  }

  tick(now: MonotonicMs): void {
    this.#sender.tick(now);
    this.#receiver.tick(now);
    const turnedAway = this.#turnedAway;
    this.#turnedAway = new Set();
    for (const to of turnedAway) this.#init.core.snapshotSent(to, false, now);
    this.#askIfLost(now);
  }

  /** The state was lost and the log cannot bring it back: only another member can (S2). */
  #askIfLost(now: MonotonicMs): void {
    const { core, limits, id, send, journal } = this.#init;
    const { awaiting, leader } = core.status();
    if (awaiting === undefined || this.#receiver.active) return;
    if (leader === undefined || leader === id) return;
    if (now - this.#askedAtMs < limits.snapshotResendMs) return;
    this.#askedAtMs = now;
    journal.warn("the state is not whole: asking the leader for a snapshot", { leader, awaiting });
    send(leader, { kind: "snapshot-wanted", from: id });
  }

  /** The state that was offered to `install` is in force; the engine before it closes behind this. */
  onInstalled(): void {
    this.#receiver.installed();
  }

  stop(): void {
    this.#stopped = true;
    this.#sender.stop();
  }
}
