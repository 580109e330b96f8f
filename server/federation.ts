// A region's part in a federation, as one member of it runs: every member serves what it has applied to regions that
// pull; the leader pulls, and proposes what comes, the clock, and what may be forgotten. Nothing of it is there in a
// region that is in no federation.
import { Buckets, KvError, exponentialBounds, present } from "../base/index.ts";
import type { MonotonicMs, Random } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";
import {
  ConfigError,
  ReportBook,
  countOf,
  decodeConfig,
  encodeChange,
  helloOf,
  memberNamed,
  memberOf,
} from "../federation/index.ts";
import type {
  ConfigNews,
  ExchangeHello,
  FederationChange,
  FederationConfig,
  Hash,
  OriginId,
  OriginLag,
  Report,
} from "../federation/index.ts";
import { regionServiceTable } from "../rpc/index.ts";
import type { Call, PeerDialer, ServiceTable } from "../rpc/index.ts";
import type { FederationAnswer } from "../store/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import { FederationHandlers } from "./federation-handlers.ts";
import { FederationHomes } from "./federation-homes.ts";
import type { HomeServing } from "./federation-homes.ts";
import { FederationKeeping } from "./federation-keeping.ts";
import { FederationPulling } from "./federation-pulling.ts";
import { loadRetained } from "./federation-rows.ts";
import { FederationServing } from "./federation-serving.ts";
import { HandlerThread } from "./handler-thread.ts";
import { failureOf, submitOwn } from "./own-command.ts";
import type { Clock, Journal } from "./ports.ts";
import { regionRefusal } from "./region-hosts.ts";
import { RegionQuorums } from "./region-quorums.ts";
import type { Replica } from "./replica.ts";

export interface FederationInit {
  readonly replica: Replica;
  /** Of this member's region. */
  readonly region: string;
  readonly state: FederatedRegion;
  /** Proposed by a leader whose region has an older one; absent: it comes from the directory alone. */
  readonly file?: ConfigNews;
  readonly dialer: PeerDialer;
  readonly secure: boolean;
  readonly random: Random;
  readonly clock: Clock;
  readonly hash: Hash;
  readonly journal: Journal;
}

/** 1 ms to 16 s, and above. */
const ARRIVAL_SECONDS = exponentialBounds(0.001, 2, 15);
/** Longer than an election. */
const READY_MS = 7_000;
/** Another region waits for the answer, but not for ever. */
const CONFIRM_MS = 2_000;

/** What this member leads its region with; made anew in every epoch that it leads. */
interface Leading {
  readonly epoch: Epoch;
  /** The first entry of its own is applied: so is all that was committed before it led. */
  ready: boolean;
  asking: boolean;
  readonly keeping: FederationKeeping;
  /** Under the origin that the region has. */
  pulling: { readonly as: OriginId; readonly run: FederationPulling } | undefined;
}

export class Federation {
  readonly #init: FederationInit;
  readonly #reports = new ReportBook();
  readonly #serving: FederationServing;
  readonly quorums: RegionQuorums;
  readonly homes: FederationHomes;
  readonly handlers: FederationHandlers;
  readonly #thread = new HandlerThread();
  /** Seconds from the stamps of other regions' transactions until they are applied here. */
  readonly arrivals = new Buckets(ARRIVAL_SECONDS);
  #leading: Leading | undefined;
  /** What of the state was told of last. */
  #seen: { readonly standing: number; readonly epoch: number } | undefined;

