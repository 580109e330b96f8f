// A region's pulling, as its leader does it: a stream to each neighbour, each origin by one of them, what comes into
// the holding, and what is ready of it into one entry of the region's log at a time (federation 4). Messages and the
// ends of proposals in, effects out; whoever begins to lead begins with nothing but the applied state.
import type { WallMs } from "../base/index.ts";
import { chainNext } from "./chain.ts";
import type { Hash } from "./chain.ts";
import { ingressGuard } from "./clock-guard.ts";
import type { IngressGuard } from "./clock-guard.ts";
import { closedOrigin, memberOf } from "./config-standing.ts";
import type { DeliveryState } from "./delivery.ts";
import type { OriginId } from "./dot.ts";
import { LagBook } from "./exchange-lag.ts";
import type { OriginLag } from "./exchange-lag.ts";
import type { ExchangeLimits } from "./exchange-limits.ts";
import type {
  Batch,
  ConfigNews,
  ExchangeHello,
  Part,
  Position,
  Report,
  ServeMessage,
} from "./exchange-message.ts";
import { ComingParts } from "./exchange-parts.ts";
import { ExchangeProposals } from "./exchange-proposals.ts";
import { ExchangePulling, readAs } from "./exchange-pulling.ts";
import type { ReportBook } from "./exchange-reports.ts";
import { originsOf, routesOf } from "./exchange-routes.ts";
import { tellEarly } from "./planted-acts.ts";
import type { FederationBug } from "./planted.ts";
import type { Routes, Way } from "./exchange-routes.ts";
import { Holding } from "./holding.ts";
import type { PullEffect } from "./pull-effect.ts";
import type { Staging } from "./staging.ts";
import { VECTOR_ZERO, countOf } from "./vector.ts";

const NONE: ReadonlySet<OriginId> = new Set();

interface Link {
  readonly pulling: ExchangePulling;
  readonly parts: ComingParts;
  /** By its own word, from which number on it can serve an origin; Infinity: its history of it is another one. */
  readonly servesFrom: Map<OriginId, number>;
  /** Of the configuration that it has, as far as is known here. */
  epoch: number;
  statedAtMs: number;
}

export interface PullingState extends DeliveryState {
  readonly document: ConfigNews;
  /** The large transaction that the region's log is taking in. */
  readonly staged: Staging["staged"];
}

export interface PullerInit {
  /** The applied state, as of the moment it is asked. */
  readonly state: () => PullingState;
  /** This region's clock: stamps far ahead of it wait (federation 16). */
  readonly wallMs: () => WallMs;
  readonly reports: ReportBook;
  readonly limits: ExchangeLimits;
  readonly hash: Hash;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

export class ExchangePuller {
  readonly #init: PullerInit;
  readonly holding: Holding;
  /** As of the last look at stamps. */
  #guard: IngressGuard | undefined;
  readonly #links = new Map<OriginId, Link>();
  readonly #lags = new LagBook();
  #routes: Routes = new Map();
  /** Of each origin, what was applied when the routes were judged last. */
  #judgedAt = new Map<OriginId, number>();
  /** What of the state the routes were judged by. */
  #judgedBy: { readonly epoch: number; readonly forked: number } | undefined;
  /** Of which a part has come since then. */
  readonly #coming = new Set<OriginId>();
  /** Let go for want of room, or stalled: to be asked for again when it is time. */
  #afresh = new Set<OriginId>();
  /** Two histories were seen here under the document of that epoch: not pulled while it is in force. */
  readonly #forked = new Map<OriginId, number>();
  /** Of the document under which neighbours have said what they cannot serve. */
  #refusedIn = 0;
  readonly #proposals: ExchangeProposals;
  /** The epoch that is being proposed; 0: none. */
  #configuring = 0;

  constructor(init: PullerInit) {
    this.#init = init;
    this.holding = new Holding({
      admits: (transaction) => this.#guard?.admits(transaction) ?? true,
    });
    this.#proposals = new ExchangeProposals({ ...init, holding: this.holding });
  }

