// Which region takes a write, by the homes of the keys that it touches (federation 12). Judged once by the member that
// a client asked, and again where the write is applied: a home may have moved meanwhile.
import type { Key } from "../base/index.ts";
import type { Compare, KeyRange, Request, RequestOp, TxnRequest } from "../store/index.ts";
import type { FederationConfig, Home, RegionName } from "./config.ts";
import { memberNamed } from "./config-standing.ts";

export type HomeRoute =
  /** `homes`: of this region, that it writes under, and that may be moved without it. */
  | { readonly to: "here"; readonly homes: readonly Home[] }
  | { readonly to: "region"; readonly region: RegionName }
  | { readonly to: "nowhere"; readonly why: string };

/** What is said of homes, and by whose word. */
export interface HomeTable {
  readonly config: FederationConfig | undefined;
  readonly homes: readonly Home[];
  homeOf(key: Key): Home | undefined;
}

interface Touch extends KeyRange {
  readonly writes: boolean;
}

const HERE: HomeRoute = { to: "here", homes: [] };

/** `here`: the region that is asked; undefined: it is not admitted, and hands on nothing. */
export function homeRoute(
  table: HomeTable,
  here: RegionName | undefined,
  request: Request,
): HomeRoute {
  if (table.homes.length === 0 || here === undefined) return HERE;
  const touches = touchesOf(request);
  const written = touches.filter(({ writes }) => writes);
  const away = written.find((touch) => {
    const home = homeAround(table, touch);
    return home?.elsewhere === "forward" && home.region !== here;
  });
  if (away === undefined) {
    const isOwn = (home: Home): boolean => home.region === here && home.elsewhere !== "advisory";
    const isWritten = (home: Home): boolean => written.some((touch) => meets(home, touch));
    return { to: "here", homes: table.homes.filter((home) => isOwn(home) && isWritten(home)) };
  }
  return awayRoute(table, away, touches, request);
}

/** Why this region does not take what another has handed on: it would act for strangers on keys of its own. */
export function handedOnFault(
  table: HomeTable,
  here: RegionName,
  request: Request,
): string | undefined {
  const stranger = touchesOf(request).find((touch) => homeAround(table, touch)?.region !== here);
  return stranger && `${named(stranger)} is not under a home of region ${here}`;
}

function awayRoute(
  table: HomeTable,
  away: Touch,
  touches: readonly Touch[],
  request: Request,
): HomeRoute {
  const region = homeAround(table, away)?.region ?? "";
  if (table.config === undefined || memberNamed(table.config, region) === undefined) {
    return nowhere(`the home of ${named(away)} is region ${region}, which is parted: move it`);
  }
  const other = touches.find((touch) => homeAround(table, touch)?.region !== region);
  if (other !== undefined) {
    const its = homeAround(table, other);
    const where = its === undefined ? "is under no home there" : `has its home in ${its.region}`;
    const what = `writes ${named(away)}, whose home is region ${region}, and touches ${named(other)}`;
    return nowhere(`the transaction ${what}, which ${where}: it has no one home`);
  }
  const fault = ownCountFault(request);
  return fault === undefined ? { to: "region", region } : nowhere(fault);
}

function nowhere(why: string): HomeRoute {
  return { to: "nowhere", why };
}

/** The home that has all keys of the range; undefined: there is none, or a part of it has another. */
function homeAround(table: HomeTable, touch: KeyRange): Home | undefined {
  const home = table.homeOf(touch.key);
  if (touch.end === undefined || home === undefined) return home;
  const stays = touch.end !== ALL_BEHIND && isWithin(touch.end, home.prefix);
  const isMixed = table.homes.some((one) => one.region !== home.region && meets(one, touch));
  return stays && !isMixed ? home : undefined;
}

/** etcd's end of everything behind a key. */
const ALL_BEHIND = "\0";

/** Whether all keys below `end` that are at least the prefix begin with it. */
function isWithin(end: Key, prefix: Key): boolean {
  return end.startsWith(prefix) || end <= behind(prefix);
}

