// What a region has applied of closed origins that nobody else is ever to have: what lies beyond their cuts, or another
// history than the one that counts (federation 1, 11, trap 23).
import { hexOf } from "../base/index.ts";
import type { ClosedOrigin, FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";

export interface Stray {
  readonly origin: OriginId;
  readonly cut: number;
  /** The last that is applied; the cut: all of it may be of another history. */
  readonly last: number;
}

/** What of a region's state this is about. */
interface Histories {
  appliedOf(origin: OriginId): number;
  chainOf(origin: OriginId): Uint8Array | undefined;
}

/** Origins of which this state has something that nobody is to have: it is to be replaced. */
export function straysOf({ closed }: FederationConfig, state: Histories): readonly Stray[] {
  return closed.flatMap((one): readonly Stray[] => {
    const { origin, cut } = one;
    const last = state.appliedOf(origin);
    const isOther = last === cut && !isCounted(one, state.chainOf(origin));
    return last > cut || isOther ? [{ origin, cut, last }] : [];
  });
}

/** Whether a chain that ends at the cut is the history that counts. */
export function isCounted({ cut, hash }: ClosedOrigin, chain: Uint8Array | undefined): boolean {
  return cut === 0 || hash === undefined || (chain !== undefined && hexOf(chain) === hash);
}
