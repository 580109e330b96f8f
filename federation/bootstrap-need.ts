// Whether a region has to take another's state in the place of its own, and from whom (federation 10, 11): it lacks what
// nobody retains any more, or it has what nobody is to have. Soft state of who leads.
import { memberOf, standingOf } from "./config-standing.ts";
import type { FederationConfig, Member } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { Report } from "./exchange-message.ts";
import type { FederationBug } from "./planted.ts";
import { countOf, covers } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** What neighbours have said that they retain no more. */
export class GoneBook {
  readonly #gone = new Map<OriginId, Map<OriginId, number>>();

  /** `retainedFrom`: of `origin`, by the neighbour. */
  note(origin: OriginId, by: OriginId, retainedFrom: number): void {
    const ofOrigin = this.#gone.get(origin) ?? new Map<OriginId, number>();
    this.#gone.set(origin, ofOrigin.set(by, retainedFrom));
  }

  /** Origins of which what is next is retained by none of the neighbours that have it, and by one of them not. */
  lacked(
    applied: Vector,
    neighbours: readonly { origin: OriginId; vector: Vector }[],
  ): readonly OriginId[] {
    const lacked: OriginId[] = [];
    for (const [origin, ofOrigin] of this.#gone) {
      const next = countOf(applied, origin) + 1;
      for (const [by, from] of [...ofOrigin]) if (from <= next) ofOrigin.delete(by);
      const having = neighbours.filter(({ vector }) => countOf(vector, origin) >= next);
      if (having.length > 0 && having.every((one) => ofOrigin.has(one.origin))) lacked.push(origin);
    }
    return lacked;
  }

  /** It may have been connected anew: it is asked again. */
  forget(by: OriginId): void {
    for (const ofOrigin of this.#gone.values()) ofOrigin.delete(by);
  }
}

export interface BootstrapQuestion {
  readonly config: FederationConfig;
  readonly self: OriginId;
  /** What it has applied, without what of closed origins nobody is to have. */
  readonly standing: Vector;
  /** Origins that are lacked; none: something is to be let go. */
  readonly lacked: readonly OriginId[];
  readonly reports: readonly Report[];
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

/**
 * Live regions that have logged this one's admission and have what it lacks; first those that have all that it has, for
 * then nothing is to be applied again, and of these the one that has most.
 */
export function donorsOf(question: BootstrapQuestion): readonly Member[] {
  const { config, self, standing, lacked, reports, planted } = question;
  const own = memberOf(config, self);
  if (own === undefined) return [];
  const candidates = reports.flatMap(({ origin, epoch, vector }) => {
    const member = memberOf(config, origin);
    const isFit =
      member !== undefined &&
      origin !== self &&
      standingOf(config, member.name) === "live" &&
      (epoch >= own.admitted || planted === "snapshot-before-marker") &&
      lacked.every((one) => countOf(vector, one) > countOf(standing, one));
    if (!isFit) return [];
    const total = [...vector.values()].reduce((sum: number, count) => sum + count, 0);
    return [{ member, hasAll: covers(vector, standing), total }];
  });
  candidates.sort((left, right) => {
    if (left.hasAll !== right.hasAll) return left.hasAll ? -1 : 1;
    return right.total - left.total;
  });
  return candidates.map(({ member }) => member);
}
