// Whether this member has been without a leader for so long that who waits here should go elsewhere. Looks only
// while somebody wants to know.
import type { MonotonicMs } from "../base/index.ts";
import type { Backend } from "./backend.ts";

export interface LeaderLossOptions {
  readonly backend: Pick<Backend, "status">;
  readonly monotonicMs: () => MonotonicMs;
  /** etcd's three election timeouts. */
  readonly lossMs: number;
}

/** Looks in one `lossMs`. */
const LOOKS = 8;

export class LeaderLoss {
  readonly #options: LeaderLossOptions;
  readonly #watchers = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #lostAtMs: MonotonicMs | undefined;

  constructor(options: LeaderLossOptions) {
    this.#options = options;
  }

  get hasLeader(): boolean {
    return this.#options.backend.status().leader !== 0n;
  }

  /** Calls `onLost` once when there has been no leader for `lossMs`; what it returns ends the watch. */
  watch(onLost: () => void): () => void {
    // Each a function of its own, so that one may be watched for twice.
    const watcher = (): void => onLost();
    this.#watchers.add(watcher);
    this.#timer ??= setInterval(() => this.#look(), this.#options.lossMs / LOOKS);
    return () => this.#forget(watcher);
  }

  #look(): void {
    if (this.hasLeader) {
      this.#lostAtMs = undefined;
      return;
    }
    const nowMs = this.#options.monotonicMs();
    this.#lostAtMs ??= nowMs;
    if (nowMs - this.#lostAtMs < this.#options.lossMs) return;
    for (const watcher of [...this.#watchers]) {
      this.#forget(watcher);
      watcher();
    }
  }

  #forget(watcher: () => void): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#lostAtMs = undefined;
  }
}
