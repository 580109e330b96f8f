// From which neighbour each origin is pulled: from its own region where there is a way to it, else from whoever has
// most of it. Pulled from one at a time, so that a mesh does not carry everything twice; a way that stalls or ends
// is bypassed (federation 4).
import type { FederationConfig } from "./config.ts";
import type { OriginId } from "./dot.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** A neighbour that is connected. */
export interface Way {
  /** Of the region at the other end. */
  readonly neighbour: OriginId;
  /** What it has, by its own last word. */
  readonly vector: Vector;
  /** Whether it has told that it cannot serve what is next of the origin. */
  readonly refused: (origin: OriginId) => boolean;
}

export interface Route {
  readonly neighbour: OriginId;
  /** Since when it has brought nothing of what somebody has more; undefined: it is not behind. */
  readonly behindSinceMs: number | undefined;
  /** It has stalled, and nobody else has as much: it is asked anew. */
  readonly again: boolean;
  /** Since nothing was lacked. All ways may be slow: each stall doubles the patience with the next way. */
  readonly stalls: number;
}

/** What doubles the patience at the most. */
const STALLS_MAX = 3;

export type Routes = ReadonlyMap<OriginId, Route>;

export interface RouteQuestion {
  readonly ways: readonly Way[];
  readonly origins: readonly OriginId[];
  readonly before: Routes;
  readonly applied: Vector;
  /** What is next has come, and waits for something else: the way is not at fault. */
  readonly isHeld: (origin: OriginId) => boolean;
  /** Something was applied since the routes were judged before. */
  readonly progressed: (origin: OriginId) => boolean;
  readonly nowMs: number;
  readonly stallMs: number;
}

/** Each origin's route from here on; an origin that nobody can serve has none. */
export function routesOf(question: RouteQuestion): Routes {
  const routes = new Map<OriginId, Route>();
  for (const origin of question.origins) {
    const route = routeOf(question, origin);
    if (route !== undefined) routes.set(origin, route);
  }
  return routes;
}

function routeOf(question: RouteQuestion, origin: OriginId): Route | undefined {
  const able = question.ways.filter(({ refused }) => !refused(origin));
  const best = bestOf(able, origin);
  if (best === undefined) return undefined;
  const most = countOf(best.vector, origin);
  const before = question.before.get(origin);
  const current = able.find(({ neighbour }) => neighbour === before?.neighbour);
  const direct = able.find(({ neighbour }) => neighbour === origin);
  // Its own region has all of it: what another has more is a word that has not come yet.
  if (current === undefined || before === undefined) {
    return fresh((direct ?? best).neighbour, before?.stalls);
  }
  const { stalls } = before;
  if (direct !== undefined && current !== direct && countOf(direct.vector, origin) >= most) {
    return fresh(direct.neighbour, stalls);
  }
  if (most <= countOf(question.applied, origin)) return fresh(current.neighbour);
  if (question.isHeld(origin) || question.progressed(origin)) {
    return fresh(current.neighbour, stalls);
  }
  const behindSinceMs = before.behindSinceMs ?? question.nowMs;
  if (question.nowMs - behindSinceMs < question.stallMs * 2 ** stalls) {
    return { ...before, behindSinceMs, again: false };
  }
  const others = able.filter((way) => way !== current && countOf(way.vector, origin) === most);
  const other = bestOf(others, origin);
  const next = fresh((other ?? current).neighbour, Math.min(stalls + 1, STALLS_MAX));
  return { ...next, again: other === undefined };
}

function fresh(neighbour: OriginId, stalls = 0): Route {
  return { neighbour, behindSinceMs: undefined, again: false, stalls };
}

/** The one that has most; of equals the lowest. */
function bestOf(ways: readonly Way[], origin: OriginId): Way | undefined {
  let best: Way | undefined;
  for (const way of ways) {
    const has = countOf(way.vector, origin);
    const most = best === undefined ? -1 : countOf(best.vector, origin);
    if (has > most || (has === most && best !== undefined && way.neighbour < best.neighbour)) {
      best = way;
    }
  }
  return best;
}

/** The origins that may have something for this region: members', and closed ones up to their cuts. */
export function originsOf(
  { members, closed }: FederationConfig,
  self: OriginId | undefined,
  applied: (origin: OriginId) => number,
): readonly OriginId[] {
  const open = members.map(({ origin }) => origin).filter((origin) => origin !== self);
  const due = closed.filter(({ origin, cut }) => applied(origin) < cut);
  return [...open, ...due.map(({ origin }) => origin)].sort((left, right) => left - right);
}
