// The changes of a region's log by which it takes another's state in the place of its own (federation 10, 11): what is
// staged, installed, let go; and what they rest on, that a region knows its own incarnations.
import { compareBytes, unreachable } from "../base/index.ts";
import type { FederationAnswer, Refusal, RowSet } from "../store/index.ts";
import type { BootstrapChange } from "./bootstrap-change-codec.ts";
import { installBootstrap, needBootstrap } from "./bootstrap-install.ts";
import type { FederationChange } from "./change.ts";
import { closedOrigin } from "./config-standing.ts";
import { refusedText } from "./local-writes.ts";
import type { RegionCore } from "./region-core.ts";
import { salvageOf } from "./salvage.ts";

type Counts = Partial<FederationAnswer>;

/** Drawn and not taken up: the oldest are forgotten. */
const DRAWN_MAX = 16;

export function isBootstrapChange(change: FederationChange): change is BootstrapChange {
  const kinds: readonly string[] = ["bootstrap", "install", "unstage", "draw", "discard"];
  return kinds.includes(change.change);
}

/** Names the rows that `runBootstrapChange` reads. */
export function needBootstrapChange(core: RegionCore, change: BootstrapChange, rows: RowSet): void {
  if (change.change === "install" && installFault(core, change) === undefined) {
    needBootstrap(core, rows);
  }
}

export function runBootstrapChange(core: RegionCore, change: BootstrapChange): Counts | Refusal {
  if (change.change === "discard") return discard(core, change);
  const fault = faultOf(core, change);
  return fault === undefined ? {} : refusedText(`hansa: a region's snapshot: ${fault}`);
}

function faultOf(
  core: RegionCore,
  change: Exclude<BootstrapChange, { readonly change: "discard" }>,
): string | undefined {
  switch (change.change) {
    case "bootstrap":
      return core.config === undefined
        ? "this region is in no federation"
        : core.bootstrap.take(change.chunk, core.during.index);
    case "install":
      return installFault(core, change) ?? installBootstrap(core, core.during.rows);
    case "unstage":
      core.bootstrap.clear();
      return undefined;
    case "draw": {
      const others = core.drawn.filter((one) => one !== change.incarnation);
      core.drawn = [...others, change.incarnation].slice(-DRAWN_MAX);
      return undefined;
    }
    default:
      return unreachable(change);
  }
}

function installFault(
  core: RegionCore,
  { id, count, digest }: Extract<BootstrapChange, { readonly change: "install" }>,
): string | undefined {
  const { staged } = core.bootstrap;
  if (staged === undefined || compareBytes(staged.id, id) !== 0) return "another one is staged";
  if (staged.count !== count) return `${staged.count} chunks are staged of ${count}`;
  return compareBytes(staged.digest, digest) === 0 ? undefined : "its chunks are not what was sent";
}

/** In bounded steps. */
function discard(
  core: RegionCore,
  { origin, through }: Extract<BootstrapChange, { readonly change: "discard" }>,
): Counts | Refusal {
  const closed = core.config && closedOrigin(core.config, origin);
  if (closed === undefined) return refusedText(`hansa: origin ${origin} is not closed`);
  if (core.strays.some((one) => one.origin === origin)) {
    return refusedText(`hansa: what is kept of origin ${origin} is a part of this state still`);
  }
  const kept = salvageOf(core.retained.retention, closed);
  if (kept === undefined) return {};
  const { first, last } = kept;
  if (last > through) {
    const text = `${last - through} more of origin ${origin} are kept: they are to be exported too`;
    return refusedText(`hansa: ${text}`);
  }
  return { more: core.retained.truncate(origin, first - 1) };
}