function meets({ prefix }: Home, { key, end }: KeyRange): boolean {
  if (end === undefined) return key.startsWith(prefix);
  const isBelow = key.startsWith(prefix) || key < prefix;
  return isBelow && (end === ALL_BEHIND || end > prefix);
}

/** The least key that is above all that begin with the prefix; itself a prefix of no byte above: none is. */
function behind(prefix: Key): string {
  for (let at = prefix.length - 1; at >= 0; at -= 1) {
    const unit = prefix.charCodeAt(at);
    if (unit < 0xff) return prefix.slice(0, at) + String.fromCharCode(unit + 1);
  }
  return "\u0100";
}

function touchesOf(request: Request): readonly Touch[] {
  switch (request.kind) {
    case "put":
      return [{ key: request.put.key, writes: true }];
    case "delete-range":
      return [{ ...rangeIn(request.deleteRange), writes: true }];
    case "txn":
      return touchesIn(request.txn);
    default:
      return [];
  }
}

function touchesIn({ compare, success, failure }: TxnRequest): readonly Touch[] {
  const compared = compare.map((one): Touch => ({ ...rangeIn(one), writes: false }));
  return [...compared, ...[...success, ...failure].flatMap(touchesOfOperation)];
}

function touchesOfOperation(operation: RequestOp): readonly Touch[] {
  switch (operation.kind) {
    case "range":
      return [{ ...rangeIn(operation.range), writes: false }];
    case "put":
      return [{ key: operation.put.key, writes: true }];
    case "delete-range":
      return [{ ...rangeIn(operation.deleteRange), writes: true }];
    case "txn":
      return touchesIn(operation.txn);
  }
}

function rangeIn({ key, end }: KeyRange): KeyRange {
  return end === undefined ? { key } : { key, end };
}

/**
 * What means something else at the home: revisions and versions are each region's own count (trap 19), and so are
 * leases. Only whether there is a key is the same everywhere.
 */
function ownCountFault(request: Request): string | undefined {
  switch (request.kind) {
    case "put":
      return request.put.lease === 0n ? undefined : leased(request.put);
    case "txn":
      return ownCountFaultIn(request.txn);
    default:
      return undefined;
  }
}

function ownCountFaultIn({ compare, success, failure }: TxnRequest): string | undefined {
  const compared = compare.find(countsHere);
  if (compared !== undefined) {
    const what = `the ${compared.target} of ${named(compared)} is compared, which each region counts by itself`;
    return `${what}: compare the value, or 0 to ask whether the key is there`;
  }
  for (const operation of [...success, ...failure]) {
    const fault = ownCountFaultOf(operation);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function ownCountFaultOf(operation: RequestOp): string | undefined {
  switch (operation.kind) {
    case "put":
      return operation.put.lease === 0n ? undefined : leased(operation.put);
    case "range": {
      const { range } = operation;
      const counts = [range.revision, range.minModRevision, range.maxModRevision];
      if ([...counts, range.minCreateRevision, range.maxCreateRevision].every((one) => one === 0)) {
        return undefined;
      }
      return `${named(range)} is read by a revision, which each region counts by itself`;
    }
    case "delete-range":
      return undefined;
    case "txn":
      return ownCountFaultIn(operation.txn);
  }
}

function countsHere(compare: Compare): boolean {
  switch (compare.target) {
    case "version":
      return compare.version !== 0;
    case "create":
      return compare.createRevision !== 0;
    case "mod":
      return compare.modRevision !== 0;
    case "lease":
      return compare.lease !== 0n;
    case "value":
      return false;
  }
}

function leased({ key }: KeyRange): string {
  return `${named({ key })} is put with a lease, which is this region's own`;
}

function named({ key, end }: KeyRange): string {
  return end === undefined
    ? JSON.stringify(key)
    : `${JSON.stringify(key)} to ${JSON.stringify(end)}`;
}
