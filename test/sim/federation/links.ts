// Streams between simulated regions: in order each way, each message with the link's delay, lost whole when the link
// is cut or either end is gone. Whoever leads a region pulls; any member of the other serves.
import { keyOf } from "../../../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangePuller,
  ExchangeServing,
  decodeRetained,
  greetingFault,
  helloOf,
  memberNamed,
  neighboursOf,
  transactionRowKey,
} from "../../../federation/index.ts";
import type {
  LoadWish,
  OriginId,
  PullEffect,
  PullMessage,
  RetainedRow,
  ServeEffect,
  ServeMessage,
} from "../../../federation/index.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";
import { hash } from "./region.ts";
import type { Member, Region } from "./region.ts";

const LIMITS = {
  ...EXCHANGE_LIMITS_DEFAULT,
  windowBytes: 4_000,
  batchBytesMax: 800,
  applyCountMax: 8,
  stallMs: 500,
  heartbeatMs: 150,
};
const OPEN_EVERY_MS = 120;
const TIME_MS = 60;

export interface Weather {
  /** One way, of a message between the two. */
  delayMs(from: Region, to: Region): number;
  isCut(from: Region, to: Region): boolean;
}

export interface PullingInit {
  readonly region: Region;
  readonly member: Member;
  readonly regions: readonly Region[];
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly onFault: (region: Region, fault: PullEffect) => void;
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
}

/** What a leader pulls with; dropped whole when it leads no more. */
export class Pulling {
  readonly #init: PullingInit;
  readonly #puller: ExchangePuller;
  readonly #streams = new Map<OriginId, Stream>();
  #stopped = false;

  constructor(init: PullingInit) {
    this.#init = init;
    const { member } = init;
    this.#puller = new ExchangePuller({
      state: () => member.federated,
      wallMs: () => init.region.wallMs,
      reports: member.reports,
      limits: LIMITS,
      hash,
    });
    this.#openSoon();
    this.#timeSoon();
  }

  stop(): void {
    this.#stopped = true;
    for (const stream of this.#streams.values()) stream.open = false;
    this.#streams.clear();
  }

  /** The applied state of the leader has moved. */
  onNews(): void {
    if (!this.#stopped) this.#act(this.#puller.onNews(this.#now));
  }

  /** The applied state of a member that may be serving has moved. */
  onServerNews(server: Member): void {
    for (const stream of this.#streams.values()) {
      if (stream.server === server && stream.greeted) this.#served(stream, stream.serving.onNews());
    }
  }

  /** Streams over links that are cut, or to members that are gone, end. */
  cut(isGone: (to: Region, server: Member) => boolean): void {
    for (const [origin, stream] of [...this.#streams]) {
      if (!isGone(stream.to, stream.server)) continue;
      stream.open = false;
      this.#streams.delete(origin);
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

  #openAll(): void {
    const { region, member, regions, weather } = this.#init;
    const { config, self } = member.federated;
    if (self === undefined) return;
    const names = config.members.map(({ name }) => name);
    for (const name of neighboursOf(config.topology, names, region.name)) {
      const to = regions.find((one) => one.name === name);
      const origin = memberNamed(config, name)?.origin;
      if (to === undefined || origin === undefined || this.#streams.has(origin)) continue;
      const server = weather.isCut(region, to) ? undefined : to.anyUp();
      if (server !== undefined) this.#open(to, origin, server);
    }
  }

  #open(to: Region, origin: OriginId, server: Member): void {
    const { member, queue, region, weather } = this.#init;
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
        state: () => ({
          applied: theirs.applied,
          hashOf: (one) => theirs.chainOf(one),
          retainedFrom: (one) => theirs.retainedFrom(one),
          config: theirs.document,
        }),
        reports: server.reports,
        limits: LIMITS,
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
    queue.schedule(stream.askedUntilMs - this.#now, "ask", () => {
      if (!stream.open) return;
      if (message.kind === "want") this.#served(stream, stream.serving.onWant(message.positions));
      if (message.kind === "config") {
        stream.to.configure(message.config.document);
      }
    });
  }

  #served(stream: Stream, effects: readonly ServeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") this.#answer(stream, effect.message);
      else {
        const rows = retainedRows(stream.server, effect.wish);
        this.#served(stream, stream.serving.onLoaded(effect.wish, rows));
      }
    }
  }

  #answer(stream: Stream, message: ServeMessage): void {
    const { queue, region, weather, chance } = this.#init;
    const arrivesAtMs = this.#now + weather.delayMs(stream.to, region) * chance.between(1, 1.3);
    stream.answeredUntilMs = Math.max(stream.answeredUntilMs, arrivesAtMs);
    queue.schedule(stream.answeredUntilMs - this.#now, "answer", () => {
      const origin = [...this.#streams].find(([, one]) => one === stream)?.[0];
      if (!stream.open || origin === undefined) return;
      if (message.kind === "hello") {
        this.#act(this.#puller.onOpened(origin, message.hello, this.#now));
      } else this.#act(this.#puller.onMessage(origin, message, this.#now));
    });
  }

  #act(effects: readonly PullEffect[]): void {
    const { onFault, region } = this.#init;
    for (const effect of effects) {
      if (effect.kind === "send") {
        const stream = this.#streams.get(effect.to);
        if (stream !== undefined) this.#ask(stream, effect.message);
      } else if (effect.kind === "apply") {
        region.change({ change: "apply", transactions: effect.transactions }, (answer) => {
          if (this.#stopped) return;
          this.#act(this.#puller.onProposed(answer?.applied ?? 0, this.#now));
        });
      } else if (effect.kind === "configure") {
        region.configure(effect.config.document, () => {
          this.#puller.onConfigured();
        });
      } else onFault(region, effect);
    }
  }
}

/** From memory, else from the rows that were flushed, as a server does. */
function retainedRows({ federated, host }: Member, wish: LoadWish): readonly RetainedRow[] {
  const recent = federated.recent(wish);
  if (recent.length > 0) return recent;
  const rows: RetainedRow[] = [];
  for (let sequence = wish.from; rows.length < wish.countMax; sequence += 1) {
    const row = host.rows.get(keyOf(transactionRowKey(wish.origin, sequence)));
    if (row === undefined) break;
    rows.push({ sequence, ...decodeRetained(row) });
  }
  return rows;
}
