// Streams that other regions pull from this member: each sees the applied state of the member, whatever its role, and
// nobody polls. Retained rows that are not in memory come from the engine, one load a stream at a time.
import { KvError } from "../base/index.ts";
import { ExchangeServing, EXCHANGE_LIMITS_DEFAULT, neighbourMembers } from "../federation/index.ts";
import type {
  CompareAnswer,
  CompareQuestion,
  ConfigNews,
  ExchangeHello,
  FederationConfig,
  LoadWish,
  OriginId,
  Position,
  Report,
  ReportBook,
  RetainedRow,
  ServeEffect,
  ServedState,
} from "../federation/index.ts";
import type { PullerOutlet, PullerSession } from "../rpc/index.ts";
import type { Clock } from "./ports.ts";

export interface FederationServingInit {
  /** Of the applied state, as of the moment of the call. */
  readonly state: () => ServedState;
  /** In force by the applied state. */
  readonly config: () => FederationConfig;
  readonly reports: ReportBook;
  /** `rows` undefined: the engine has failed, and the process is about to end. May answer inside the call. */
  readonly load: (wish: LoadWish, done: (rows: readonly RetainedRow[] | undefined) => void) => void;
  readonly helloTo: (to: OriginId) => ExchangeHello;
  /** That region has begun to pull. */
  readonly onPulled: (by: OriginId) => void;
  readonly onConfig: (config: ConfigNews) => void;
  /** Who pulls has another history of the origin. */
  readonly onForked: (theirs: Position) => void;
  /** What the region has, confirmed after the call; undefined: it cannot be confirmed now. */
  readonly confirm: (done: (report: Report | undefined) => void) => void;
  /** The same of other regions, through those that this member pulls from: `done` once for each. */
  readonly relay: (
    of: readonly OriginId[],
    via: readonly OriginId[],
    done: (report: Report | undefined) => void,
  ) => void;
  /** Of the applied state; undefined: it cannot be answered now. May answer inside the call. */
  readonly compare: (
    question: CompareQuestion,
    done: (answer: CompareAnswer | undefined) => void,
  ) => void;
  readonly clock: Clock;
}

interface Session {
  readonly to: OriginId;
  readonly serving: ExchangeServing;
  readonly outlet: PullerOutlet;
  /** Questions that are not answered. */
  asked: number;
  comparing: boolean;
}

/** Of one stream; more are answered at once, with nothing. */
const ASKED_MAX = 1_024;

export class FederationServing {
  readonly #init: FederationServingInit;
  readonly #sessions = new Set<Session>();
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = Infinity;
  /** From which regions each hears by itself, under the document in force. */
  #hearing:
    | {
        readonly config: FederationConfig;
        readonly of: Map<OriginId, ReadonlySet<OriginId>>;
      }
    | undefined;

  constructor(init: FederationServingInit) {
    this.#init = init;
  }

  /** Who pulls, at this moment. */
  get count(): number {
    return this.#sessions.size;
  }

