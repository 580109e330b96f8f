// What a serving member tells one that mends its log: entries that it holds under the very names asked for,
// and, where it leads and has committed in its epoch, how far its log reaches, and that log. It answers one
// question at a time; what comes meanwhile is dropped, and asked again.
import { logIndex } from "../base/index.ts";
import type { LogIndex, NodeId, PlantedBug } from "../base/index.ts";
import { compareEpochs, sameEpoch } from "../consensus/index.ts";
import type { Entry, Epoch, SnapshotMeta, Status } from "../consensus/index.ts";
import type { PeerMessage, RepairMessage, RepairSource } from "../rpc/index.ts";
import type { DiskFailure, Log } from "../store/index.ts";
import type { ReplicaLimits } from "./limits.ts";

type RepairWanted = Extract<RepairMessage, { kind: "repair-wanted" }>;

export interface RepairAnswersInit {
  readonly id: NodeId;
  readonly log: Log;
  readonly limits: ReplicaLimits;
  readonly status: () => Status;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  /** The log here is damaged too: found as it was read for somebody. */
  readonly onFailure: (failure: DiskFailure) => void;
  readonly planted?: PlantedBug;
}

export class RepairAnswers {
  readonly #init: RepairAnswersInit;
  #loading = false;

  constructor(init: RepairAnswersInit) {
    this.#init = init;
  }

  onWanted(message: RepairWanted): void {
    if (!this.#loading) this.#answer(message, true);
  }

  #answer(message: RepairWanted, mayLoad: boolean): void {
    const { id, send } = this.#init;
    const source = this.#sourceFor(message.promised);
    const found = message.names.length > 0 ? this.#named(message) : this.#own(message, source);
    if ("loading" in found && mayLoad) {
      this.#load(found.loading, message);
      return;
    }
    const entries = "loading" in found ? [] : found.entries;
    send(message.from, {
      kind: "repair-given",
      from: id,
      id: message.id,
      entries,
      ...this.#floorFor(message),
      ...(source === undefined ? {} : { source }),
    });
  }

  /** What is compacted here was committed: nobody need bring it back (R15). */
  #floorFor({ names }: RepairWanted): { readonly floor?: SnapshotMeta } {
    const meta = this.#init.log.reader.snapshot();
    const [first] = names;
    const covered = first !== undefined && meta !== "preparing" && first.index <= meta.index;
    return covered ? { floor: meta } : {};
  }

  #load(from: LogIndex, message: RepairWanted): void {
    const { log, onFailure } = this.#init;
    this.#loading = true;
    log.load(from, logIndex(log.reader.last() + 1), (failure) => {
      this.#loading = false;
      if (failure !== undefined) onFailure(failure);
      else this.#answer(message, false);
    });
  }

  /** What has an index and an epoch has one content: it does not matter who holds it, or why. */
  #named({ names }: RepairWanted): Found {
    const { log, limits } = this.#init;
    const entries: Entry[] = [];
    let bytes = 0;
    for (const { index, epoch } of names.slice(0, limits.repairEntriesMax)) {
      if (index < log.reader.first() || !this.#holds(index, epoch)) continue;
      const slice = log.reader.slice(index, logIndex(index + 1), 1);
      if (slice === "compacted") continue;
      if (slice === "loading") {
        if (entries.length > 0) break;
        return { loading: index };
      }
      entries.push(...slice);
      bytes += slice.reduce((sum, entry) => sum + weight(entry), 0);
      if (bytes >= limits.repairBytesMax) break;
    }
    return { entries };
  }

  #holds(index: LogIndex, epoch: Epoch): boolean {
    const held = this.#init.log.reader.epochAt(index);
    if (held === undefined) return false;
    return sameEpoch(held, epoch) || this.#init.planted === "repair-of-another-epoch";
  }

  #own({ logFrom }: RepairWanted, source: RepairSource | undefined): Found {
    const { log, limits } = this.#init;
    if (source === undefined) return { entries: [] };
    const from = Math.max(logFrom, log.reader.first()) as LogIndex;
    const until = Math.min(log.reader.last() + 1, from + limits.repairEntriesMax) as LogIndex;
    if (from >= until) return { entries: [] };
    const slice = log.reader.slice(from, until, limits.repairBytesMax);
    if (slice === "compacted") return { entries: [] };
    return slice === "loading" ? { loading: from } : { entries: slice };
  }

  /**
   * Its log holds everything that the asker can have acknowledged: in earlier epochs, because the asker
   * has not voted since and what was chosen is in it (Raft 5.4, P4); in this one, because it proposed it.
   */
  #sourceFor(promised: Epoch): RepairSource | undefined {
    const { log, status } = this.#init;
    const { role, epoch, committed } = status();
    if (role !== "leader" || compareEpochs(epoch, promised) < 0) return undefined;
    const proven = log.reader.epochAt(committed);
    const meta = log.reader.snapshot();
    if (proven === undefined || !sameEpoch(proven, epoch) || meta === "preparing") return undefined;
    return { epoch, meta, last: log.reader.last(), committed };
  }
}

type Found = { readonly entries: readonly Entry[] } | { readonly loading: LogIndex };

function weight(entry: Entry): number {
  return entry.kind === "command" ? entry.data.length : 0;
}
