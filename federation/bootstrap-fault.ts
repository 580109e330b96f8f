// Why a staged snapshot may not take the place of what this region kept, as things stand and whatever else is in it
// (federation 1, 10, 11): by its head alone, so that who proposes it and every member that applies it find the same.
import { compareBytes } from "../base/index.ts";
import { BOOTSTRAP_LIMITS } from "./bootstrap-part.ts";
import type { BootstrapHead, Positions } from "./bootstrap-part.ts";
import { acceptance, closedOrigin, memberOf } from "./config-standing.ts";
import type { FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";
import { mayBeOther } from "./other-histories.ts";
import type { RegionCore } from "./region-core.ts";
import type { Applied } from "./region-rows.ts";
import { isCounted } from "./strays.ts";

/** A run of one origin's retained transactions. */
export interface Run {
  readonly origin: OriginId;
  readonly from: number;
  readonly last: number;
}

/** Undefined: it may be installed. */
export function bootstrapFault(core: RegionCore): string | undefined {
  const head = core.bootstrap.staged?.head;
  const { config, self } = core;
  if (head === undefined || config === undefined) return "no snapshot is staged";
  if (head.federationId !== config.federationId) return `it is of federation ${head.federationId}`;
  if (head.epoch > config.epoch) return `it is of epoch ${head.epoch}, which is not known here`;
  const member = self && memberOf(config, self.origin);
  if (member === undefined) return "this region is no member";
  const isAfterMarker = head.epoch >= member.admitted || core.planted === "snapshot-before-marker";
  if (!isAfterMarker)
    return `it was taken before epoch ${member.admitted}, which admitted this region`;
  const origins = new Set([...head.positions.keys(), ...config.closed.map(({ origin }) => origin)]);
  for (const origin of origins) {
    const theirs = head.positions.get(origin);
    const fault =
      positionFault(core, config, origin, theirs?.sequence ?? 0) ??
      historyFault(core, config, origin, theirs);
    if (fault !== undefined) return fault;
  }
  return runsFault(core, head);
}

function positionFault(
  core: RegionCore,
  config: FederationConfig,
  origin: OriginId,
  at: number,
): string | undefined {
  const isMore = at > core.appliedOf(origin);
  if (isMore && core.self?.origin === origin) {
    return `it has transaction ${origin}:${at} of this region, which minted less`;
  }
  switch (acceptance(config, origin, at)) {
    case "unknown":
      return `origin ${origin} is not known here`;
    case "beyond-cut":
      return `it has ${origin}:${at}, beyond that origin's cut`;
    case "frozen":
      // What is here of a frozen origin has been told, perhaps; who is to be replaced tells after it was.
      return isMore && core.strays.length === 0
        ? `it has ${origin}:${at}, and that origin is frozen`
        : undefined;
    default:
      return undefined;
  }
}

/**
 * Of an open origin with two histories none counts yet: where this state is replaced, what it has of the other is gone
 * before anybody has learned of it. Further positions are compared by what is replayed. Of a closed one, nothing can be
 * applied on top of a part of another history than the one that counts.
 */
function historyFault(
  core: RegionCore,
  config: FederationConfig,
  origin: OriginId,
  theirs: Applied | undefined,
): string | undefined {
  const closed = closedOrigin(config, origin);
  if (closed === undefined) {
    const chain = core.chainOf(origin);
    const isSamePlace = theirs?.sequence === core.appliedOf(origin);
    if (!isSamePlace || chain === undefined || core.planted === "fork-undetected") return undefined;
    return compareBytes(chain, theirs.hash) === 0
      ? undefined
      : `it has another history of origin ${origin} than this region`;
  }
  const isWhole = (theirs?.sequence ?? 0) === closed.cut;
  if (isWhole) {
    return isCounted(closed, theirs?.hash)
      ? undefined
      : `its history of origin ${origin} is not the one that counts`;
  }
  return mayBeOther(core, closed)
    ? `it has not all of origin ${origin} up to its cut, of which there are two histories`
    : undefined;
}

function runsFault(core: RegionCore, head: BootstrapHead): string | undefined {
  let bytes = 0;
  for (const { origin, from, last } of runsBeyond(core, head.positions)) {
    const { retention } = core.retained;
    const first = retention.firstOf(origin);
    if (first === undefined || first > from) {
      return `it lacks ${origin}:${from}, which is applied here and retained no more`;
    }
    bytes += retention.bytesBetween(origin, from, last);
  }
  const most = BOOTSTRAP_LIMITS.replayBytesMax;
  return bytes > most
    ? `${bytes} bytes are applied here beyond it, expected at most ${most}`
    : undefined;
}

/** What is applied here, may be, and is not in a state at `positions`. */
export function runsBeyond(core: RegionCore, positions: Positions): readonly Run[] {
  const { config, self, planted } = core;
  const runs: Run[] = [];
  for (const [origin, applied] of core.applied) {
    if (origin === self?.origin && planted === "rebootstrap-drops-own-suffix") continue;
    const from = (positions.get(origin)?.sequence ?? 0) + 1;
    const last = Math.min(applied, (config && closedOrigin(config, origin)?.cut) ?? applied);
    if (from <= last) runs.push({ origin, from, last });
  }
  return runs;
}