  constructor(init: FederationInit) {
    this.#init = init;
    const { clock, state, replica } = init;
    this.#serving = new FederationServing({
      state: () => ({
        applied: state.applied,
        hashOf: (origin) => state.chainOf(origin),
        retainedFrom: (origin) => state.retainedFrom(origin),
        config: state.document,
      }),
      reports: this.#reports,
      load: (wish, done) => {
        loadRetained((asked) => state.recent(asked), replica.engine, wish, done);
      },
      helloTo: (to) => present(this.#helloTo(to), "a member that is served has an origin"),
      confirm: (done) => this.#confirm(done),
      onConfig: (config) => this.configure(config, () => undefined),
      clock,
    });
    this.handlers = this.#openHandlers();
    this.quorums = new RegionQuorums({
      state,
      reports: this.#reports,
      leads: () => replica.status().role === "leader",
      now: () => replica.now(),
      revision: () => replica.machine.revision,
      ask: (done) => this.pulling?.ask(done),
    });
    const { dialer, secure } = init;
    const helloTo = (to: OriginId): ExchangeHello | undefined => this.#helloTo(to);
    this.homes = new FederationHomes({
      ...{ state, dialer, secure, clock, helloTo },
      quorums: this.quorums,
    });
  }

  #openHandlers(): FederationHandlers {
    const { state, clock, journal } = this.#init;
    return new FederationHandlers({
      ...{ region: state, clock, journal },
      ask: this.#thread.ask,
      propose: (change, done) => this.#propose(change, (answer) => done(answer !== undefined)),
    });
  }

  /** Of the peers' port. */
  services(clients: Omit<HomeServing, "refusalOf">): ServiceTable {
    const { state, journal } = this.#init;
    const refusalOf = (hello: ExchangeHello, { certificate }: Call): string | undefined => {
      const { self, config } = state;
      if (self === undefined) return "this region is not admitted to the federation yet";
      return regionRefusal(hello, certificate, config, self);
    };
    const exchange = regionServiceTable({
      refusalOf,
      open: (hello, outlet) => this.#serving.open(hello, outlet),
      onRefused: ({ from }, reason) => {
        journal.warn("a region is refused", { origin: from.origin, reason });
      },
    });
    return { ...exchange, ...this.homes.served({ ...clients, refusalOf }) };
  }

  /** @returns the way to end it. */
  follow(): () => void {
    const unfollow = this.#init.replica.onChange(() => this.#look());
    return () => {
      unfollow();
      this.#unlead();
      this.#thread.close();
      this.homes.stop();
      this.#serving.stop();
    };
  }

  /** Proposes a document of a later epoch, from wherever it comes; `done` once it is applied or is not. */
  configure(news: ConfigNews, done: () => void): void {
    const { state, region, clock, journal } = this.#init;
    const config = this.#read(news);
    if (config === undefined || config.epoch <= state.config.epoch) {
      done();
      return;
    }
    const { applied } = state;
    const origin = memberNamed(config, region)?.origin;
    // Of an origin that has minted nobody knows here whether this is still its history (federation 1, trap 1).
    const self = origin !== undefined && countOf(applied, origin) === 0 ? { self: origin } : {};
    const { document } = news;
    const change = { change: "configure", document, wallMs: clock.wallMs(), ...self } as const;
    this.#propose(change, (answer) => {
      if (answer !== undefined) journal.info("federation configured", { epoch: config.epoch });
      done();
    });
  }

  /** Undefined: it is none, or another federation's; told to the operator. */
  #read({ epoch, document }: ConfigNews): FederationConfig | undefined {
    const { state, journal } = this.#init;
    const { config } = state;
    try {
      const read = decodeConfig(document);
      const isOther = config.epoch > 0 && read.federationId !== config.federationId;
      if (!isOther && read.epoch === epoch) return read;
      const reason = isOther
        ? `it is of federation ${read.federationId}`
        : `it is of epoch ${read.epoch}`;
      journal.error("a configuration is not taken", { epoch, reason });
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      journal.error("a configuration is not taken", { epoch, reason: cause.message });
    }
    return undefined;
  }

  get reports(): ReportBook {
    return this.#reports;
  }

  /** Of the leader; elsewhere nothing is known. */
  get lags(): readonly OriginLag[] {
    return this.pulling?.lags ?? [];
  }

  get state(): FederatedRegion {
    return this.#init.state;
  }

  get pulling(): FederationPulling | undefined {
    return this.#leading?.pulling?.run;
  }

  get pullers(): number {
    return this.#serving.count;
  }

  #look(): void {
    const { self, config, applied, standing } = this.#init.state;
    this.#lead();
    const { epoch } = config;
    if (this.#seen?.standing !== standing || this.#seen.epoch !== epoch) {
      this.#seen = { standing, epoch };
      this.#reports.keepOnly((origin) => memberOf(config, origin) !== undefined);
      if (self !== undefined) this.#reports.note({ origin: self, epoch, vector: new Map(applied) });
      this.pulling?.onNews();
      this.#serving.onNews();
    }
    this.quorums.onNews();
    if (this.#leading?.ready === true && self !== undefined) {
      this.#leading.keeping.look();
      this.handlers.look();
    }
  }

  #lead(): void {
    const { replica, clock, state } = this.#init;
    const { role, epoch } = replica.status();
    if (role !== "leader") {
      this.#unlead();
      return;
    }
    if (this.#leading === undefined || !sameEpoch(this.#leading.epoch, epoch)) {
      this.#unlead();
      const keeping = new FederationKeeping({
        region: state,
        reports: this.#reports,
        clock,
        logTime: () => replica.logClock.read(),
        propose: (change, done) => this.#propose(change, (answer) => done(answer?.more === false)),
        journal: this.#init.journal,
      });
      this.#leading = { epoch, ready: false, asking: false, keeping, pulling: undefined };
    }
    this.#makeReady(this.#leading);
    this.#pull(this.#leading);
  }

  /** What a leader has not applied yet, others may have pulled: it judges nothing before it has all of it. */
  #makeReady(leading: Leading): void {
    if (leading.ready || leading.asking) return;
    leading.asking = true;
    const { replica } = this.#init;
    const deadlineAtMs = (replica.now() + READY_MS) as MonotonicMs;
    replica.read("index", deadlineAtMs, (result) => {
      leading.asking = false;
      leading.ready = result.ok;
      if (!result.ok || this.#leading !== leading) return;
      this.#look();
      const { file } = this.#init;
      if (file !== undefined) this.configure(file, () => undefined);
    });
  }

  #pull(leading: Leading): void {
    const { self } = this.#init.state;
    if (leading.pulling !== undefined && leading.pulling.as !== self) {
      leading.pulling.run.stop();
      leading.pulling = undefined;
    }
    if (!leading.ready || leading.pulling !== undefined || self === undefined) return;
    const { dialer, secure, random, clock, hash, journal, state } = this.#init;
    const run = new FederationPulling({
      ...{ self, state, hash, dialer, secure, random, clock, journal },
      reports: this.#reports,
      arrivals: this.arrivals,
      helloTo: (to) => this.#helloTo(to),
      propose: (change, done) => this.#propose(change, (answer) => done(answer?.applied)),
      configure: (config, done) => this.configure(config, done),
      onClock: (of, aheadMs) => leading.keeping.onClock(of, aheadMs),
      onReports: () => {
        this.#serving.onNews();
        this.quorums.onNews();
      },
    });
    leading.pulling = { as: self, run };
  }

  #confirm(done: (report: Report | undefined) => void): void {
    const { replica, state } = this.#init;
    const deadlineAtMs = (replica.now() + CONFIRM_MS) as MonotonicMs;
    replica.read("index", deadlineAtMs, (result) => {
      const { self, config, applied } = state;
      const isKnown = result.ok && self !== undefined;
      const { epoch } = config;
      done(isKnown ? { origin: self, epoch, vector: new Map(applied) } : undefined);
    });
  }

  /** What other regions report is told to the leader: who pulls from here looks for the next one. */
  #unlead(): void {
    if (this.#leading === undefined) return;
    this.pulling?.stop();
    this.handlers.rest();
    this.#serving.release(
      new KvError("leader-changed", "not-applied", "etcdserver: leader changed"),
    );
    this.#leading = undefined;
  }

  /** undefined: it was refused, or its fate is not known. */
  #propose(change: FederationChange, done: (answer: FederationAnswer | undefined) => void): void {
    const { replica, journal } = this.#init;
    submitOwn(replica, { kind: "federation", body: encodeChange(change) }, (result) => {
      if (!(result instanceof KvError) && result.kind === "federation") {
        done(result.answer);
        return;
      }
      const reason = failureOf(result);
      journal.warn("a change of the federation is not applied", { change: change.change, reason });
      done(undefined);
    });
  }

  #helloTo(to: OriginId): ExchangeHello | undefined {
    const { state, replica } = this.#init;
    const { self, config } = state;
    const leads = replica.status().role === "leader";
    return self === undefined ? undefined : helloOf(config, self, to, leads);
  }
}
