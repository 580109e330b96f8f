// Conflicts as messages: which are asked for, those that are open, and the record of those that were settled.
import { bytesOf, hlcMs, keyOf } from "../base/index.ts";
import type { Hlc, Key } from "../base/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Int64 } from "../proto/index.ts";
import type { Dot } from "../federation/index.ts";
import type { KeyRange } from "../store/index.ts";
import type { Header } from "./backend.ts";
import type {
  Conflicts,
  OpenConflict,
  OpenConflicts,
  SettledConflict,
  SettledConflicts,
} from "./federated-desks.ts";
import { invalid } from "./decode.ts";
import { headed } from "./header.ts";
import { siblingsShape } from "./sibling-codec.ts";

const wire = hansa.v1;
const COUNT_MAX = 1_000;

/** Which keys, and from which number on. */
export function placeAsked(asked: {
  readonly keys?: hansa.v1.IKeyRange | null;
  readonly from: Int64;
}): { readonly range: KeyRange; readonly from: number } {
  return { range: rangeAsked(asked.keys), from: exactNumberOf(asked.from, "from") };
}

/** No key: all of them. */
export function rangeAsked(keys: hansa.v1.IKeyRange | null | undefined): KeyRange {
  const { key, range_end: end } = keys ?? {};
  if (!key || key.length === 0) return { key: "\0" as Key, end: "\0" as Key };
  return !end || end.length === 0 ? { key: keyOf(key) } : { key: keyOf(key), end: keyOf(end) };
}

/** @throws {KvError} `invalid-argument` */
export function countAsked(limit: number): number {
  if (limit > COUNT_MAX) throw invalid(`limit is ${limit}, expected ${COUNT_MAX} at most`);
  return limit === 0 ? COUNT_MAX : limit;
}

export function openBytes(header: Header, { conflicts, next }: OpenConflicts): Uint8Array {
  const message = {
    conflicts: conflicts.map(openShape),
    ...(next === undefined ? {} : { next: bytesOf(next) }),
  };
  return wire.ListOpenResponse.encode(message, headed(header)).finish(true);
}

function openShape({ key, siblings }: OpenConflict): hansa.v1.IOpenConflict {
  return { key: bytesOf(key), siblings: siblingsShape(siblings) };
}

/** What a stream tells at once. */
export interface ConflictNews {
  readonly open: readonly OpenConflict[];
  readonly settled: readonly SettledConflict[];
  readonly next: number;
  readonly oldest: number;
}

export function newsBytes(
  header: Header,
  { open, settled, next, oldest }: ConflictNews,
  names: Pick<Conflicts, "regionOf">,
): Uint8Array {
  const shown = settled.map((conflict) => settledShape(conflict, names));
  const message = { open: open.map(openShape), settled: shown, next, oldest };
  return wire.ConflictEvents.encode(message, headed(header)).finish(true);
}

/** `names`: who knows the regions. */
export function settledBytes(
  header: Header,
  { conflicts, next, oldest, more }: SettledConflicts,
  names: Pick<Conflicts, "regionOf">,
): Uint8Array {
  const shown = conflicts.map((conflict) => settledShape(conflict, names));
  const message = { conflicts: shown, next, oldest, more };
  return wire.ListSettledResponse.encode(message, headed(header)).finish(true);
}

function settledShape(
  { number, record }: SettledConflict,
  names: Pick<Conflicts, "regionOf">,
): hansa.v1.ISettledConflict {
  const { key, dot, hlc, decidedBy, kept, lost } = record;
  return {
    number,
    key: bytesOf(key),
    ...stampShape(dot, hlc, names),
    decided_by: decidedBy,
    kept: { origin: kept.origin, sequence: kept.sequence },
    lost: lost.map(({ valueBytes, value, ...one }) => ({
      ...stampShape(one.dot, one.hlc, names),
      ...(value && { value }),
      value_bytes: valueBytes,
    })),
  };
}

function stampShape(
  { origin, sequence }: Dot,
  hlc: Hlc,
  names: Pick<Conflicts, "regionOf">,
): { dot: hansa.v1.IDot; region: string; wall_ms: number } {
  return { dot: { origin, sequence }, region: names.regionOf(origin), wall_ms: hlcMs(hlc) };
}
