// A region's part in a federation, as one member of it runs: every member serves what it has applied to regions that
// pull; the leader pulls, and proposes what comes, the clock, and what may be forgotten. Nothing of it is there in a
// region that is in no federation.
import { Buckets, KvError, exponentialBounds, present } from "../base/index.ts";
import type { MonotonicMs, Random } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";
import { ReportBook, VECTOR_ZERO, encodeChange, helloOf, memberOf } from "../federation/index.ts";
import type {
  ConfigNews,
  ExchangeHello,
  FederationChange,
  Hash,
  Identity,
  OriginId,
  OriginLag,
  Position,
  Report,
} from "../federation/index.ts";
import { regionServiceTable } from "../rpc/index.ts";
import type { Call, PeerDialer, ServiceTable } from "../rpc/index.ts";
import type { FederationAnswer } from "../store/index.ts";
import { AuditTally } from "./audit-tally.ts";
import { servedState } from "./federated-region.ts";
import type { FederatedRegion } from "./federated-region.ts";
import { FederationBootstrap } from "./federation-bootstrap.ts";
import { FederationBootstrapServing } from "./federation-bootstrap-serving.ts";
import { FederationDocuments } from "./federation-documents.ts";
import { FederationHandlers } from "./federation-handlers.ts";
import { FederationHomes } from "./federation-homes.ts";
import type { HomeServing } from "./federation-homes.ts";
import { FederationKeeping } from "./federation-keeping.ts";
import { FederationPulling } from "./federation-pulling.ts";
import { answerCompare } from "./federation-records.ts";
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
  /** Of tombstones and siblings that wait for regions that are away. */
  readonly waitingBytesMax: number;
  readonly random: Random;
  readonly clock: Clock;
  readonly hash: Hash;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
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
  pulling:
    | {
        readonly as: OriginId;
        readonly run: FederationPulling;
        readonly bootstrap: FederationBootstrap;
      }
    | undefined;
}

export class Federation {
  readonly #init: FederationInit;
  readonly #reports = new ReportBook();
  readonly #serving: FederationServing;
  readonly #states: FederationBootstrapServing;
  readonly #documents: FederationDocuments;
  readonly quorums: RegionQuorums;
  readonly homes: FederationHomes;
  readonly handlers: FederationHandlers;
  readonly #thread: HandlerThread;
  /** Seconds from the stamps of other regions' transactions until they are applied here. */
  readonly arrivals = new Buckets(ARRIVAL_SECONDS);
  readonly audits = new AuditTally();
  #leading: Leading | undefined;
  /** What of the state was told of last. */
  #seen: { readonly standing: number; readonly epoch: number } | undefined;

