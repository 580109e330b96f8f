// Streams between simulated regions: in order each way, each message with the link's delay, lost whole when the link
// is cut or either end is gone. Whoever leads a region pulls; any member of the other serves.
import { present } from "../../../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangePuller,
  ExchangeServing,
  aheadMsOf,
  decodeRetained,
  greetingFault,
  helloOf,
  neighbourMembers,
  transactionRowKey,
} from "../../../federation/index.ts";
import type {
  FederationBug,
  LoadWish,
  OriginId,
  PullEffect,
  PullMessage,
  RetainedRow,
  ServeEffect,
  ServeMessage,
  Waiting,
} from "../../../federation/index.ts";
import { servedState } from "../../../server/federated-region.ts";
import type { Chance } from "../chance.ts";
import { hash } from "./region.ts";
import type { Member, Region } from "./region.ts";
import type { Timers } from "./region-log.ts";

const LIMITS = {
  ...EXCHANGE_LIMITS_DEFAULT,
  windowBytes: 4_000,
  batchBytesMax: 800,
  partBytesMax: 700,
  applyOperationsMax: 8,
  applyBytesMax: 1_200,
  chunkBytesMax: 500,
  stallMs: 500,
  heartbeatMs: 150,
};
const OPEN_EVERY_MS = 120;
const TIME_MS = 60;
const CLOCK_MS = 500;

export interface Weather {
  /** One way, of a message between the two. */
  delayMs(from: Region, to: Region): number;
  isCut(from: Region, to: Region): boolean;
}

export interface PullingInit {
  readonly region: Region;
  readonly member: Member;
  readonly regions: readonly Region[];
  readonly queue: Timers;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly planted: FederationBug | undefined;
  readonly onFault: (region: Region, fault: PullEffect) => void;
  /** Another region's clock, beside this one's. */
  readonly onClock: (of: OriginId, aheadMs: number) => void;
  /** Another region has told what it has. */
  readonly onReports: () => void;
  readonly onClosed: (neighbour: OriginId) => void;
}

interface Stream {
  readonly to: Region;
  readonly server: Member;
  readonly serving: ExchangeServing;
  open: boolean;
  /** The hello has come to who serves: from here on it sends. */
  greeted: boolean;
  /** When the last message each way arrives: the next does not overtake it. */
  askedUntilMs: number;
  answeredUntilMs: number;
  /** On their way, in order: a process that stood still takes them in no other. */
  readonly asks: PullMessage[];
  readonly answers: ServeMessage[];
}

/** What a leader pulls with; dropped whole when it leads no more. */
export class Pulling {
  readonly #init: PullingInit;
  readonly #puller: ExchangePuller;
  readonly #streams = new Map<OriginId, Stream>();
  #stopped = false;
  /** Under which it pulls. */
  readonly as: OriginId | undefined;

