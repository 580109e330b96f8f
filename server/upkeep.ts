// What a member does by itself to stay in order: it bounds the space of its state, compacts what nobody needs any
// more, and, where it leads, compares the members with each other.
import type { MemberId, NodeId } from "../base/index.ts";
import { compactionBytes } from "../rpc/index.ts";
import { AutoCompactor } from "./auto-compaction.ts";
import type { AutoCompaction } from "./auto-compaction.ts";
import { CorruptionWatch } from "./corruption-watch.ts";
import type { CorruptionCounts } from "./corruption-watch.ts";
import type { Defragmentation } from "./defragmentation.ts";
import { failureOf, submitOwn } from "./own-command.ts";
import type { PeerQuestions } from "./peer-questions.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";
import { SpaceKeeper } from "./space-keeper.ts";

export interface UpkeepSettings {
  /** Infinity: none. */
  readonly quotaBytes: number;
  /** undefined: nothing is compacted without being asked. */
  readonly autoCompaction: AutoCompaction | undefined;
  /** 0: the hash of all keys is compared when it is asked for only. */
  readonly corruptCheckMs: number;
}

export interface UpkeepInit {
  readonly settings: UpkeepSettings;
  readonly replica: Replica;
  readonly memberId: MemberId;
  readonly idOf: (node: NodeId) => MemberId | undefined;
  readonly questions: PeerQuestions;
  readonly defragmentation: Defragmentation;
  readonly journal: Journal;
}

/** Marks cost nothing but a message to each peer. */
const MARKS_EVERY_MS = 5_000;

export class Upkeep {
  readonly #init: UpkeepInit;
  readonly #space: SpaceKeeper;
  readonly #corruption: CorruptionWatch;
  readonly #compactor: AutoCompactor | undefined;
  #compacting = false;

  constructor(init: UpkeepInit) {
    this.#init = init;
    const { settings, replica, questions, journal, defragmentation } = init;
    this.#space = new SpaceKeeper({
      ...init,
      quotaBytes: settings.quotaBytes,
      reclaim: (done) => {
        defragmentation.run(() => {
          done();
        });
      },
    });
    this.#corruption = new CorruptionWatch({
      replica,
      idOf: init.idOf,
      askMarks: (node, done) => {
        questions.askMarks(node, done);
      },
      askHash: (node, question, done) => {
        questions.askHash(node, question, done);
      },
      ownHash: (question, done) => {
        questions.ownHash(question, done);
      },
      marksEveryMs: MARKS_EVERY_MS,
      hashEveryMs: settings.corruptCheckMs,
      journal,
    });
    const { autoCompaction } = settings;
    this.#compactor = autoCompaction && new AutoCompactor(autoCompaction);
  }

  /** For metrics. */
  get corruption(): CorruptionCounts {
    return this.#corruption.counts;
  }

  /** @returns the way to end it. */
  follow(): () => void {
    return this.#init.replica.onChange(() => {
      this.#corruption.poll();
      this.#compact();
    });
  }

  /** To be called whenever the size of the state was measured. */
  onSize(sizeBytes: number): void {
    this.#space.onSize(sizeBytes);
  }

  #compact(): void {
    const { replica, journal } = this.#init;
    const { revision, compacted, alarms } = replica.machine;
    const isLeader =
      replica.status().role === "leader" && !this.#compacting && !alarms.stands("corrupt");
    const target = this.#compactor?.poll({ now: replica.now(), revision, compacted, isLeader });
    if (target === undefined) return;
    this.#compacting = true;
    const command = { kind: "compaction", body: compactionBytes(target) } as const;
    submitOwn(replica, command, (result) => {
      this.#compacting = false;
      const reason = failureOf(result);
      if (reason === undefined) journal.info("compacted by itself", { revision: target });
      else journal.warn("not compacted by itself", { revision: target, reason });
    });
  }
}
