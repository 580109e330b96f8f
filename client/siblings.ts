// The writes to a federated key that no other write dominates: what else there is beside what is shown, and the context
// by which a write resolves them.
import type { hansa } from "../proto/index.ts";
import { countOf, idOf } from "./wire-value.ts";

/** A write's name: the `sequence`-th of that origin. Origins are regions' identities, and never used again. */
export interface Dot {
  readonly origin: number;
  readonly sequence: number;
}

/** One of the writes. */
export interface Sibling {
  readonly dot: Dot;
  /** Whose write it is; empty: of a region that is not known any more. */
  readonly region: string;
  /** By that region's clock, in ms since the Unix epoch. */
  readonly wallMs: number;
  /** Absent: a delete. In lists of conflicts it is cut short. */
  readonly value?: Uint8Array;
  /** Of the whole value. */
  readonly valueBytes: number;
}

/** What a region keeps of a federated key. */
export interface KeySiblings {
  /** Of the key's prefix. */
  readonly policy: string;
  /** Of the key's prefix; empty: plain values. */
  readonly kind: string;
  /** By ascending dot. Of a register, the writes that it holds. */
  readonly siblings: readonly Sibling[];
  /** For `siblingContext` of the write that resolves them. */
  readonly context: Uint8Array;
  /** Of a bounded counter: what the region that was asked may take or hand on. */
  readonly rights: bigint;
}

const NO_BYTES = new Uint8Array(0);

export function siblingsOf(
  wire: hansa.v1.IKeySiblings | null | undefined,
): KeySiblings | undefined {
  if (wire === null || wire === undefined) return undefined;
  return {
    policy: wire.policy ?? "",
    kind: wire.kind ?? "",
    siblings: (wire.siblings ?? []).map(siblingOf),
    context: wire.context ?? NO_BYTES,
    rights: idOf(wire.rights),
  };
}

export function siblingOf({
  dot,
  region,
  wall_ms,
  value,
  value_bytes,
}: hansa.v1.ISibling): Sibling {
  const common = { dot: dotOf(dot), region: region ?? "", wallMs: countOf(wall_ms) };
  const valueBytes = countOf(value_bytes);
  if (value === null || value === undefined) return { ...common, valueBytes };
  return { ...common, value, valueBytes };
}

export function dotOf(wire: hansa.v1.IDot | null | undefined): Dot {
  return { origin: wire?.origin ?? 0, sequence: countOf(wire?.sequence) };
}
