// What a world has used up of its bounds: one number, so that it is one more part of the world.
import type { Bounds } from "./bounds.ts";

/** What an input used up of the bounds, whatever came of it. */
export interface Cost {
  readonly campaign?: true;
  /** The number of the value that was proposed. */
  readonly value?: number;
  readonly crash?: true;
}

/** Four bits each: the campaigns, a bit for each value, the crashes of each member. */
const BITS = 4;
const MASK = 2 ** BITS - 1;
const VALUES = BITS;
const CRASHES = 2 * BITS;

const NODES_MAX = 5;
const VALUES_MAX = BITS;
const COUNT_MAX = MASK;

/** @throws {RangeError} for what does not fit into one number */
export function checkFits({ nodes, campaigns, values, crashesEach }: Bounds): void {
  const fits = nodes <= NODES_MAX && values <= VALUES_MAX && campaigns <= COUNT_MAX;
  if (fits && crashesEach <= COUNT_MAX) return;
  throw new RangeError(
    `a search takes at most ${NODES_MAX} members, ${VALUES_MAX} values, ${COUNT_MAX} campaigns ` +
      `and ${COUNT_MAX} crashes each`,
  );
}

export function campaignsIn(spent: number): number {
  return spent & MASK;
}

/** Bit set of the values proposed. */
function valuesIn(spent: number): number {
  return (spent >> VALUES) & MASK;
}

export function isProposed(spent: number, value: number): boolean {
  return (valuesIn(spent) & (1 << value)) !== 0;
}

export function crashesIn(spent: number, at: number): number {
  return (spent >> (CRASHES + BITS * at)) & MASK;
}

function crashesOf(spent: number, nodes: number): number {
  let sum = 0;
  for (let at = 0; at < nodes; at += 1) sum += crashesIn(spent, at);
  return sum;
}

/** What is spent when member `at` has moved; undefined if it is more than there is. */
export function spentAfter(
  spent: number,
  at: number,
  { campaign, value, crash }: Cost,
  { nodes, crashes, crashesEach }: Bounds,
): number | undefined {
  if (crash && crashesIn(spent, at) >= crashesEach) return undefined;
  if (crash && crashesOf(spent, nodes) >= crashes) return undefined;
  return (
    spent +
    (campaign ? 1 : 0) +
    (value === undefined ? 0 : 1 << (VALUES + value)) +
    (crash ? 1 << (CRASHES + BITS * at) : 0)
  );
}

/** Whoever has spent `less` may do all that they may who have spent `more`; the values differ by their names. */
export function isNoMore(less: number, more: number, nodes: number): boolean {
  if (valuesIn(less) !== valuesIn(more) || campaignsIn(less) > campaignsIn(more)) return false;
  for (let at = 0; at < nodes; at += 1) {
    if (crashesIn(less, at) > crashesIn(more, at)) return false;
  }
  return true;
}
