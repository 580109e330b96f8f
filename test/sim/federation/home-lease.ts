// A home that is held by a lease of the directory, as its region's leader holds it: renewed while the directory is
// reached, taken over once it has ended. Who acknowledges a write of it is its home at that moment (federation 12).
import type { MonotonicMs } from "../../../base/index.ts";
import { HeldHome } from "../../../federation/index.ts";
import type { FederationBug } from "../../../federation/index.ts";
import type { Chance } from "../chance.ts";
import { demand } from "../violation.ts";
import type { Region } from "./region.ts";
import type { Timers } from "./region-log.ts";

const TTL_MS = 500;
const WAY_MS_MAX = 40;

/** The directory's side. */
export class HomeLease {
  #holder: string | undefined;
  #untilMs = 0;
  acknowledgedCount = 0;

  /** Whether it is the asker's from now on. */
  ask(name: string, nowMs: number): boolean {
    if (this.#holder !== name && nowMs < this.#untilMs) return false;
    this.#holder = name;
    this.#untilMs = nowMs + TTL_MS;
    return true;
  }

  onAcknowledged(name: string): void {
    this.acknowledgedCount += 1;
    demand(
      this.#holder === name,
      "home-exclusive",
      () => `${name} acknowledged a write of a home that is ${String(this.#holder)}'s`,
    );
  }
}

export interface HomeHolderInit {
  readonly region: Region;
  readonly lease: HomeLease;
  readonly queue: Timers;
  readonly chance: Chance;
  readonly planted: FederationBug | undefined;
}

/** The leader's side: another leader begins without. */
export class HomeHolder {
  readonly #init: HomeHolderInit;
  readonly #held: HeldHome;

  constructor(init: HomeHolderInit) {
    this.#init = init;
    const { planted } = init;
    this.#held = new HeldHome({ clockDriftMax: 0, ...(planted && { planted }) });
  }

  renew(): void {
    const { region, lease, queue, chance } = this.#init;
    if (region.isCutFromDirectory) return;
    const askedAtMs = this.#now;
    queue.schedule(chance.between(1, WAY_MS_MAX), "lease", () => {
      if (!lease.ask(region.name, queue.nowMs)) return;
      queue.schedule(chance.between(1, WAY_MS_MAX), "lease", () => {
        this.#held.renewed(askedAtMs, TTL_MS);
      });
    });
  }

  /** Whether a write may be proposed. */
  get takes(): boolean {
    return this.#held.takes(this.#now);
  }

  /** Committed; acknowledged if the home is its region's still. */
  onCommitted(): void {
    const { region, lease } = this.#init;
    if (this.#held.acknowledges(this.#now)) lease.onAcknowledged(region.name);
  }

  get #now(): MonotonicMs {
    return this.#init.queue.nowMs as MonotonicMs;
  }
}
