// A federation of regions without consensus or disk: each applies what its puller proposes by the rules of delivery,
// and serves what it has applied. Streams keep their order, and are cut at any moment with all that is on its way.
import { createHash } from "node:crypto";
import { expect } from "@jest/globals";
import { assert, hlcAt } from "../../base/index.ts";
import type { WallMs } from "../../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangePuller,
  ExchangeServing,
  ReportBook,
  chainNext,
  chainSeed,
  countOf,
  decodeTransaction,
  encodeTransaction,
  greetingFault,
  helloOf,
  judge,
  linkOf,
  sequence,
} from "../../federation/index.ts";
import type {
  ConfigNews,
  DeliveryState,
  FederationConfig,
  Holding,
  OriginId,
  PullEffect,
  PullMessage,
  RetainedRow,
  Sequence,
  ServeEffect,
  ServeMessage,
} from "../../federation/index.ts";
import { keyOf } from "../../base/index.ts";
import { documentOf, numbered } from "./document.ts";

const hash = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

const LIMITS = {
  ...EXCHANGE_LIMITS_DEFAULT,
  windowBytes: 2_000,
  batchBytesMax: 500,
  applyOperationsMax: 4,
  stallMs: 200,
  heartbeatMs: 100,
};

export function configOf(regions: number, epoch = 1): FederationConfig {
  return documentOf(numbered(regions), { epoch });
}

/** One way of a stream: in order, and lost whole. */
interface Stream {
  readonly from: Region;
  readonly to: Region;
  readonly serving: ExchangeServing;
  readonly asks: PullMessage[];
  readonly answers: ServeMessage[];
}

/** What pulls and serves is its leader; its log is a list that is applied at once. */
export class Region implements DeliveryState {
  readonly self: OriginId;
  readonly applied = new Map<OriginId, Sequence>();
  readonly forked = new Set<OriginId>();
  readonly rows = new Map<OriginId, RetainedRow[]>();
  /** Its log takes every transaction whole. */
  readonly staged = undefined;
  /** Of each dot: how often it was applied. */
  readonly appliedCounts = new Map<string, number>();
  config: FederationConfig;
  readonly reports = new ReportBook();
  readonly puller: ExchangePuller;
  readonly faults: PullEffect[] = [];
  /** Of which it was asked for another history than its own. */
  readonly seenForks = new Set<OriginId>();
  bytesReceived = 0;
  /** Of its clock; far ahead of all stamps, unless a test sets it. */
  wallMs = (2 ** 47) as WallMs;

  constructor(self: OriginId, config: FederationConfig) {
    this.self = self;
    this.config = config;
    this.puller = new ExchangePuller({
      state: () => this,
      wallMs: () => this.wallMs,
      reports: this.reports,
      limits: LIMITS,
      hash,
    });
  }

  get holding(): Holding {
    return this.puller.holding;
  }

  get document(): ConfigNews {
    return { epoch: this.config.epoch, document: Uint8Array.of(this.config.epoch) };
  }

  chainOf(origin: OriginId): Uint8Array | undefined {
    const last = this.rows.get(origin)?.at(-1);
    if (last !== undefined) return last.hash;
    const member = this.config.members.find((one) => one.origin === origin);
    return member && chainSeed(hash, member.incarnation);
  }

  mint(nowMs: number, value: number): void {
    const deps = new Map(this.applied);
    deps.delete(this.self);
    const before = this.chainOf(this.self);
    assert(before !== undefined, "a member has a chain");
    const at = sequence(countOf(this.applied, this.self) + 1);
    const operation = {
      key: keyOf(Uint8Array.of(value)),
      action: "put" as const,
      value: new Uint8Array(value),
      context: "all-seen" as const,
    };
    const transaction = {
      ...{ origin: this.self, sequence: at, deps, epoch: this.config.epoch },
      hlc: hlcAt(nowMs as WallMs),
      operations: [operation],
    };
    this.#append(encodeTransaction(transaction, linkOf(before)));
  }

  /** As the entry of the log would: each is judged once more. */
  apply(transactions: readonly Uint8Array[]): number {
    let count = 0;
    for (const bytes of transactions) {
      const { verdict } = judge(this, decodeTransaction(bytes));
      if (verdict !== "apply") continue;
      this.#append(bytes);
      count += 1;
    }
    return count;
  }

