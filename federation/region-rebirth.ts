// What a region's state tells of taking another's in its place and of giving its own (federation 1, 10, 11): what is staged,
// what it has that nobody is to have, what of that is kept for its operator, and which incarnations are its own.
import { hlcMs } from "../base/index.ts";
import type { Key, WallMs } from "../base/index.ts";
import { BootstrapCut } from "./bootstrap-cut.ts";
import { bootstrapFault } from "./bootstrap-fault.ts";
import type { StagedBootstrap } from "./bootstrap-staging.ts";
import { INGRESS_AHEAD_MS_MAX } from "./clock-guard.ts";
import type { Identity } from "./config.ts";
import { sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import type { Position } from "./exchange-message.ts";
import type { RegionCore } from "./region-core.ts";
import { salvageOf } from "./salvage.ts";
import type { Salvage } from "./salvage.ts";
import type { Stray } from "./strays.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** Keys at a time. */
const LOOKED_AT = 1024;

export class RegionRebirth {
  readonly #core: RegionCore;

  constructor(core: RegionCore) {
    this.#core = core;
  }

  get staged(): StagedBootstrap | undefined {
    return this.#core.bootstrap.staged;
  }

  /**
   * Why what is staged may not be installed as things stand, whatever is in it; undefined: it may. Stamps far ahead of
   * the leader's clock wait here as they do where transactions come in (federation 16, trap 15).
   */
  faultAt(wallMs: WallMs): string | undefined {
    const fault = bootstrapFault(this.#core);
    const head = this.#core.bootstrap.staged?.head;
    const { planted } = this.#core;
    if (fault !== undefined || head === undefined || planted === "hlc-poison") return fault;
    const aheadMs = hlcMs(head.hlc) - wallMs;
    return aheadMs > INGRESS_AHEAD_MS_MAX
      ? `its stamps are ${aheadMs} ms ahead of this clock, at most ${INGRESS_AHEAD_MS_MAX} are let in`
      : undefined;
  }

  /** Closed origins of which this state has what nobody is to have: it is to be replaced. */
  get strays(): readonly Stray[] {
    return this.#core.strays;
  }

  /** What others may rely on: of what strays nothing beyond the cut, and nothing that is, or may be, of another history. */
  get standing(): Vector {
    const { applied, forked } = this.#core;
    const { strays } = this;
    if (strays.length === 0) return applied;
    const standing = new Map<OriginId, Sequence>(applied);
    for (const { origin, cut, last } of strays) {
      if (last === cut || cut === 0 || forked.has(origin)) standing.delete(origin);
      else standing.set(origin, sequence(cut));
    }
    return standing;
  }

  /** The chain's hash at what stands of the origin; undefined: nobody has told of such an origin, or it is not known there. */
  chainOf(origin: OriginId): Uint8Array | undefined {
    const core = this.#core;
    const standing = countOf(this.standing, origin);
    if (standing === core.appliedOf(origin)) return core.chainOf(origin);
    return standing === 0 ? core.seedOf(origin) : undefined;
  }

  /** Where its history of each open origin ends: stated by who takes another's state. */
  get stated(): readonly Position[] {
    const core = this.#core;
    return (core.config?.members ?? []).flatMap(({ origin }): readonly Position[] => {
      const at = core.positions.get(origin);
      return at === undefined ? [] : [{ origin, ...at }];
    });
  }

  get salvage(): readonly Salvage[] {
    const { config, retained } = this.#core;
    return (config?.closed ?? []).flatMap((one) => salvageOf(retained.retention, one) ?? []);
  }

  /** A key of the prefix that is there and is not the federation's; undefined: there is none. Looks at all of them. */
  residentUnder(prefix: Key): Key | undefined {
    const { store, records } = this.#core;
    let after: Key | undefined;
    for (;;) {
      const keys = store.keysUnder(prefix, after, LOOKED_AT);
      const resident = keys.find((key) => !records.has(key));
      after = keys.at(-1);
      if (resident !== undefined || after === undefined) return resident;
    }
  }

  /** Whether this region's own log drew that incarnation. */
  drew(incarnation: Identity): boolean {
    return this.#core.drawn.includes(incarnation);
  }

  /**
   * Why this state is not for a region that was admitted in that epoch; undefined: it is. What is purged here once that is
   * logged is not purged without the newcomer (federation 11).
   */
  barTo(admitted: number): string | undefined {
    const { config, planted } = this.#core;
    const isLogged = config !== undefined && config.epoch >= admitted;
    const isEarly = !isLogged && planted !== "snapshot-before-marker";
    if (isEarly) return `epoch ${admitted} is not logged here yet`;
    return this.strays.length > 0 ? "this region's own is to be replaced" : undefined;
  }

  /** This state for another region, as it is at this call; to be released. Undefined: it is no member's. */
  cut(): BootstrapCut | undefined {
    const { config, self, clock, positions, records, conflicts, standing, store } = this.#core;
    if (config === undefined || self === undefined) return undefined;
    return new BootstrapCut({
      head: {
        federationId: config.federationId,
        epoch: config.epoch,
        donor: self.origin,
        standing,
        hlc: clock.last,
        positions: new Map(positions),
      },
      records: records.entries(),
      conflicts: {
        first: conflicts.first,
        next: conflicts.next,
        recent: conflicts.recent(conflicts.recentFrom).map(({ row }) => row),
      },
      view: store.view(),
    });
  }
}
