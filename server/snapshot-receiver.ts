// The receiving half of snapshots between members: blocks in order into the engine of a generation of its
// own, beside the state that goes on serving; checked whole; opened once more and read back; and only then
// offered for the flip (R15). A crash at any point leaves rows that nothing refers to: boot removes them.
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { compareBytes } from "../base/index.ts";
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type { WireId } from "../consensus/index.ts";
import type { PeerMessage, SnapshotEnding } from "../rpc/index.ts";
import { SNAPSHOT_VERSION, decodeBlock } from "../store/index.ts";
import type {
  DiskFailure,
  Engine,
  EngineOpening,
  EngineStore,
  Machine,
  SnapshotEnd,
  SnapshotHeader,
} from "../store/index.ts";
import type { ReplicaLimits } from "./limits.ts";
import type { Journal } from "./ports.ts";
import { restoreRows } from "./state-restore.ts";

/** A stream stands still when its sender did not send again for so many times in a row. */
const STILL_RESENDS = 2;

/** A state that stands beside the one in force, whole and durable. */
export interface StagedState {
  readonly meta: SnapshotHeader["meta"];
  readonly generation: number;
  readonly engine: Engine;
  readonly machine: Machine;
}

export interface SnapshotReceiverInit {
  readonly id: NodeId;
  readonly clusterId: bigint;
  readonly group: number;
  readonly limits: ReplicaLimits;
  readonly engines: EngineStore;
  readonly createMachine: () => Machine;
  /** Of the state in force. */
  readonly generation: () => number;
  readonly lacks: (index: LogIndex) => boolean;
  /** It then lacks nothing by its own account. */
  readonly leads: () => boolean;
  readonly now: () => MonotonicMs;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  /** False: it is not needed any more. True: `installed` or the node's end follows. */
  readonly install: (staged: StagedState) => boolean;
  readonly onFailure: (failure: DiskFailure) => void;
  readonly journal: Journal;
}

/** `opening` until there is an engine; `installing` from the last block on: it then ends by itself. */
interface Receiving {
  readonly id: WireId;
  readonly from: NodeId;
  readonly header: SnapshotHeader;
  readonly generation: number;
  readonly hash: Hash;
  stage: "opening" | "open" | "installing";
  engine: Engine | undefined;
  /** In order and not written yet. */
  queue: Uint8Array[];
  /** Where the stream goes on behind the queue, and behind what is written. */
  queuedTo: number;
  writtenTo: number;
  writing: boolean;
  rowCount: number;
  abandoned: boolean;
  heardAtMs: number;
}

export class SnapshotReceiver {
  readonly #init: SnapshotReceiverInit;
  #receiving: Receiving | undefined;
  /** What is abandoned is being removed: the next begins after it. */
  #clearing = false;
  #lastEnded: { readonly id: WireId; readonly ending: SnapshotEnding } | undefined;

  constructor(init: SnapshotReceiverInit) {
    this.#init = init;
  }

  get active(): boolean {
    return this.#receiving !== undefined || this.#clearing;
  }

  onBlock(from: NodeId, id: WireId, offset: number, block: Uint8Array): void {
    const current = this.#receiving;
    if (current !== undefined && sameId(current.id, id)) {
      current.heardAtMs = this.#init.now();
      this.#take(current, offset, block);
    } else if (this.#lastEnded !== undefined && sameId(this.#lastEnded.id, id)) {
      this.#answerEnd(from, id, this.#lastEnded.ending);
    } else if (offset === 0) this.#begin(from, id, block);
    // The beginning is gone with this node's last boot, or with a stream that was given up (scenario 40).
    else this.#answerEnd(from, id, "refused");
  }

  /** Gives up a stream that nobody continues. */
  tick(now: MonotonicMs): void {
    const current = this.#receiving;
    if (current === undefined || current.stage === "installing") return;
    if (now - current.heardAtMs > this.#init.limits.snapshotStallMs) {
      this.#abandon(current, "the sender fell silent");
    } else if (!this.#init.lacks(current.header.meta.index)) {
      this.#finish(current, this.#unneeded);
      this.#abandon(current, "entries came meanwhile");
    }
  }