  #append(bytes: Uint8Array): void {
    const { transaction } = decodeTransaction(bytes);
    const { origin, sequence: at } = transaction;
    const before = this.chainOf(origin);
    assert(before !== undefined, "what is applied has a chain");
    const rows = this.rows.get(origin) ?? [];
    rows.push({ sequence: at, bytes, hash: chainNext(hash, before, bytes) });
    this.rows.set(origin, rows);
    this.applied.set(origin, at);
    const dot = `${origin}:${at}`;
    this.appliedCounts.set(dot, (this.appliedCounts.get(dot) ?? 0) + 1);
    this.#report();
  }

  #report(): void {
    const { self: origin, applied: vector } = this;
    this.reports.note({ origin, epoch: this.config.epoch, vector: new Map(vector) });
  }

  /** As if restored from a copy that was made before anything: but what it had pulled is pulled again. */
  rollBack(): void {
    this.rows.delete(this.self);
    this.applied.delete(this.self);
  }

  configure(epoch: number): void {
    this.config = { ...this.config, epoch };
    this.#report();
  }

  /** Everything that was applied, in a form that is equal only if all of it is. */
  get fingerprint(): string {
    const heads = [...this.applied.keys()].sort((left, right) => left - right);
    return heads
      .map((origin) => `${origin}:${Buffer.from(this.chainOf(origin) ?? []).toString("hex")}`)
      .join(" ");
  }
}

export class ExchangeWorld {
  readonly regions: readonly Region[];
  readonly #random: (below: number) => number;
  readonly #neighbours: ReadonlyMap<OriginId, readonly OriginId[]>;
  readonly #streams: Stream[] = [];
  /** Proposals under way: they end in a later step. */
  readonly #proposals: { readonly region: Region; readonly transactions: readonly Uint8Array[] }[] =
    [];
  readonly #isolated = new Set<OriginId>();
  nowMs = 0;

  constructor(
    neighbours: ReadonlyMap<OriginId, readonly OriginId[]>,
    random: (below: number) => number,
  ) {
    const config = configOf(neighbours.size);
    this.regions = [...neighbours.keys()].map((origin) => new Region(origin, config));
    this.#neighbours = neighbours;
    this.#random = random;
  }

  region(origin: OriginId): Region {
    const found = this.regions.find(({ self }) => self === origin);
    assert(found !== undefined, `no region ${origin}`);
    return found;
  }

  /** One event, drawn. */
  step(): void {
    this.nowMs += 1 + this.#random(20);
    const draw = this.#random(20);
    const one = this.regions[this.#random(this.regions.length)];
    assert(one !== undefined, "a world has regions");
    if (draw < 3) {
      one.mint(this.nowMs, 1 + this.#random(200));
      this.news(one);
    } else if (draw === 3) this.#cutOne();
    else if (draw < 6) this.connectSome(one);
    else this.#moveOne();
  }

  /** Every stream from and to the region is cut, and none is opened until `rejoin`. */
  isolate(origin: OriginId): void {
    this.#isolated.add(origin);
    for (const stream of [...this.#streams]) {
      if (stream.from.self === origin || stream.to.self === origin) this.#cut(stream);
    }
  }

  rejoin(): void {
    this.#isolated.clear();
  }

  connectSome(region: Region): void {
    if (this.#isolated.has(region.self)) return;
    for (const origin of this.#neighbours.get(region.self) ?? []) {
      if (this.#isolated.has(origin)) continue;
      const isOpen = this.#streams.some(({ from, to }) => from === region && to.self === origin);
      if (!isOpen) this.#connect(region, this.region(origin));
    }
  }

  #connect(from: Region, to: Region): void {
    const hello = helloOf(from.config, from.self, to.self, true);
    const answer = helloOf(to.config, to.self, from.self, true);
    assert(hello !== undefined && answer !== undefined, "both are members");
    expect(greetingFault(hello, to.config, to.self)).toBeUndefined();
    const serving = new ExchangeServing(
      {
        state: () => ({
          applied: to.applied,
          hashOf: (origin) => to.chainOf(origin),
          retainedFrom: () => 1,
          config: to.document,
        }),
        reports: to.reports,
        limits: LIMITS,
      },
      hello.epoch,
    );
    const stream: Stream = { from, to, serving, asks: [], answers: [] };
    this.#streams.push(stream);
    this.#pulled(from, from.puller.onOpened(to.self, answer, this.nowMs));
  }

  #cutOne(): void {
    const stream = this.#streams[this.#random(Math.max(1, this.#streams.length))];
    if (stream !== undefined) this.#cut(stream);
  }

  #cut(stream: Stream): void {
    this.#streams.splice(this.#streams.indexOf(stream), 1);
    this.#pulled(stream.from, stream.from.puller.onClosed(stream.to.self, this.nowMs));
  }

  #moveOne(): void {
    const proposal = this.#proposals.length > 0 && this.#random(3) === 0;
    if (proposal) this.#endProposal();
    const stream = this.#streams[this.#random(Math.max(1, this.#streams.length))];
    if (stream === undefined) return;
    this.#move(stream);
  }

  #endProposal(): void {
    const [proposal] = this.#proposals.splice(this.#random(this.#proposals.length), 1);
    if (proposal === undefined) return;
    const { region, transactions } = proposal;
    const count = region.apply(transactions);
    this.news(region);
    this.#pulled(region, region.puller.onProposed(count, this.nowMs));
  }

