// The leader's pulling: a link to each neighbour of the topology in force, what the puller makes of their messages, and
// its entries in the region's log. It begins with the applied state when this member begins to lead, and is dropped
// whole when it no longer does.
import { hlcMs } from "../base/index.ts";
import type { Buckets, MonotonicMs, Random, WallMs } from "../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangePuller,
  VECTOR_ZERO,
  aheadMsOf,
  greetingFault,
  neighbourMembers,
} from "../federation/index.ts";
import type {
  ConfigNews,
  ExchangeHello,
  FederationChange,
  FederationConfig,
  Hash,
  Holding,
  Member,
  OriginId,
  OriginLag,
  PullEffect,
  PullingState,
  Shipped,
  ReportBook,
  Vector,
} from "../federation/index.ts";
import { REGION_LINK_LIMITS_DEFAULT, RegionLink } from "../rpc/index.ts";
import type { PeerDialer } from "../rpc/index.ts";
import type { Clock, Journal } from "./ports.ts";
import { RegionQuestions } from "./region-questions.ts";

/** Stalled ways are looked at, and what is taken is stated, at least this often. */
const TIME_MS = 500;

/** Of the change: how many transactions it applied; undefined: it was refused, or its fate is not known. */
export type ProposeChange = (
  change: FederationChange,
  done: (appliedCount: number | undefined) => void,
) => void;

export interface FederationPullingInit {
  readonly self: OriginId;
  /** The applied state, as of the moment of the call. */
  readonly state: PullingState;
  readonly reports: ReportBook;
  readonly hash: Hash;
  readonly helloTo: (to: OriginId) => ExchangeHello | undefined;
  readonly dialer: PeerDialer;
  /** Regions are reached by `https://`. */
  readonly secure: boolean;
  readonly random: Random;
  readonly propose: ProposeChange;
  /** A newer document came with a stream: `done` once it is applied, or is not. */
  readonly configure: (config: ConfigNews, done: () => void) => void;
  /** By how many milliseconds another region's clock is ahead of this one. */
  readonly onClock: (of: OriginId, aheadMs: number) => void;
  /** A neighbour retains no more what is lacked here. */
  readonly onGone: (gone: Extract<PullEffect, { readonly kind: "gone" }>) => void;
  /** A neighbour is not reached any more. */
  readonly onLost: (neighbour: OriginId) => void;
  /** Reports have come: who serves has something to relay. */
  readonly onReports: () => void;
  readonly clock: Clock;
  /** Seconds from a transaction's stamp until it is applied here. */
  readonly arrivals: Buckets;
  readonly journal: Journal;
}

interface Neighbour {
  readonly link: RegionLink;
  readonly urls: string;
  /** When another of its members is tried, because the one that serves does not lead; undefined: it does. */
  seekAtMs: number | undefined;
  /** How often in a row one was reached that does not lead. */
  seeks: number;
}

/** A member that does not lead serves all but what other regions report: first for so long, then twice, and so on. */
const SEEK_MS_MIN = 1_000;
const SEEK_MS_MAX = 60_000;

export class FederationPulling {
  readonly #init: FederationPullingInit;
  readonly #puller: ExchangePuller;
  readonly #neighbours = new Map<OriginId, Neighbour>();
  readonly #timer: NodeJS.Timeout;
  /** What was told of, so that it is told once. */
  readonly #told = new Set<string>();
  /** What the neighbours are asked. */
  readonly questions: RegionQuestions;
  #stopped = false;
  /** The document by which there is a link to each neighbour. */
  #connectedBy: FederationConfig | undefined;

  constructor(init: FederationPullingInit) {
    this.#init = init;
    const { hash, state, reports } = init;
    const limits = EXCHANGE_LIMITS_DEFAULT;
    const wallMs = (): WallMs => init.clock.wallMs();
    const parts = { state: () => state, reports, wallMs, limits, hash };
    this.#puller = new ExchangePuller(parts);
    this.questions = new RegionQuestions({
      self: init.self,
      config: () => state.config,
      open: () => this.#open,
      send: (to, message) => this.#neighbours.get(to)?.link.send(message),
    });
    this.#timer = setInterval(() => this.#onTime(), TIME_MS);
    this.#connect();
  }

  /** The applied state has moved, or the configuration. */
  onNews(): void {
    this.#connect();
    this.#act(this.#puller.onNews(this.#now()));
  }

