// What calls on keys ask of a federation of regions, and how far a write came. A server that is in no federation refuses
// them (`federation-refused`); etcd does not know them, and its answers say nothing of regions.
import type { hansa } from "../proto/index.ts";

/** What a write may ask of the other regions. */
export interface RegionWriteOptions {
  /**
   * Answered once so many regions, this one included, have it, or shortly before the deadline: `header.reach` says how
   * far it came. 1 waits for no other, and brings a causal token.
   */
  readonly writeRegions?: number;
}

/** What a read may ask of the other regions. */
export interface RegionReadOptions {
  /**
   * The answer has all that so many regions of the key's placement, this one included, had when they were asked;
   * `regions-not-reached` by the deadline.
   */
  readonly readRegions?: number;
  /** Of an earlier answer's header, of any region: this one has seen all that it names. Empty asks for a token alone. */
  readonly causalToken?: Uint8Array;
}

/**
 * How many regions are known to have a write. `committed-here`: fewer than were asked for. It has not failed: it is
 * durable in the region that answered, and goes on to the others.
 */
export interface RegionReach {
  readonly outcome: "reached" | "committed-here";
  readonly asked: number;
  /** The region that answered included. */
  readonly reached: number;
  /** Regions outside the key's placement were counted. */
  readonly sloppy: boolean;
  /** The names of those that have it. */
  readonly names: readonly string[];
}

export function reachOf(wire: hansa.v1.IRegions | null | undefined): RegionReach | undefined {
  if (wire === null || wire === undefined) return undefined;
  const asked = wire.asked ?? 0;
  const reached = wire.reached ?? 0;
  const outcome = reached >= asked ? "reached" : "committed-here";
  return { outcome, asked, reached, sloppy: wire.sloppy ?? false, names: wire.names ?? [] };
}

/** Whether the call waits for regions beside its own: nobody else would answer it sooner. */
export function waitsForRegions(options: RegionReadOptions & RegionWriteOptions): boolean {
  const { readRegions = 0, writeRegions = 0, causalToken } = options;
  return readRegions > 1 || writeRegions > 1 || (causalToken?.length ?? 0) > 0;
}