  /** A stream is greeted on both sides. */
  onOpened(neighbour: OriginId, hello: ExchangeHello, nowMs: number): readonly PullEffect[] {
    const next = (before: Uint8Array, bytes: Uint8Array): Uint8Array =>
      chainNext(this.#init.hash, before, bytes);
    const pulling = new ExchangePulling(next, this.#init.planted);
    const { epoch } = hello;
    const parts = new ComingParts();
    const servesFrom = new Map<OriginId, number>();
    this.#links.set(neighbour, { pulling, parts, servesFrom, epoch, statedAtMs: -Infinity });
    return [...this.#tellConfig(), ...this.#route(nowMs)];
  }

  onClosed(neighbour: OriginId, nowMs: number): readonly PullEffect[] {
    this.#links.delete(neighbour);
    return this.#route(nowMs);
  }

  onMessage(from: OriginId, message: ServeMessage, nowMs: number): readonly PullEffect[] {
    const link = this.#links.get(from);
    if (link === undefined) return [];
    switch (message.kind) {
      case "hello":
        return [{ kind: "give-up", to: from, reason: "a second hello" }];
      case "batch":
        return this.#onBatch(from, link, message.batch, nowMs);
      case "reports":
        return this.#onReports(message.reports, nowMs);
      case "part":
        return this.#onPart(from, link, message.part, nowMs);
      case "clock":
      case "compared":
        return [];
      case "answer":
        return message.report === undefined ? [] : this.#onReports([message.report], nowMs);
      case "config":
        link.epoch = Math.max(link.epoch, message.config.epoch);
        return this.#onConfig(message.config);
      case "gone": {
        const { origin, retainedFrom } = message;
        link.servesFrom.set(origin, retainedFrom);
        return [{ kind: "gone", origin, retainedFrom, by: from }, ...this.#route(nowMs)];
      }
      case "forked": {
        const { origin, sequence } = message.theirs;
        link.servesFrom.set(origin, Infinity);
        return this.#onFork(origin, sequence, from, nowMs);
      }
    }
  }

  /** The applied state has moved: transactions, or the configuration. */
  onNews(nowMs: number): readonly PullEffect[] {
    const { applied, config } = this.#init.state();
    this.holding.settle(applied);
    this.holding.cut(config.closed);
    this.#lags.onApplied(applied);
    const stated = this.#mayRouteAnew() ? this.#route(nowMs) : this.#state(nowMs);
    return [...this.#tellConfig(), ...stated, ...this.#propose(nowMs)];
  }

  /** An entry that was asked for has ended, applied or not; `onNews` has come before if it was. In whatever order. */
  onProposed(appliedCount: number, nowMs: number): readonly PullEffect[] {
    this.#proposals.onEnded(appliedCount, nowMs);
    return this.#propose(nowMs);
  }

  /** Another state took the place of the region's: what neighbours had refused is asked for once more. */
  onReplaced(nowMs: number): readonly PullEffect[] {
    for (const { servesFrom } of this.#links.values()) servesFrom.clear();
    return this.#route(nowMs);
  }

  onConfigured(): void {
    this.#configuring = 0;
  }

  /** To be called every few hundred milliseconds: stalled ways, and what is to be stated again. */
  onTime(nowMs: number): readonly PullEffect[] {
    const afresh = this.#afresh;
    this.#afresh = new Set();
    return [...this.#route(nowMs, afresh), ...this.#propose(nowMs)];
  }

  lags(nowMs: number): readonly OriginLag[] {
    return this.#lags.list(this.#init.state().applied, nowMs);
  }

  /** By which neighbour each origin is pulled. */
  get routes(): Routes {
    return this.#routes;
  }

  #onPart(from: OriginId, link: Link, part: Part, nowMs: number): readonly PullEffect[] {
    const batch = link.parts.take(part);
    if (typeof batch === "string") return [{ kind: "give-up", to: from, reason: batch }];
    this.#coming.add(part.origin);
    return batch === undefined ? [] : this.#onBatch(from, link, batch, nowMs);
  }

  #onBatch(from: OriginId, link: Link, batch: Batch, nowMs: number): readonly PullEffect[] {
    const received = link.pulling.onBatch(batch);
    if (!received.ok) {
      link.servesFrom.set(batch.origin, Infinity);
      return this.#onFork(batch.origin, received.ours.sequence, from, nowMs);
    }
    const { holding } = this;
    const { applied, config } = this.#init.state();
    for (const { origin, sequence, bytes } of received.arrivals) {
      const shipped = readAs(bytes, origin, sequence);
      if (typeof shipped === "string") return [{ kind: "give-up", to: from, reason: shipped }];
      if (holding.offer(shipped, applied) === "full") this.#afresh.add(origin);
    }
    holding.cut(config.closed);
    return [...this.#propose(nowMs), ...this.#state(nowMs)];
  }

  #onReports(reports: readonly Report[], nowMs: number): readonly PullEffect[] {
    const { state } = this.#init;
    const { applied, config, self } = state();
    const effects: PullEffect[] = [];
    let news = false;
    for (const report of reports) {
      if (memberOf(config, report.origin) === undefined) continue;
      const sequence = self === undefined ? 0 : countOf(report.vector, self);
      // Its own word, of before it was rolled back, tells as well as another's.
      if (self !== undefined && sequence > countOf(applied, self)) {
        effects.push({ kind: "rolled-back", sequence, by: report.origin });
      }
      if (report.origin === self || !this.#init.reports.note(report)) continue;
      news = true;
      this.#lags.onHeard(report.vector, applied, nowMs);
    }
    return news && this.#mayRouteAnew() ? [...effects, ...this.#route(nowMs)] : effects;
  }

  /**
   * Of a history that differs nothing more is taken under this document; the log makes it known to the region. Of a
   * closed origin one history counts: others may have that one, and where none can go on from here, this region's is not it.
   */
  #onFork(origin: OriginId, sequence: number, by: OriginId, nowMs: number): readonly PullEffect[] {
    const { config } = this.#init.state();
    const forked: PullEffect = { kind: "forked", origin, sequence, by };
    const closed = closedOrigin(config, origin);
    if (closed === undefined) this.#forked.set(origin, config.epoch);
    const effects = [forked, ...this.#route(nowMs)];
    if (closed === undefined) return effects;
    return [...effects, { kind: "gone", origin, retainedFrom: closed.cut + 1, by }];
  }

  #onConfig(config: ConfigNews): readonly PullEffect[] {
    const { epoch } = this.#init.state().config;
    if (config.epoch <= Math.max(epoch, this.#configuring)) return [];
    this.#configuring = config.epoch;
    return [{ kind: "configure", config }];
  }

  /** To whoever has an older one. */
  #tellConfig(): readonly PullEffect[] {
    const { document } = this.#init.state();
    const effects: PullEffect[] = [];
    for (const [to, link] of this.#links) {
      if (link.epoch >= document.epoch) continue;
      link.epoch = document.epoch;
      effects.push({ kind: "send", to, message: { kind: "config", config: document } });
    }
    return effects;
  }

  /**
   * What is applied, here or elsewhere, moves an origin to another way at once only where a neighbour cannot serve it from
   * its beginning; else it is seen when the routes are judged next, in time for a way that stalls.
   */
  #mayRouteAnew(): boolean {
    const { config, forked } = this.#init.state();
    const { epoch } = config;
    if (this.#judgedBy?.epoch !== epoch || this.#judgedBy.forked !== forked.size) return true;
    for (const { servesFrom } of this.#links.values()) if (servesFrom.size > 0) return true;
    return false;
  }

  #route(nowMs: number, afresh: ReadonlySet<OriginId> = NONE): readonly PullEffect[] {
    const { holding } = this;
    const { state, reports, limits } = this.#init;
    const { applied, config, self, forked } = state();
    this.#askAgain(config.epoch);
    const ways: Way[] = [...this.#links].map(([neighbour, { servesFrom }]) => {
      const vector = reports.of(neighbour)?.vector ?? VECTOR_ZERO;
      const refused = (origin: OriginId): boolean =>
        (servesFrom.get(origin) ?? 0) > countOf(applied, origin) + 1;
      return { neighbour, vector, refused };
    });
    const origins = originsOf(config, self, (origin) => countOf(applied, origin)).filter(
      (origin) =>
        this.#forked.get(origin) !== config.epoch &&
        (!forked.has(origin) || closedOrigin(config, origin) !== undefined),
    );
    const heads = new Set(holding.heads(applied).map(({ origin }) => origin));
    this.#routes = routesOf({
      ...{ ways, origins, applied, nowMs },
      before: this.#routes,
      isHeld: (origin) => heads.has(origin),
      progressed: (origin) =>
        this.#coming.has(origin) || countOf(applied, origin) > (this.#judgedAt.get(origin) ?? 0),
      stallMs: limits.stallMs,
    });
    this.#judgedAt = new Map(applied);
    this.#judgedBy = { epoch: config.epoch, forked: forked.size };
    this.#coming.clear();
    for (const [origin, { again }] of this.#routes) if (again) this.#afresh.add(origin);
    return this.#state(nowMs, afresh);
  }

  /** A new document may have closed an origin, and then one history of it counts: who refused it is asked once more. */
  #askAgain(epoch: number): void {
    if (epoch === this.#refusedIn) return;
    this.#refusedIn = epoch;
    for (const { servesFrom } of this.#links.values()) servesFrom.clear();
  }

  /**
   * States to each neighbour what is wanted of it, where that has changed enough to be worth a message. `afresh`: of
   * routes that were just judged, the origins to be asked for again; absent: routes are as they were.
   */
  #state(nowMs: number, afresh?: ReadonlySet<OriginId>): readonly PullEffect[] {
    const { limits, state } = this.#init;
    const { applied } = state();
    const again = afresh ?? NONE;
    const effects: PullEffect[] = [];
    for (const [to, link] of this.#links) {
      const isDue =
        nowMs - link.statedAtMs >= limits.heartbeatMs ||
        link.pulling.takenBytes(applied) >= limits.windowBytes / 4;
      if (!isDue && afresh === undefined) continue;
      const positions = this.#positionsAt(to);
      if (!isDue && !link.pulling.asksFor(positions, again)) continue;
      const messages = link.pulling.want(positions, again);
      if (messages.length > 0) link.statedAtMs = nowMs;
      effects.push(...messages.map((message) => ({ kind: "send" as const, to, message })));
    }
    return effects;
  }

  /** Of the origins that are pulled from that neighbour. */
  #positionsAt(neighbour: OriginId): readonly Position[] {
    const state = this.#init.state();
    const positions: Position[] = [];
    for (const [origin, route] of this.#routes) {
      const hash = route.neighbour === neighbour ? state.chainOf(origin) : undefined;
      if (hash !== undefined)
        positions.push({ origin, sequence: countOf(state.applied, origin), hash });
    }
    return positions;
  }

  #propose(nowMs: number): readonly PullEffect[] {
    if (this.holding.isEmpty || !this.#proposals.isOpen(nowMs)) return [];
    const effects = this.#lookAtStamps();
    for (;;) {
      const entry = this.#proposals.next(nowMs);
      if (entry === undefined) return effects;
      effects.push(entry);
      const isEarly = this.#init.planted === "ack-counted-before-quorum" && entry.kind === "apply";
      if (isEarly) tellEarly(this.#init, entry.transactions);
    }
  }

  /** From the first stamp that is far ahead on, its origin's transactions wait, and what depends on them. */
  #lookAtStamps(): PullEffect[] {
    const { wallMs, state, reports, planted } = this.#init;
    const { applied, self } = state();
    const others = new Map(
      reports
        .all()
        .flatMap(({ origin, vector }) => (origin === self ? [] : [[origin, vector] as const])),
    );
    const heads = this.holding.heads(applied);
    this.#guard = ingressGuard({ now: wallMs, heads, others, ...(planted && { planted }) });
    const effects: PullEffect[] = [...this.#guard.ahead].map(([origin, aheadMs]) => {
      return { kind: "ahead", origin, aheadMs };
    });
    return this.#guard.suspectsOwnClock ? [...effects, { kind: "clock-behind" }] : effects;
  }
}
