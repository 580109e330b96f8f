// Whether a transaction may be applied: iff it is the next of its origin and all that it depends on is applied
// (federation 4). Judged by who proposes, and again where the entry is applied, with the state of that moment: so it is
// applied exactly once whoever proposed it, and no checkpoint is kept elsewhere.
import { compareBytes } from "../base/index.ts";
import { linkOf } from "./chain.ts";
import { acceptance, closedOrigin } from "./config-standing.ts";
import type { FederationConfig } from "./config.ts";
import type { OriginId, Sequence } from "./dot.ts";
import type { FederationBug } from "./planted.ts";
import type { Shipped } from "./transaction-codec.ts";
import type { Transaction } from "./transaction.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** What decides: all of it replicated within the region. */
export interface DeliveryState {
  readonly applied: Vector;
  readonly config: FederationConfig;
  /** Under which this region mints; undefined: it has no origin. */
  readonly self: OriginId | undefined;
  /** Origins of which two histories were seen here: frozen until they are closed, with an alarm (federation 1). */
  readonly forked: ReadonlySet<OriginId>;
  /** The chain's hash at `applied`; of an origin of which nothing is applied, its seed. Undefined: unknown origin. */
  chainOf(origin: OriginId): Uint8Array | undefined;
}

/**
 * - `apply`: now.
 * - `duplicate`: it is applied. Loops and retries end here (trap 25).
 * - `held`: once `missing` is applied.
 * - `future-epoch`: once that configuration is applied.
 * - `frozen`, `paused`: not while the configuration says so. `beyond-cut`, `unknown-origin`: never.
 * - `forked`: it was minted on another history than the one applied here.
 * - `rolled-back`: this region's own, and it does not know it: its history was rolled back. It must not mint on.
 */
export type Verdict =
  | { readonly verdict: "apply" }
  | { readonly verdict: "duplicate" }
  | { readonly verdict: "held"; readonly missing: Vector }
  | { readonly verdict: "future-epoch"; readonly epoch: number }
  | { readonly verdict: "frozen" | "paused" | "beyond-cut" | "unknown-origin" }
  | { readonly verdict: "forked" }
  | { readonly verdict: "rolled-back" };

/** `planted`: a guard that the simulator takes away. */
export function judge(
  state: DeliveryState,
  { transaction, link }: Shipped,
  planted?: FederationBug,
): Verdict {
  const { origin, sequence, epoch } = transaction;
  const { applied, config } = state;
  const count = countOf(applied, origin);
  if (sequence <= count) return { verdict: "duplicate" };
  // Closed, it has one history up to its cut: the link tells whether that is the one applied here.
  const isClosed = closedOrigin(config, origin) !== undefined;
  if (state.forked.has(origin) && !isClosed) return { verdict: "forked" };
  if (epoch > config.epoch) return { verdict: "future-epoch", epoch };
  const accepted = acceptance(config, origin, sequence);
  if (accepted === "unknown") return { verdict: "unknown-origin" };
  const thaws = accepted === "frozen" && planted === "part-without-freeze";
  if (accepted !== "accepted" && !thaws) return { verdict: accepted };
  if (origin === state.self) {
    return { verdict: planted === "blind-own-origin-filter" ? "duplicate" : "rolled-back" };
  }
  const chain = state.chainOf(origin);
  if (chain === undefined) return { verdict: "unknown-origin" };
  const sameHistory = compareBytes(link, linkOf(chain)) === 0 || planted === "fork-undetected";
  if (sequence === count + 1 && !sameHistory) return { verdict: "forked" };
  const missing = missingOf(applied, transaction);
  if (planted === "drop-on-overtake") missing.delete(origin);
  return missing.size === 0 ? { verdict: "apply" } : { verdict: "held", missing };
}

/** What has to be applied before it: up to where, of each origin that lacks something. */
function missingOf(
  applied: Vector,
  { origin, sequence, deps }: Transaction,
): Map<OriginId, Sequence> {
  const missing = new Map<OriginId, Sequence>();
  for (const [other, count] of deps) if (countOf(applied, other) < count) missing.set(other, count);
  if (countOf(applied, origin) < sequence - 1) missing.set(origin, (sequence - 1) as Sequence);
  return missing;
}