  /** Another state took the place of the region's. */
  onReplaced(): void {
    this.#act(this.#puller.onReplaced(this.#now()));
  }

  /** A neighbour has begun to pull here, so it is there again. */
  onPulled(by: OriginId): void {
    this.#neighbours.get(by)?.link.hurry();
  }

  /** What it has, by its own last word; undefined: it is not reached. */
  reportOf(of: OriginId): Vector | undefined {
    const isOpen = this.#neighbours.get(of)?.link.isOpen === true;
    return isOpen ? (this.#init.reports.of(of)?.vector ?? VECTOR_ZERO) : undefined;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.questions.stop();
    for (const { link } of this.#neighbours.values()) link.close();
    this.#neighbours.clear();
  }

  get lags(): readonly OriginLag[] {
    return this.#puller.lags(this.#now());
  }

  get holding(): Holding {
    return this.#puller.holding;
  }

  get #open(): ReadonlySet<OriginId> {
    return new Set([...this.links].flatMap(([origin, isOpen]) => (isOpen ? [origin] : [])));
  }

  /** The neighbours, and whether there is a way to them. */
  get links(): ReadonlyMap<OriginId, boolean> {
    return new Map([...this.#neighbours].map(([origin, { link }]) => [origin, link.isOpen]));
  }

  #onTime(): void {
    const askedAtMs = this.#init.clock.wallMs();
    for (const { link } of this.#neighbours.values()) link.send({ kind: "clock", askedAtMs });
    this.#seekLeaders();
    this.#act(this.#puller.onTime(this.#now()));
  }

  #now(): MonotonicMs {
    return this.#init.clock.monotonicMs();
  }

  /** A link to each neighbour of the topology in force, where it is to be found by the configuration. */
  #connect(): void {
    const { self, state } = this.#init;
    const { config } = state;
    if (config === this.#connectedBy) return;
    this.#connectedBy = config;
    const members = neighbourMembers(config, self);
    for (const [origin, { link, urls }] of [...this.#neighbours]) {
      const member = members.find((one) => one.origin === origin);
      if (member !== undefined && this.#urlsOf(member).join() === urls) continue;
      link.close();
      this.#neighbours.delete(origin);
      this.#closed(origin);
    }
    for (const member of members) if (!this.#neighbours.has(member.origin)) this.#dial(member);
  }

  #urlsOf({ endpoints }: Member): readonly string[] {
    const scheme = this.#init.secure ? "https" : "http";
    return endpoints.map((endpoint) => `${scheme}://${endpoint}`);
  }

  #dial(member: Member): void {
    const { self, dialer, random, helloTo, journal, state } = this.#init;
    const { origin, name } = member;
    const urls = this.#urlsOf(member);
    const about = { region: name, origin };
    const link = new RegionLink({
      ...{ urls, dialer, random, limits: REGION_LINK_LIMITS_DEFAULT },
      hello: () => helloTo(origin),
      onHello: (hello) => {
        const other = hello.from.origin === origin ? undefined : `origin ${hello.from.origin}`;
        const fault = other ?? greetingFault(hello, state.config, self);
        if (fault !== undefined) return fault;
        journal.info("region connected", { ...about, leads: hello.leads });
        this.#noteLead(neighbour, hello.leads, urls.length);
        this.#act(this.#puller.onOpened(origin, hello, this.#now()));
        return undefined;
      },
      onMessage: (message) => {
        if (message.kind === "clock") {
          const answeredAtMs = this.#init.clock.wallMs();
          this.#init.onClock(origin, aheadMsOf({ ...message, answeredAtMs }));
          return;
        }
        this.#act(this.#puller.onMessage(origin, message, this.#now()));
        if (message.kind === "reports") this.#init.onReports();
        else if (message.kind === "answer") {
          this.questions.onAnswer(origin, message.id, message.report);
        } else if (message.kind === "compared") {
          this.questions.onCompared(origin, message.id, message.answer);
        }
      },
      onLost: (reason, wasOpen) => {
        if (!wasOpen) {
          this.#tell(`${origin} ${reason}`, () => {
            journal.info("region not reached", { ...about, reason });
          });
          return;
        }
        this.#told.clear();
        journal.warn("region lost", { ...about, reason });
        this.#closed(origin);
      },
    });
    const neighbour: Neighbour = { link, urls: urls.join(), seekAtMs: undefined, seeks: 0 };
    this.#neighbours.set(origin, neighbour);
  }

  #closed(origin: OriginId): void {
    this.questions.onClosed(origin);
    this.#init.onLost(origin);
    this.#act(this.#puller.onClosed(origin, this.#now()));
  }