  /** The hello was judged. */
  open(hello: ExchangeHello, outlet: PullerOutlet): PullerSession {
    const { state, reports, helloTo, onConfig, onPulled } = this.#init;
    const limits = EXCHANGE_LIMITS_DEFAULT;
    const { origin: to } = hello.from;
    // Another region that pulls from here is told by its own stream, and this region's writes wait for others.
    const isAwaited = (origin: OriginId): boolean =>
      origin === to || (origin !== hello.to && !this.#serves(origin));
    const hears = (origin: OriginId): boolean => origin === hello.to || this.#hears(to, origin);
    const serving = new ExchangeServing({ state, reports, limits, isAwaited, hears }, hello.epoch);
    const session = { to, serving, outlet, asked: 0, comparing: false };
    this.#sessions.add(session);
    outlet.send({ kind: "hello", hello: helloTo(to) });
    this.#act(session, serving.onNews());
    this.#onTime();
    onPulled(hello.from.origin);
    return {
      onWant: (positions: readonly Position[]) => this.#act(session, serving.onWant(positions)),
      onConfig,
      onClock: (askedAtMs) => {
        outlet.send({ kind: "clock", askedAtMs, answerMs: this.#init.clock.wallMs() });
      },
      onCompare: (id, question) => this.#compare(session, id, question),
      onAsk: (id, of, via) => this.#answer(session, id, of, via),
      onDrain: () => this.#act(session, serving.onDrained()),
      onClose: () => {
        this.#sessions.delete(session);
      },
    };
  }

  #serves(origin: OriginId): boolean {
    for (const { to } of this.#sessions) if (to === origin) return true;
    return false;
  }

  /** By the topology in force: a way that is down makes words late, and loses none. */
  #hears(puller: OriginId, origin: OriginId): boolean {
    const config = this.#init.config();
    if (this.#hearing?.config !== config) this.#hearing = { config, of: new Map() };
    const { of } = this.#hearing;
    const heard =
      of.get(puller) ?? new Set(neighbourMembers(config, puller).map((member) => member.origin));
    of.set(puller, heard);
    return heard.has(origin);
  }

  /** Regions have reported: what is due changes, and nothing that is served. */
  onReports(): void {
    if (this.#sessions.size > 0) this.#arm();
  }

  /** The applied state has moved. */
  onNews(): void {
    if (this.#sessions.size === 0) return;
    for (const session of [...this.#sessions]) this.#act(session, session.serving.onNews());
    this.#arm();
  }

  /** Every stream ends: the regions go to another member, which knows more. */
  release(why: KvError): void {
    for (const { outlet } of [...this.#sessions]) outlet.end(why);
    this.#sessions.clear();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.release(new KvError("server-stopped", "not-applied", "etcdserver: server stopped"));
  }

  #act(session: Session, effects: readonly ServeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "load") this.#load(session, effect.wish);
      else if (effect.kind === "forked") this.#init.onForked(effect.theirs);
      else if (!session.outlet.send(effect.message)) session.serving.onBlocked();
    }
    if (effects.some(({ kind }) => kind === "send")) {
      this.#act(session, session.serving.onSent(this.#init.clock.monotonicMs()));
    }
  }

  /** Questions are answered in any order; those that a stream has open are bounded. */
  #answer(session: Session, id: number, of: readonly OriginId[], via: readonly OriginId[]): void {
    const count = 1 + of.length;
    if (session.asked + count > ASKED_MAX) {
      for (let at = 0; at < count; at += 1) {
        session.outlet.send({ kind: "answer", id, report: undefined });
      }
      return;
    }
    session.asked += count;
    const done = (report: Report | undefined): void => {
      session.asked -= 1;
      if (this.#sessions.has(session)) session.outlet.send({ kind: "answer", id, report });
    };
    this.#init.confirm(done);
    if (of.length > 0) this.#init.relay(of, via, done);
  }

  /** One at a time: whoever asks waits for the answer before it asks on. */
  #compare(session: Session, id: number, question: CompareQuestion): void {
    if (session.comparing) {
      session.outlet.send({ kind: "compared", id, answer: undefined });
      return;
    }
    session.comparing = true;
    this.#init.compare(question, (answer) => {
      session.comparing = false;
      if (this.#sessions.has(session)) session.outlet.send({ kind: "compared", id, answer });
    });
  }

  #load(session: Session, wish: LoadWish): void {
    this.#init.load(wish, (rows) => {
      if (rows === undefined || !this.#sessions.has(session)) return;
      this.#act(session, session.serving.onLoaded(wish, rows));
    });
  }

  /** One timer for all: for reports that wait, and for signs of life. */
  #arm(): void {
    let dueAtMs = Infinity;
    for (const { serving } of this.#sessions) dueAtMs = Math.min(dueAtMs, serving.dueAtMs);
    if (dueAtMs === this.#dueAtMs) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueAtMs = dueAtMs;
    if (dueAtMs === Infinity) return;
    const waitMs = Math.max(0, Math.ceil(dueAtMs - this.#init.clock.monotonicMs()));
    this.#timer = setTimeout(() => this.#onTime(), waitMs);
  }

  #onTime(): void {
    const { clock } = this.#init;
    for (const session of [...this.#sessions]) {
      this.#act(session, session.serving.onTime(clock.monotonicMs()));
    }
    this.#dueAtMs = NaN;
    this.#arm();
  }
}
