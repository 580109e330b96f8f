// Homes as a member of a region has to do with them (federation 12): which region takes a write, writes handed on to
// that region, and those that other regions hand on to this one.
import { KvError } from "../base/index.ts";
import type { Key, MonotonicMs } from "../base/index.ts";
import {
  handedOnFault,
  homeRoute,
  mayComeLate,
  memberNamed,
  memberOf,
} from "../federation/index.ts";
import type { ExchangeHello, HomeRoute, Member, OriginId } from "../federation/index.ts";
import { HOME_LINK_LIMITS_DEFAULT, HomeLink, homeServiceTable } from "../rpc/index.ts";
import type {
  Authority,
  Call,
  CallContext,
  HandedOn,
  HomeCall,
  HomeStanding,
  Homes,
  PeerDialer,
  ServiceTable,
} from "../rpc/index.ts";
import { NOBODY } from "../store/index.ts";
import type { Request } from "../store/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { FederationHomeLeases } from "./federation-home-leases.ts";
import type { Clock } from "./ports.ts";
import type { RegionQuorums } from "./region-quorums.ts";

export interface FederationHomesInit {
  readonly state: FederatedRegion;
  readonly quorums: Pick<RegionQuorums, "beforeRead" | "token">;
  readonly dialer: PeerDialer;
  readonly secure: boolean;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Undefined: this region is no member yet. */
  readonly helloTo: (to: OriginId) => ExchangeHello | undefined;
}

/** What writes of other regions are served with. */
export interface HomeServing {
  readonly services: ServiceTable;
  readonly authority: Pick<Authority, "view">;
  readonly refusalOf: (hello: ExchangeHello, call: Call) => string | undefined;
}

/** Longest wait, behind the home's answer, for what it says to come by the exchange. */
const ARRIVAL_MS_MAX = 1_000;
/** Of all other regions together. */
const SERVED_MAX = 8_192;
/** A token alone is waited for: no key's placement counts. */
const NO_KEY = "" as Key;

/** How writes that were handed on to a region ended. */
export interface HandedOnCounts {
  taken: number;
  refused: number;
  /** Sent, and not answered. */
  unknown: number;
}

export class FederationHomes implements Homes {
  readonly #init: FederationHomesInit;
  readonly #links = new Map<string, { readonly urls: string; readonly link: HomeLink }>();
  #leases: Pick<FederationHomeLeases, "heldOf"> | undefined;
  readonly #counts = new Map<string, HandedOnCounts>();

  constructor(init: FederationHomesInit) {
    this.#init = init;
  }

  /** By region. */
  get counts(): ReadonlyMap<string, Readonly<HandedOnCounts>> {
    return this.#counts;
  }

  /** Leased homes of this region. */
  get held(): readonly { readonly prefix: string; readonly isHeld: boolean }[] {
    const { state, clock } = this.#init;
    const own = state.config.homes.filter(
      ({ lease, region }) => lease !== undefined && region === this.#here,
    );
    return own.map((home) => ({
      prefix: home.prefix,
      isHeld: this.#leases?.heldOf(home)?.takes(clock.monotonicMs()) === true,
    }));
  }

