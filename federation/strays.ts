// What a region has applied of closed origins that nobody else is ever to have: what lies beyond their cuts, or another
// history than the one that counts (federation 1, 11, trap 23).
import { hexOf } from "../base/index.ts";
import type { ClosedOrigin, FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

export interface Stray {
  readonly origin: OriginId;
  readonly cut: number;
  /** The last that is applied; the cut: all of it may be of another history. */
  readonly last: number;
}

/** Origins of which this state has something that nobody is to have: it is to be replaced. */
export function straysOf({
  config,
  applied,
  chainOf,
}: {
  readonly config: FederationConfig;
  readonly applied: Vector;
  readonly chainOf: (origin: OriginId) => Uint8Array | undefined;
}): readonly Stray[] {
  return config.closed.flatMap((closed): readonly Stray[] => {
    const { origin, cut } = closed;
    const last = countOf(applied, origin);
    const isOther = cut > 0 && last === cut && !isCounted(closed, chainOf(origin));
    const isStray = last > cut || isOther;
    return isStray ? [{ origin, cut, last }] : [];
  });
}

/** Whether a chain that ends at the cut is the history that counts. */
export function isCounted({ cut, hash }: ClosedOrigin, chain: Uint8Array | undefined): boolean {
  return cut === 0 || hash === undefined || (chain !== undefined && hexOf(chain) === hash);
}