  /** One that leads may not have heard of the leader that sends: it needs none now, and perhaps does then. */
  get #unneeded(): SnapshotEnding {
    return this.#init.leads() ? "refused" : "unneeded";
  }

  /** The state that was offered is the one in force. */
  installed(): void {
    const current = this.#receiving;
    this.#receiving = undefined;
    if (current !== undefined) this.#finish(current, "installed");
  }

  #begin(from: NodeId, id: WireId, block: Uint8Array): void {
    const { clusterId, group, limits, lacks, now } = this.#init;
    const decoded = decodeBlock(block, 0);
    if (typeof decoded === "string" || decoded.kind !== "header") {
      this.#refuse(from, id, typeof decoded === "string" ? decoded : "no header");
      return;
    }
    const { header } = decoded;
    const { index } = header.meta;
    if (header.clusterId !== clusterId || header.group !== group) {
      this.#refuse(from, id, "of another cluster or group");
    } else if (header.version !== SNAPSHOT_VERSION) {
      this.#refuse(from, id, `format ${header.version}, this release reads ${SNAPSHOT_VERSION}`);
    } else if (!lacks(index)) {
      this.#answerEnd(from, id, this.#unneeded);
    } else if (!this.#makesWay(from, index)) {
      this.#answerEnd(from, id, "refused");
    } else {
      const receiving: Receiving = {
        id,
        from,
        header,
        generation: this.#init.generation() + 1,
        hash: createHash("sha256").update(block),
        stage: "opening",
        engine: undefined,
        queue: [],
        queuedTo: block.length,
        writtenTo: block.length,
        writing: false,
        rowCount: 0,
        abandoned: false,
        heardAtMs: now(),
      };
      this.#receiving = receiving;
      this.#init.journal.info("receiving a snapshot", {
        from,
        index,
        windowBlocks: limits.snapshotWindowBlocks,
      });
      this.#open(receiving);
    }
  }

  /**
   * A sender that begins anew has given its last one up; another's newer one wins over one that stands still
   * (scenario 42). One that moves is let end: members that each begin with an ever newer one, as Paxos's may,
   * would else keep each other from ending for as long as there is load.
   */
  #makesWay(from: NodeId, index: LogIndex): boolean {
    const current = this.#receiving;
    if (this.#clearing) return false;
    if (current === undefined) return true;
    const { stage, header, heardAtMs } = current;
    const moves =
      this.#init.now() - heardAtMs <= STILL_RESENDS * this.#init.limits.snapshotResendMs;
    const loses = from === current.from || (!moves && index > header.meta.index);
    if (stage === "open" && loses) this.#abandon(current, "a newer one came");
    return false;
  }

  #open(receiving: Receiving): void {
    this.#init.engines.create(receiving.generation, (opening) => {
      if (!opening.ok) {
        this.#init.onFailure(opening.failure);
        return;
      }
      receiving.engine = opening.engine;
      receiving.stage = "open";
      if (receiving.abandoned) this.#clear(receiving);
      else this.#acknowledge(receiving);
    });
  }

  #take(receiving: Receiving, offset: number, block: Uint8Array): void {
    const { snapshotWindowBlocks } = this.#init.limits;
    const fits = receiving.queue.length < snapshotWindowBlocks && receiving.stage !== "installing";
    if (offset === receiving.queuedTo && fits) {
      receiving.queue.push(block);
      receiving.queuedTo += block.length;
      this.#write(receiving);
    } else if (!receiving.writing && receiving.stage === "open") this.#acknowledge(receiving);
  }

  #write(receiving: Receiving): void {
    const { engine, queue } = receiving;
    const [block] = queue;
    if (engine === undefined || block === undefined || receiving.writing) return;
    const decoded = decodeBlock(block, receiving.writtenTo);
    if (typeof decoded === "string" || decoded.kind === "header") {
      const problem = typeof decoded === "string" ? decoded : "a second header";
      this.#refuse(receiving.from, receiving.id, problem);
      this.#abandon(receiving, problem);
      return;
    }
    if (decoded.kind === "end") {
      this.#complete(receiving, engine, decoded.end);
      return;
    }
    receiving.writing = true;
    const ops = decoded.rows.map(({ key, value }) => ({ op: "put" as const, key, value }));
    engine.write(ops, false, (failure) => {
      receiving.writing = false;
      if (failure !== undefined) {
        this.#init.onFailure(failure);
        return;
      }
      receiving.hash.update(block);
      receiving.rowCount += ops.length;
      receiving.writtenTo += block.length;
      receiving.queue.shift();
      if (receiving.abandoned) {
        this.#clear(receiving);
        return;
      }
      this.#acknowledge(receiving);
      this.#write(receiving);
    });
  }

  /** Written synced and opened once more: what the engine's own log held is then in table files (S2). */
  #complete(receiving: Receiving, engine: Engine, end: SnapshotEnd): void {
    const whole =
      end.rowCount === receiving.rowCount &&
      compareBytes(end.digest, receiving.hash.digest()) === 0;
    if (!whole) {
      this.#refuse(receiving.from, receiving.id, "rows or digest differ from what its end says");
      this.#abandon(receiving, "it is not whole");
      return;
    }
    receiving.stage = "installing";
    const { engines } = this.#init;
    const orFail = (next: () => void) => (failure: DiskFailure | undefined) => {
      if (failure !== undefined) this.#init.onFailure(failure);
      else next();
    };
    engine.write(
      [],
      true,
      orFail(() => {
        engine.close(
          orFail(() => {
            receiving.engine = undefined;
            engines.open(receiving.generation, (opening) => this.#readBack(receiving, opening));
          }),
        );
      }),
    );
  }

  #readBack(receiving: Receiving, opening: EngineOpening): void {
    if (!opening.ok) {
      this.#init.onFailure(opening.failure);
      return;
    }
    const { engine } = opening;
    receiving.engine = engine;
    const machine = this.#init.createMachine();
    restoreRows(engine, machine, this.#init.limits.snapshotBlockBytes, (failure, rowCount) => {
      if (failure !== undefined) {
        this.#init.onFailure(failure);
        return;
      }
      const { meta } = receiving.header;
      const restored = machine.restored();
      const same =
        restored.ok && restored.applied === meta.index && rowCount === receiving.rowCount;
      if (!same) {
        const problem = restored.ok ? `it holds ${rowCount} rows` : restored.reason;
        this.#refuse(receiving.from, receiving.id, problem);
        this.#abandon(receiving, problem);
        return;
      }
      const { generation } = receiving;
      if (this.#init.install({ meta, generation, engine, machine })) return;
      this.#finish(receiving, this.#unneeded);
      this.#abandon(receiving, "entries came meanwhile");
    });
  }

  #acknowledge({ from, id, writtenTo }: Receiving): void {
    const { id: self, send } = this.#init;
    send(from, { kind: "snapshot-ack", from: self, id, offset: writtenTo });
  }

  #refuse(from: NodeId, id: WireId, problem: string): void {
    this.#init.journal.warn("a snapshot was refused", { from, problem });
    this.#answerEnd(from, id, "refused");
  }

  #finish({ from, id }: Receiving, ending: SnapshotEnding): void {
    this.#lastEnded = { id, ending };
    this.#answerEnd(from, id, ending);
  }

  #answerEnd(to: NodeId, id: WireId, ending: SnapshotEnding): void {
    this.#init.send(to, { kind: "snapshot-ended", from: this.#init.id, id, ending });
  }

  #abandon(receiving: Receiving, reason: string): void {
    const { from, header } = receiving;
    const { index } = header.meta;
    this.#init.journal.info("a snapshot was given up", { from, index, reason });
    receiving.abandoned = true;
    this.#receiving = undefined;
    this.#clearing = true;
    // What is under way ends first, and clears.
    if (receiving.engine !== undefined && !receiving.writing) this.#clear(receiving);
  }

  #clear({ engine, generation }: Receiving): void {
    const remove = (): void => {
      this.#init.engines.remove(generation, (failure) => {
        if (failure !== undefined) this.#init.onFailure(failure);
        else this.#clearing = false;
      });
    };
    if (engine === undefined) remove();
    else {
      engine.close((failure) => {
        if (failure !== undefined) this.#init.onFailure(failure);
        else remove();
      });
    }
  }
}

function sameId(left: WireId, right: WireId): boolean {
  return left.boot === right.boot && left.counter === right.counter;
}
