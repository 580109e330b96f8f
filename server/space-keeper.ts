// The bound on what a member's state takes on its disk (--quota-backend-bytes). Each member judges its own size
// and says so through the log: an alarm bars what takes space, on all members from one entry on. It ends by
// itself once there is room again, with a margin, and so that there is, what compaction freed is given back to
// the disk without being asked.
import type { MemberId } from "../base/index.ts";
import { alarmBytes } from "../rpc/index.ts";
import { failureOf, submitOwn } from "./own-command.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";

export interface SpaceKeeperInit {
  readonly replica: Pick<Replica, "now" | "status" | "machine" | "submit"> & {
    readonly snapshots: Pick<Replica["snapshots"], "progress">;
  };
  readonly memberId: MemberId;
  /** Infinity: none. */
  readonly quotaBytes: number;
  /** Gives back to the disk what is not used; `done` once it is. */
  readonly reclaim: (done: () => void) => void;
  readonly journal: Journal;
}

/** Of the quota: the alarm ends below it; from it on the operator is warned, and space is given back. */
const CLEAR_SHARE = 0.9;
const WARN_SHARE = 0.8;

/** What a size means: from `full` to `clear` nothing changes. */
function spaceVerdict(sizeBytes: number, quotaBytes: number): "full" | "between" | "clear" {
  if (sizeBytes >= quotaBytes) return "full";
  return sizeBytes > quotaBytes * CLEAR_SHARE ? "between" : "clear";
}

export class SpaceKeeper {
  readonly #init: SpaceKeeperInit;
  #saying = false;
  #warned = false;
  #reclaiming = false;
  /** The compaction behind which space was last given back. */
  #reclaimedAt = -1;

  constructor(init: SpaceKeeperInit) {
    this.#init = init;
  }

  /** To be called whenever the size was measured. */
  onSize(sizeBytes: number): void {
    const { replica, memberId, quotaBytes } = this.#init;
    // A state that is being received stands beside the one in force, and takes its place.
    if (replica.snapshots.progress.receiving) return;
    const alarm = { member: memberId, type: "no-space" as const };
    const raised = replica.machine.alarms.has(alarm);
    const verdict = spaceVerdict(sizeBytes, quotaBytes);
    if (verdict === "full" && !raised) this.#say("activate", memberId, sizeBytes);
    if (verdict === "clear" && raised) this.#say("deactivate", memberId, sizeBytes);
    this.#warn(sizeBytes);
    if (sizeBytes >= quotaBytes * WARN_SHARE) this.#reclaim();
    this.#clearOfStrangers();
  }

  #say(action: "activate" | "deactivate", member: MemberId, sizeBytes?: number): void {
    if (this.#saying) return;
    this.#saying = true;
    const { replica, journal, quotaBytes } = this.#init;
    const body = alarmBytes({ action, member, alarm: "no-space" });
    submitOwn(replica, { kind: "alarm-finding", body }, (result) => {
      this.#saying = false;
      const reason = failureOf(result);
      const about = { member, sizeBytes, quotaBytes };
      const changed = "alarms" in result && result.alarms.length > 0;
      if (reason !== undefined) journal.warn("the space alarm was not said", { ...about, reason });
      else if (action === "activate") {
        journal.error("no space: what takes space is refused until there is room", about);
      } else if (changed) journal.info("there is room again: the space alarm ends", about);
    });
  }

  #warn(sizeBytes: number): void {
    const { journal, quotaBytes } = this.#init;
    const near = sizeBytes >= quotaBytes * WARN_SHARE;
    if (near && !this.#warned) {
      const words = "the state nears --quota-backend-bytes: compact, delete, or raise it";
      journal.warn(words, { sizeBytes, quotaBytes });
    }
    this.#warned = near;
  }

  /** Once behind each compaction, when its sweep is through: before that there is nothing to give back. */
  #reclaim(): void {
    const { replica, reclaim } = this.#init;
    const { compacted, isSweeping, unflushedBytes } = replica.machine;
    if (this.#reclaiming || isSweeping || unflushedBytes > 0) return;
    if (compacted === this.#reclaimedAt) return;
    this.#reclaiming = true;
    this.#reclaimedAt = compacted;
    reclaim(() => {
      this.#reclaiming = false;
    });
  }

  /** The alarm of a member that is gone would stand for good: whoever leads ends it. */
  #clearOfStrangers(): void {
    const { replica } = this.#init;
    const { role, config, committed } = replica.status();
    const { roster } = config;
    if (role !== "leader" || roster === undefined || config.index > committed) return;
    const known = new Set(roster.members.map(({ id }) => id));
    for (const { member } of replica.machine.alarms.findings("no-space")) {
      if (!known.has(member)) this.#say("deactivate", member);
    }
  }
}