  routeOf(request: Request): HomeRoute {
    return homeRoute(this.#init.state.state.rules, this.#here, request);
  }

  /** From here on leases are held by `leases`; without any no leased home takes a write. */
  holdBy(leases: Pick<FederationHomeLeases, "heldOf">): void {
    this.#leases = leases;
  }

  standingFor(request: Request): HomeStanding | undefined {
    const { clock, state } = this.#init;
    const route = this.routeOf(request);
    const { self } = state;
    if (self === undefined || route.to !== "here" || route.homes.length === 0) return undefined;
    const { homes } = route;
    const leased = homes.filter(({ lease }) => lease !== undefined);
    const held = leased.map((home) => this.#leases?.heldOf(home));
    const isHeld = held.every((one) => one?.takes(clock.monotonicMs()) === true);
    const isLate = (): boolean =>
      homes.some((home) => mayComeLate(home, state.config, self)) ||
      !held.every((one) => one?.acknowledges(clock.monotonicMs()) === true);
    return {
      refusal: isHeld ? undefined : notHeld(),
      lateness: () => (isLate() ? late() : undefined),
    };
  }

  handOn(asked: HomeCall, context: CallContext, done: (result: HandedOn | KvError) => void): void {
    const { state, helloTo } = this.#init;
    const { region, method, request } = asked;
    const member = memberNamed(state.config, region);
    const hello = member && helloTo(member.origin);
    if (member === undefined || hello === undefined) {
      const why = `region ${region} is no member of the federation any more, or this one is not`;
      done(new KvError("home-unreachable", "not-applied", why));
      return;
    }
    const { caller } = context;
    const user = caller.kind === "user" ? caller.name : "";
    const ask = (timeoutMs: number) => ({ hello, method, request, timeoutMs, user });
    this.#linkTo(member).handOn(ask, context, (result) => {
      this.#count(region, result);
      if (result instanceof KvError) done(result);
      else this.#whenArrived(result, context, () => done(result));
    });
  }

  /** Of the peers' port. */
  served({ services, authority, refusalOf }: HomeServing): ServiceTable {
    const { state, quorums, clock } = this.#init;
    return homeServiceTable({
      ...{ services, refusalOf, openMax: SERVED_MAX },
      monotonicMs: () => clock.monotonicMs(),
      regionOf: ({ from }) => memberOf(state.config, from.origin)?.name ?? "",
      faultOf: (request) => {
        const here = this.#here;
        if (here === undefined) return "this region is not admitted to the federation yet";
        return handedOnFault(state.state.rules, here, request);
      },
      callerOf: (name) => {
        const { revision: authRevision } = authority.view;
        return name === "" ? NOBODY : { kind: "user", name, authRevision };
      },
      token: () => quorums.token(),
    });
  }

  stop(): void {
    for (const { link } of this.#links.values()) link.close();
    this.#links.clear();
  }

  get #here(): string | undefined {
    const { self, config } = this.#init.state;
    return self === undefined ? undefined : memberOf(config, self)?.name;
  }

  /** Where the region is to be found by the configuration in force. */
  #linkTo({ name, endpoints }: Member): HomeLink {
    const { secure, dialer, clock } = this.#init;
    const urls = endpoints.map((endpoint) => `${secure ? "https" : "http"}://${endpoint}`);
    const known = this.#links.get(name);
    if (known?.urls === urls.join()) return known.link;
    known?.link.close();
    const monotonicMs = (): MonotonicMs => clock.monotonicMs();
    const limits = HOME_LINK_LIMITS_DEFAULT;
    const link = new HomeLink({ region: name, urls, dialer, limits, monotonicMs });
    this.#links.set(name, { urls: urls.join(), link });
    return link;
  }

  #count(region: string, result: HandedOn | KvError): void {
    const counts = this.#counts.get(region) ?? { taken: 0, refused: 0, unknown: 0 };
    this.#counts.set(region, counts);
    if (!(result instanceof KvError)) counts.taken += 1;
    else if (result.outcome === "not-applied") counts.refused += 1;
    else counts.unknown += 1;
  }

  /** Late is not wrong: the write stands, and a causal token still finds it. */
  #whenArrived({ causalToken: token }: HandedOn, context: CallContext, done: () => void): void {
    const { quorums, clock } = this.#init;
    const latestAtMs = clock.monotonicMs() + ARRIVAL_MS_MAX;
    const deadlineAtMs = Math.min(context.deadlineAtMs, latestAtMs) as MonotonicMs;
    const { caller, signal } = context;
    quorums.beforeRead(
      { range: { key: NO_KEY }, token, readRegions: 0 },
      { deadlineAtMs, caller, signal },
      done,
    );
  }
}

function notHeld(): KvError {
  const why =
    "this member does not hold the lease of the home: the leader does, if the directory answers it";
  return new KvError("home-unreachable", "not-applied", why);
}

function late(): KvError {
  const why =
    "it is committed here; if another region has the home by now, it is nowhere shown by itself";
  return new KvError("home-late", "unknown", why);
}
