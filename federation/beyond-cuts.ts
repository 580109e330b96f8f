// What a region has applied of closed origins beyond their cuts: nobody else is ever to have it (federation 11, trap 23).
import type { FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

export interface BeyondCut {
  readonly origin: OriginId;
  readonly cut: number;
  /** The last that is applied. */
  readonly last: number;
}

/** Origins of which this state has something that nobody is to have: it is to be replaced (federation 11, trap 23). */
export function beyondCuts({
  config,
  applied,
}: {
  readonly config: FederationConfig | undefined;
  readonly applied: Vector;
}): readonly BeyondCut[] {
  return (config?.closed ?? [])
    .map(({ origin, cut }) => ({ origin, cut, last: countOf(applied, origin) }))
    .filter(({ cut, last }) => last > cut);
}