  /** One message each way, and what time brings. */
  #move(stream: Stream): boolean {
    const { from, to, serving } = stream;
    const asked = stream.asks.shift();
    if (asked?.kind === "want") this.#served(stream, serving.onWant(asked.positions));
    if (asked?.kind === "config" && asked.config.epoch > to.config.epoch) {
      to.configure(asked.config.epoch);
      this.news(to);
    }
    const answer = stream.answers.shift();
    if (answer?.kind === "batch") {
      for (const bytes of answer.batch.transactions) from.bytesReceived += bytes.length;
    }
    if (answer) this.#pulled(from, from.puller.onMessage(to.self, answer, this.nowMs));
    this.#served(stream, serving.onTime(this.nowMs));
    this.#pulled(from, from.puller.onTime(this.nowMs));
    return asked !== undefined || answer !== undefined;
  }

  /** What is applied there has changed. */
  news(region: Region): void {
    this.#pulled(region, region.puller.onNews(this.nowMs));
    for (const stream of [...this.#streams]) {
      if (stream.to === region) this.#served(stream, stream.serving.onNews());
    }
  }

  #served(stream: Stream, effects: readonly ServeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") stream.answers.push(effect.message);
      else if (effect.kind === "forked") stream.to.seenForks.add(effect.theirs.origin);
      else {
        const { origin, from, countMax } = effect.wish;
        const all = stream.to.rows.get(origin) ?? [];
        const rows = all.slice(from - 1, from - 1 + Math.min(countMax, 3));
        this.#served(stream, stream.serving.onLoaded(effect.wish, rows));
      }
    }
  }

  #pulled(region: Region, effects: readonly PullEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") {
        const stream = this.#streams.find(
          ({ from, to }) => from === region && to.self === effect.to,
        );
        stream?.asks.push(effect.message);
      } else if (effect.kind === "apply") {
        this.#proposals.push({
          region,
          transactions: effect.transactions.map(({ bytes }) => bytes),
        });
      } else if (effect.kind === "configure") {
        region.configure(effect.config.epoch);
        region.puller.onConfigured();
        this.news(region);
      } else region.faults.push(effect);
    }
  }

  /** No more cuts or writes: moves everything until all that exists is everywhere, or gives up. */
  settle(stepsMax: number): void {
    for (let step = 0; step < stepsMax; step += 1) {
      this.nowMs += 5;
      for (const region of this.regions) this.connectSome(region);
      for (const stream of [...this.#streams]) this.#move(stream);
      while (this.#proposals.length > 0) this.#endProposal();
      const [first, ...others] = this.regions.map(({ fingerprint }) => fingerprint);
      if (others.every((other) => other === first)) return;
    }
  }
}