  #noteLead(neighbour: Neighbour, leads: boolean, urlCount: number): void {
    neighbour.seekAtMs = undefined;
    if (leads || urlCount === 1) {
      neighbour.seeks = 0;
      return;
    }
    neighbour.seekAtMs = this.#now() + Math.min(SEEK_MS_MAX, SEEK_MS_MIN * 2 ** neighbour.seeks);
    neighbour.seeks += 1;
  }

  #seekLeaders(): void {
    for (const { link, seekAtMs } of this.#neighbours.values()) {
      if (seekAtMs !== undefined && this.#now() >= seekAtMs && link.isOpen) {
        link.giveUp("the member does not lead its region: another one is tried");
      }
    }
  }

  #act(effects: readonly PullEffect[]): void {
    if (this.#stopped) return;
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: PullEffect): void {
    const { journal, configure, propose } = this.#init;
    switch (effect.kind) {
      case "send":
        this.#neighbours.get(effect.to)?.link.send(effect.message);
        break;
      case "give-up":
        journal.error("a region says what it may not say", { ...effect });
        this.#neighbours.get(effect.to)?.link.giveUp(effect.reason);
        break;
      case "apply":
        propose({ change: "apply", transactions: effect.transactions }, (count) => {
          if (count === effect.transactions.length) this.#observe(effect.transactions);
          this.#act(this.#puller.onProposed(count ?? 0, this.#now()));
        });
        break;
      case "stage":
        // Refused or taken: a chunk changes nothing that is counted.
        propose({ change: "stage", chunk: effect.chunk }, (count) => {
          this.#act(this.#puller.onProposed(count === undefined ? 0 : 1, this.#now()));
        });
        break;
      case "apply-staged": {
        const { transaction } = effect.shipped;
        propose({ change: "apply-staged", dot: transaction }, (count) => {
          if (count === 1) this.#observe([effect.shipped]);
          this.#act(this.#puller.onProposed(count ?? 0, this.#now()));
        });
        break;
      }
      case "configure":
        configure(effect.config, () => this.#puller.onConfigured());
        break;
      case "forked":
        this.#tell(`forked ${effect.origin}`, () => {
          journal.error("an origin has two histories: it is frozen here", { ...effect });
          propose({ change: "forked", origin: effect.origin }, () => undefined);
        });
        break;
      case "rolled-back":
        this.#onRolledBack(effect);
        break;
      case "ahead":
        this.#tell(`ahead ${effect.origin}`, () => {
          journal.error("an origin's stamps are far ahead of this clock: it waits", { ...effect });
        });
        break;
      case "clock-behind":
        this.#tell("clock-behind", () => {
          journal.error("this clock is behind those of most regions", {});
        });
        break;
      case "gone":
        this.#init.onGone(effect);
        this.#tell(`gone ${effect.origin} ${effect.by}`, () => {
          journal.warn("a region retains no more what is lacked here", { ...effect });
        });
        break;
    }
  }

  /**
   * Of its own two histories this is the one that lost: it mints no more, until it has a new origin. Where this member
   * only lags, or leads no more, the log has what was minted, and nothing comes of it.
   */
  #onRolledBack({ sequence, by }: Extract<PullEffect, { readonly kind: "rolled-back" }>): void {
    const { journal, propose, self: origin, state } = this.#init;
    const about = `rolled-back ${by}`;
    this.#tell(about, () => {
      propose({ change: "rolled-back", origin, sequence }, () => {
        if (state.forked.has(origin)) {
          journal.error("another region has more of this one's writes than it minted", {
            sequence,
            by,
          });
        } else this.#told.delete(about);
      });
    });
  }

  /** From the stamp of its origin to now: clocks are compared, and agree within what the mint guard allows. */
  #observe(transactions: readonly Shipped[]): void {
    const { clock, arrivals } = this.#init;
    const wallMs = clock.wallMs();
    for (const { transaction } of transactions) {
      arrivals.add(Math.max(0, wallMs - hlcMs(transaction.hlc)) / 1000);
    }
  }

  #tell(what: string, tell: () => void): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    tell();
  }
}