  constructor(init: FederationInit) {
    this.#init = init;
    const { clock, state, replica, onBug } = init;
    this.#thread = new HandlerThread({ onBug });
    this.#documents = new FederationDocuments({
      ...init,
      propose: (change, done) => this.#propose(change, (answer) => done(answer !== undefined)),
    });
    this.#serving = new FederationServing({
      state: servedState(state),
      config: () => state.config,
      reports: this.#reports,
      load: (wish, done) => {
        loadRetained((asked) => state.recent(asked), replica.engine, wish, done);
      },
      helloTo: (to) => present(this.#helloTo(to), "a member that is served has an origin"),
      confirm: (done) => this.#confirm(done),
      relay: (of, via, done) => {
        if (this.pulling !== undefined) this.pulling.questions.relay(of, via, done);
        else for (let at = 0; at < of.length; at += 1) done(undefined);
      },
      onPulled: (by) => this.pulling?.onPulled(by),
      onConfig: (config) => this.configure(config, () => undefined),
      onForked: (theirs) => this.#onForked(theirs),
      compare: (question, done) => answerCompare(state.state, replica.engine, question, done),
      clock,
    });
    this.handlers = this.#openHandlers();
    this.quorums = new RegionQuorums({
      state,
      reports: this.#reports,
      leads: () => replica.status().role === "leader",
      now: () => replica.now(),
      revision: () => replica.machine.revision,
      ask: (wanted, done) => this.pulling?.questions.ask(wanted, done),
    });
    const { dialer, secure, hash, journal } = init;
    const helloTo = (to: OriginId): ExchangeHello | undefined => this.#helloTo(to);
    this.homes = new FederationHomes({
      ...{ state, dialer, secure, clock, helloTo },
      quorums: this.quorums,
    });
    this.#states = new FederationBootstrapServing({
      ...{ state, helloTo, hash, clock, journal },
      reports: this.#reports,
      engine: () => replica.engine,
      leads: () => this.#leading?.ready === true,
      onForked: (theirs) => this.#onForked(theirs),
    });
  }

  #openHandlers(): FederationHandlers {
    const { state, clock, journal } = this.#init;
    return new FederationHandlers({
      ...{ region: state, clock, journal },
      ask: this.#thread.ask,
      later: (run, ms) => {
        const timer = setTimeout(run, ms).unref();
        return () => clearTimeout(timer);
      },
      propose: (change, done) => this.#propose(change, (answer) => done(answer !== undefined)),
      agrees: () => this.#leading?.keeping.agrees === true,
      stable: () => this.#leading?.keeping.stable ?? VECTOR_ZERO,
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
    const states = this.#states.services(refusalOf);
    return { ...exchange, ...states, ...this.homes.served({ ...clients, refusalOf }) };
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
    this.#documents.configure(news, done);
  }

  /** Logs it as this region's own; by any member. @throws {KvError} if it was not logged */
  draw(incarnation: Identity): Promise<void> {
    const why = "the region's log did not take the incarnation: try again";
    return new Promise((resolve, reject) => {
      this.#propose({ change: "draw", incarnation }, (answer) => {
        if (answer !== undefined) resolve();
        else reject(new KvError("federation-refused", "not-applied", why));
      });
    });
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

  /** Regions that are being given this region's state. */
  get statesGiven(): number {
    return this.#states.count;
  }

  /** From which region a state is being taken. */
  get stateTaken(): string | undefined {
    return this.#leading?.pulling?.bootstrap.donor;
  }

  get pullers(): number {
    return this.#serving.count;
  }

  #look(): void {
    const { state } = this.#init;
    const { self, config, standing } = state;
    this.#lead();
    const { epoch } = config;
    const isOther = this.#seen?.epoch !== epoch;
    if (isOther) this.#reports.keepOnly((origin) => memberOf(config, origin) !== undefined);
    if (isOther || this.#seen?.standing !== standing) {
      this.#seen = { standing, epoch };
      const { report } = state;
      if (report !== undefined) this.#reports.note(report);
      this.pulling?.onNews();
      this.#serving.onNews();
    }
    this.quorums.onNews();
    if (this.#leading?.ready === true) this.#documents.look();
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
        pinned: () => this.#states.pinned,
        waitingBytesMax: this.#init.waitingBytesMax,
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
      if (file !== undefined) this.#documents.adopt(file);
    });
  }

  #pull(leading: Leading): void {
    const { self } = this.#init.state;
    if (leading.pulling?.as !== self) stopPulling(leading);
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
        this.#serving.onReports();
        this.quorums.onNews();
      },
      onGone: (gone) => bootstrap.onGone(gone),
      onLost: (neighbour) => bootstrap.onClosed(neighbour),
    });
    const bootstrap = this.#bootstrapOf(self, run);
    leading.pulling = { as: self, run, bootstrap };
  }

  #bootstrapOf(self: OriginId, pulling: FederationPulling): FederationBootstrap {
    const { dialer, secure, clock, hash, journal, state } = this.#init;
    return new FederationBootstrap({
      ...{ self, state, hash, dialer, secure, clock, journal },
      reports: this.#reports,
      helloTo: (to) => this.#helloTo(to),
      propose: (change, done) => this.#propose(change, (answer) => done(answer !== undefined)),
      neighbours: () => [...pulling.links].flatMap(([origin, isOpen]) => (isOpen ? [origin] : [])),
      onForked: (ours) => this.#onForked(ours),
      onInstalled: () => pulling.onReplaced(),
    });
  }

  #confirm(done: (report: Report | undefined) => void): void {
    const { replica, state } = this.#init;
    const deadlineAtMs = (replica.now() + CONFIRM_MS) as MonotonicMs;
    replica.read("index", deadlineAtMs, ({ ok }) => done(ok ? state.report : undefined));
  }

  /** What other regions report is told to the leader: who pulls from here looks for the next one. */
  #unlead(): void {
    if (this.#leading === undefined) return;
    stopPulling(this.#leading);
    this.handlers.rest();
    const why = new KvError("leader-changed", "not-applied", "etcdserver: leader changed");
    this.#serving.release(why);
    this.#states.release(why);
    this.#leading = undefined;
  }

  /** The region learns of it here too: if the origin is its own, it mints no more (federation 1). */
  #onForked({ origin, sequence }: Position): void {
    if (this.#init.state.forked.has(origin)) return;
    this.#init.journal.error("an origin has two histories: it is frozen", { origin, sequence });
    this.#propose({ change: "forked", origin }, () => undefined);
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

function stopPulling(leading: Leading): void {
  leading.pulling?.run.stop();
  leading.pulling?.bootstrap.stop();
  leading.pulling = undefined;
}