  constructor(init: PullingInit) {
    this.#init = init;
    const { member, planted } = init;
    this.as = member.federated.self;
    this.#puller = new ExchangePuller({
      state: () => member.federated,
      wallMs: () => init.region.wallMs,
      reports: member.reports,
      limits: LIMITS,
      hash,
      ...(planted === undefined ? {} : { planted }),
    });
    this.#openSoon();
    this.#timeSoon();
    this.#clockSoon();
  }

  /** To whom there is a stream. */
  get neighbours(): readonly OriginId[] {
    return [...this.#streams.keys()];
  }

  /** Another state took the place of the region's. */
  onReplaced(): void {
    if (!this.#stopped) this.#act(this.#puller.onReplaced(this.#now));
  }

  /** Transactions that wait, of all origins; each with the reason. */
  get held(): readonly Waiting[] {
    return this.#puller.holding.waiting(this.#init.member.federated);
  }

  stop(): void {
    this.#stopped = true;
    for (const stream of this.#streams.values()) stream.open = false;
    this.#streams.clear();
  }

  /** The applied state of the leader has moved. */
  onNews(): void {
    if (this.#stopped) return;
    const neighbours = new Set(this.#neighbours().map(({ origin }) => origin));
    this.cut((to, _server, origin) => !neighbours.has(origin) || to === this.#init.region);
    this.#act(this.#puller.onNews(this.#now));
  }

  /** The applied state of a member that may be serving has moved. */
  onServerNews(server: Member): void {
    for (const stream of this.#streams.values()) {
      if (stream.server === server && stream.greeted) this.#served(stream, stream.serving.onNews());
    }
  }

  /** Streams over links that are cut, or to members that are gone, end. */
  cut(isGone: (to: Region, server: Member, origin: OriginId) => boolean): void {
    for (const [origin, stream] of [...this.#streams]) {
      if (!isGone(stream.to, stream.server, origin)) continue;
      stream.open = false;
      this.#streams.delete(origin);
      this.#init.onClosed(origin);
      if (!this.#stopped) this.#act(this.#puller.onClosed(origin, this.#now));
    }
  }

  get #now(): number {
    return this.#init.queue.nowMs;
  }

  #openSoon(): void {
    const { queue, chance } = this.#init;
    queue.schedule(chance.between(OPEN_EVERY_MS / 2, OPEN_EVERY_MS), "open", () => {
      if (this.#stopped) return;
      this.#openAll();
      this.#openSoon();
    });
  }

  #timeSoon(): void {
    this.#init.queue.schedule(TIME_MS, "time", () => {
      if (this.#stopped) return;
      this.#act(this.#puller.onTime(this.#now));
      for (const stream of this.#streams.values()) {
        if (stream.greeted) this.#served(stream, stream.serving.onTime(this.#now));
      }
      this.#timeSoon();
    });
  }

  /** Each neighbour's clock, beside this region's, as the middle of the way there and back. */
  #clockSoon(): void {
    const { queue, region, weather, onClock } = this.#init;
    queue.schedule(CLOCK_MS, "clock", () => {
      if (this.#stopped) return;
      for (const [origin, { open, greeted, to }] of this.#streams) {
        if (!open || !greeted) continue;
        const askedAtMs = region.wallMs;
        queue.schedule(weather.delayMs(region, to), "clock", () => {
          const answerMs = to.wallMs;
          queue.schedule(weather.delayMs(to, region), "clock", () => {
            const answeredAtMs = region.wallMs;
            if (!this.#stopped) onClock(origin, aheadMsOf({ askedAtMs, answerMs, answeredAtMs }));
          });
        });
      }
      this.#clockSoon();
    });
  }

  /** From whom the document in force says to pull. */
  #neighbours(): readonly { readonly name: string; readonly origin: OriginId }[] {
    const { config, self } = this.#init.member.federated;
    return self === undefined ? [] : neighbourMembers(config, self);
  }

  #openAll(): void {
    const { region, regions, weather } = this.#init;
    for (const { name, origin } of this.#neighbours()) {
      const to = regions.find((one) => one.name === name);
      if (to === undefined || this.#streams.has(origin)) continue;
      const server = weather.isCut(region, to) ? undefined : to.anyUp();
      if (server !== undefined) this.#open(to, origin, server);
    }
  }

  #open(to: Region, origin: OriginId, server: Member): void {
    const { member, queue, region, weather, planted } = this.#init;
    const own = member.federated;
    const theirs = server.federated;
    if (own.self === undefined || theirs.self === undefined) return;
    const hello = helloOf(own.config, own.self, origin, true);
    const answer = helloOf(theirs.config, theirs.self, own.self, to.leader === server);
    if (hello === undefined || answer === undefined) return;
    if (greetingFault(hello, theirs.config, theirs.self) !== undefined) return;
    if (greetingFault(answer, own.config, own.self) !== undefined) return;
    const serving = new ExchangeServing(
      {
        state: servedState(theirs),
        reports: server.reports,
        limits: LIMITS,
        ...(planted === undefined ? {} : { planted }),
      },
      hello.epoch,
    );
    const stream: Stream = {
      to,
      server,
      serving,
      open: true,
      greeted: false,
      askedUntilMs: 0,
      answeredUntilMs: 0,
      asks: [],
      answers: [],
    };
    this.#streams.set(origin, stream);
    queue.schedule(weather.delayMs(region, to), "greet", () => {
      if (!stream.open) return;
      stream.greeted = true;
      this.#answer(stream, { kind: "hello", hello: answer });
      this.#served(stream, serving.onNews());
    });
  }

  #ask(stream: Stream, message: PullMessage): void {
    const { queue, region, weather, chance } = this.#init;
    const arrivesAtMs = this.#now + weather.delayMs(region, stream.to) * chance.between(1, 1.3);
    stream.askedUntilMs = Math.max(stream.askedUntilMs, arrivesAtMs);
    stream.asks.push(message);
    queue.schedule(stream.askedUntilMs - this.#now, "ask", () => {
      if (stream.open) this.#onAsk(stream, present(stream.asks.shift(), "what was asked"));
    });
  }

  #onAsk(stream: Stream, message: PullMessage): void {
    if (message.kind === "want") this.#served(stream, stream.serving.onWant(message.positions));
    if (message.kind === "config") {
      stream.to.by(stream.server).configure(message.config.document);
    }
  }

  #served(stream: Stream, effects: readonly ServeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.#answer(stream, effect.message);
      else if (effect.kind === "forked") {
        const { origin, sequence } = effect.theirs;
        const by = this.#init.member.federated.self ?? origin;
        this.#init.onFault(stream.to, { kind: "forked", origin, sequence, by });
      } else {
        const rows = retainedRows(stream.server, effect.wish);
        this.#served(stream, stream.serving.onLoaded(effect.wish, rows));
      }
    }
  }

  #answer(stream: Stream, message: ServeMessage): void {
    const { queue, region, weather, chance } = this.#init;
    const arrivesAtMs = this.#now + weather.delayMs(stream.to, region) * chance.between(1, 1.3);
    stream.answeredUntilMs = Math.max(stream.answeredUntilMs, arrivesAtMs);
    stream.answers.push(message);
    queue.schedule(stream.answeredUntilMs - this.#now, "answer", () => {
      const origin = [...this.#streams].find(([, one]) => one === stream)?.[0];
      if (!stream.open || origin === undefined) return;
      this.#onAnswer(origin, present(stream.answers.shift(), "what was answered"));
    });
  }

  #onAnswer(origin: OriginId, message: ServeMessage): void {
    if (message.kind === "hello") {
      this.#act(this.#puller.onOpened(origin, message.hello, this.#now));
    } else this.#act(this.#puller.onMessage(origin, message, this.#now));
    if (message.kind === "reports") this.#init.onReports();
  }

  #act(effects: readonly PullEffect[]): void {
    const { onFault, region, member } = this.#init;
    const proposer = region.by(member);
    for (const effect of effects) {
      if (effect.kind === "send") {
        const stream = this.#streams.get(effect.to);
        if (stream !== undefined) this.#ask(stream, effect.message);
      } else if (effect.kind === "apply") {
        proposer.change({ change: "apply", transactions: effect.transactions }, (answer) => {
          if (this.#stopped) return;
          this.#act(this.#puller.onProposed(answer?.applied ?? 0, this.#now));
        });
      } else if (effect.kind === "stage") {
        proposer.change({ change: "stage", chunk: effect.chunk }, (answer) => {
          if (!this.#stopped) this.#act(this.#puller.onProposed(answer ? 1 : 0, this.#now));
        });
      } else if (effect.kind === "apply-staged") {
        const { transaction: dot } = effect.shipped;
        proposer.change({ change: "apply-staged", dot }, (answer) => {
          if (this.#stopped) return;
          this.#act(this.#puller.onProposed(answer?.applied ?? 0, this.#now));
        });
      } else if (effect.kind === "configure") {
        proposer.configure(effect.config.document, () => {
          this.#puller.onConfigured();
        });
      } else onFault(region, effect);
    }
  }
}

/** From memory, else from the rows that were flushed, as a server does. */
export function retainedRows({ federated, host }: Member, wish: LoadWish): readonly RetainedRow[] {
  const recent = federated.recent(wish);
  if (recent.length > 0) return recent;
  const rows: RetainedRow[] = [];
  for (let sequence = wish.from; rows.length < wish.countMax; sequence += 1) {
    const [row] = host.load([transactionRowKey(wish.origin, sequence)]);
    if (row === undefined) break;
    rows.push({ sequence, ...decodeRetained(row) });
  }
  return rows;
}
