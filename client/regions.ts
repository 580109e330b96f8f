// What calls on keys ask of a federation of regions, and how far a write came. A region that is in no federation refuses
// them (`federation-refused`); etcd passes over them, which its answers show (`unimplemented`).
import { KvError } from "../base/index.ts";
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
   * The answer has all that so many regions of the key's placement, this one included if it is of them, had when they
   * were asked; `regions-not-reached` by the deadline.
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

/** What an answer's header says of regions. */
interface Heard {
  readonly causalToken?: Uint8Array;
  readonly reach?: RegionReach;
}

/** The server is one that says nothing of regions: it has not heard what was asked. @throws {KvError} `unimplemented` */
export function checkRead(
  { readRegions = 0, causalToken, siblings = false }: RegionReadOptions & { siblings?: boolean },
  answer: { readonly header: Heard; readonly siblings?: object },
): void {
  const isHeard = answer.header.causalToken !== undefined;
  if ((readRegions > 0 || causalToken !== undefined) && !isHeard) throw unknownTo("not-applied");
  if (siblings && answer.siblings === undefined) throw unknownTo("not-applied");
}

/** As `checkRead`; the write itself was made. @throws {KvError} `unimplemented`, `applied` */
export function checkWrite({ writeRegions = 0 }: RegionWriteOptions, { reach }: Heard): void {
  if (writeRegions > 0 && reach === undefined) throw unknownTo("applied");
}

function unknownTo(outcome: "applied" | "not-applied"): KvError {
  const message = "the server knows no federation of regions, and has not heard what was asked";
  return new KvError("unimplemented", outcome, message);
}
