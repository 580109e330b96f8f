// The life of one lease as its holder and an observer saw it: all that the validators of leases look at. Times are
// of one clock, in ms.

/** Somebody asked that it live its whole time again: its grant, or a renewal. */
export interface LeaseTerm {
  readonly askedAtMs: number;
  /** Undefined: no answer came, or none that says that it lives. */
  readonly answeredAtMs: number | undefined;
}

export interface LeaseEnd {
  readonly by: "revoke" | "expire";
  /** The earliest moment known by which it was gone. */
  readonly atMs: number;
}

export interface LeaseRecord {
  readonly id: bigint;
  readonly ttlMs: number;
  /** In the order of `askedAtMs`, the grant first. */
  readonly terms: readonly LeaseTerm[];
  /** When its holder, and only he, asked for its end; undefined: never. */
  readonly revokeAskedAtMs: number | undefined;
  /** Undefined: it was never seen to be gone. */
  readonly end: LeaseEnd | undefined;
  /** How often the log renewed it, where the log is known. */
  readonly renewals?: number;
}
