// Writes to several regions at once, in a process of its own, and says how long a write took until it was acknowledged
// and until the other regions' watches were told of it. Takes one JSON argument (FederationLoadPlan), prints "begin"
// and "end" of the measured span and then the report as one JSON line; a line on its standard input ends the span early.
import { setTimeout as span } from "node:timers/promises";
import { Client, KvError } from "../../client/index.ts";
import type { Watcher } from "../../client/index.ts";
import { goFirst } from "./go-first.ts";
import { keyAt } from "./keys.ts";
import { percentiles } from "./percentiles.ts";
import type { Percentiles } from "./percentiles.ts";

export interface FederationLoadPlan {
  readonly regions: readonly { readonly name: string; readonly endpoints: readonly string[] }[];
  /**
   * Each region writes keys of its own under it. Not one of an earlier run: another region's put of the value that is
   * there already is told to nobody (federation 6).
   */
  readonly prefix: string;
  readonly pace:
    | { readonly kind: "closed"; readonly callers: number }
    /** Writes at even distances, those of regions between each other. */
    | { readonly kind: "open"; readonly perSecond: number };
  /** Every region is watched for what the others write. */
  readonly isWatched: boolean;
  readonly warmUpMs: number;
  /** At most. */
  readonly measureMs: number;
  readonly keysPerRegion: number;
  readonly valueBytes: number;
}

export interface RegionLoadReport {
  readonly name: string;
  /** Acknowledged here. */
  readonly perSecond: number;
  /** Writes of the others that its watch was told of. */
  readonly toldPerSecond: number;
  readonly failures: number;
  /** Due, and not begun, because too many were under way. */
  readonly skipped: number;
  readonly ackMs: Percentiles;
  /** From the acknowledgement until the watch of each other region was told; of all of them together. */
  readonly seenMs: Percentiles;
  /** The same, from when the write was asked for. */
  readonly seenSinceAskedMs: Percentiles;
  /** Other regions' watches that were never told of a write. */
  readonly unseen: number;
}

export interface FederationLoadReport {
  readonly elapsedMs: number;
  /** Of this process. */
  readonly clientCpuMs: number;
  /** Whether it ran before the members where both had something to do. */
  readonly wentFirst: boolean;
  readonly regions: readonly RegionLoadReport[];
}

/** A write that takes longer is lost, and ends no measurement before that. */
const CALL_MS_MAX = 30_000;
/** Of an open pace: until it is looked whether all is over. */
const PAUSE_MS_MAX = 100;
/** Of a region, at an open pace. */
const UNDER_WAY_MAX = 2_000;
/** Until the last write is seen everywhere. */
const SEEN_MS_MAX = 60_000;
const POLL_MS = 20;

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

function within({ fromMs, untilMs }: Span, atMs: number | undefined): atMs is number {
  return atMs !== undefined && atMs >= fromMs && atMs < untilMs;
}

/** Writes of one region, by their number. */
class Writer {
  readonly askedAtMs: number[] = [];
  readonly ackedAtMs: (number | undefined)[] = [];
  readonly client: Client;
  readonly #plan: FederationLoadPlan;
  readonly #at: number;
  readonly #padding: string;
  readonly #underWay = new Set<Promise<void>>();
  failures = 0;
  skipped = 0;

  constructor(plan: FederationLoadPlan, at: number) {
    this.#plan = plan;
    this.#at = at;
    this.#padding = "v".repeat(plan.valueBytes);
    const endpoints = plan.regions[at]?.endpoints ?? [];
    this.client = new Client({ endpoints, deadlineMs: CALL_MS_MAX });
  }

  get name(): string {
    return this.#plan.regions[this.#at]?.name ?? "";
  }

  async write(): Promise<void> {
    const { prefix, keysPerRegion, valueBytes } = this.#plan;
    const number = this.askedAtMs.length;
    this.askedAtMs.push(performance.now());
    const value = `${this.#at}:${number}:${this.#padding}`.slice(0, valueBytes);
    try {
      await this.client.put(`${prefix}${this.name}/${keyAt(number % keysPerRegion)}`, value);
      this.ackedAtMs[number] = performance.now();
    } catch (failure) {
      this.failures += 1;
      if (this.failures === 1) process.stderr.write(`first failure: ${String(failure)}\n`);
    }
  }

  /** Ends, with every write answered, once `tally` is over. */
  async run(tally: { readonly over: boolean }): Promise<void> {
    const { pace } = this.#plan;
    if (pace.kind === "closed") {
      const caller = async (): Promise<void> => {
        while (!tally.over) await this.write();
      };
      await Promise.all(Array.from({ length: pace.callers }, caller));
      return;
    }
    const startedAtMs = performance.now();
    // Regions do not write at the same instant.
    const phase = this.#at / this.#plan.regions.length;
    for (let begun = 0; !tally.over;) {
      const elapsedMs = performance.now() - startedAtMs;
      const due = Math.floor((elapsedMs / 1_000) * pace.perSecond + phase);
      for (; begun < due; begun += 1) this.#begin();
      const nextAtMs = ((begun + 1 - phase) / pace.perSecond) * 1_000;
      await span(Math.min(PAUSE_MS_MAX, Math.max(1, nextAtMs - elapsedMs)));
    }
    await Promise.all(this.#underWay);
  }

  #begin(): void {
    if (this.#underWay.size >= UNDER_WAY_MAX) {
      this.skipped += 1;
      return;
    }
    const write = this.write().finally(() => this.#underWay.delete(write));
    this.#underWay.add(write);
  }
}

/** What one region's watch was told of the others' writes: by writer and number, when. */
class Told {
  readonly atMs: number[][];
  readonly #at: number;
  readonly #watcher: Watcher;
  readonly #ended: Promise<void>;

  private constructor(at: number, count: number, watcher: Watcher) {
    this.#at = at;
    this.atMs = Array.from({ length: count }, () => []);
    this.#watcher = watcher;
    this.#ended = this.#follow();
  }

  /** Nothing that is written afterwards is missed. */
  static async from(client: Client, prefix: string, at: number, count: number): Promise<Told> {
    const { revision } = await client.get(prefix);
    return new Told(at, count, client.watch({ prefix }, { startRevision: revision + 1 }));
  }

  async #follow(): Promise<void> {
    try {
      for await (const { events } of this.#watcher) {
        const nowMs = performance.now();
        for (const { kv } of events) {
          const [writer, number] = kv.text().split(":", 2).map(Number);
          const told = writer === this.#at ? undefined : this.atMs[writer ?? -1];
          if (told !== undefined && number !== undefined) told[number] ??= nowMs;
        }
      }
    } catch (error) {
      if (!(error instanceof KvError && error.code === "cancelled")) throw error;
    }
  }

  async close(): Promise<void> {
    this.#watcher.close();
    await this.#ended;
  }
}

/** Writes of the span that are acknowledged, and that another region's watch was not told of. */
function unseenOf(writer: Writer, at: number, told: readonly Told[], measured: Span): number {
  const others = told.filter((_, other) => other !== at);
  return writer.ackedAtMs.reduce<number>((sum, ackedAtMs, number) => {
    if (ackedAtMs === undefined || !within(measured, writer.askedAtMs[number])) return sum;
    return sum + others.filter(({ atMs }) => atMs[at]?.[number] === undefined).length;
  }, 0);
}

function reportOf(
  writer: Writer,
  at: number,
  told: readonly Told[],
  measured: Span,
): RegionLoadReport {
  const seconds = (measured.untilMs - measured.fromMs) / 1_000;
  const [ackMs, seenMs, seenSinceAskedMs]: [number[], number[], number[]] = [[], [], []];
  writer.ackedAtMs.forEach((ackedAtMs, number) => {
    const askedAtMs = writer.askedAtMs[number];
    if (ackedAtMs === undefined || !within(measured, askedAtMs)) return;
    ackMs.push(ackedAtMs - askedAtMs);
    for (const { atMs } of told) {
      const toldAtMs = atMs[at]?.[number];
      if (toldAtMs === undefined) continue;
      seenMs.push(toldAtMs - ackedAtMs);
      seenSinceAskedMs.push(toldAtMs - askedAtMs);
    }
  });
  const toldHere = told[at]?.atMs.flat().filter((atMs) => within(measured, atMs)).length ?? 0;
  return {
    name: writer.name,
    perSecond: writer.ackedAtMs.filter((atMs) => within(measured, atMs)).length / seconds,
    toldPerSecond: toldHere / seconds,
    failures: writer.failures,
    skipped: writer.skipped,
    ackMs: percentiles(ackMs),
    seenMs: percentiles(seenMs),
    seenSinceAskedMs: percentiles(seenSinceAskedMs),
    unseen: unseenOf(writer, at, told, measured),
  };
}

async function main(plan: FederationLoadPlan): Promise<FederationLoadReport> {
  const wentFirst = goFirst();
  const writers = plan.regions.map((_, at) => new Writer(plan, at));
  const watched = plan.isWatched ? writers : [];
  const told = await Promise.all(
    watched.map(({ client }, at) => Told.from(client, plan.prefix, at, writers.length)),
  );
  const stopped = new Promise((resolve) => process.stdin.once("data", resolve));
  const tally = { over: false };
  const running = Promise.all(writers.map((writer) => writer.run(tally)));
  await span(plan.warmUpMs);
  process.stdout.write("begin\n");
  const fromMs = performance.now();
  const cpuBefore = process.cpuUsage();
  await Promise.race([span(plan.measureMs, undefined, { ref: false }), stopped]);
  process.stdout.write("end\n");
  const cpu = process.cpuUsage(cpuBefore);
  const measured = { fromMs, untilMs: performance.now() };
  tally.over = true;
  await running;
  const lateAtMs = performance.now() + SEEN_MS_MAX;
  const unseen = (): boolean =>
    told.length > 0 && writers.some((writer, at) => unseenOf(writer, at, told, measured) > 0);
  while (unseen() && performance.now() < lateAtMs) await span(POLL_MS);
  for (const each of told) await each.close();
  for (const { client } of writers) await client.close();
  process.stdin.destroy();
  return {
    elapsedMs: measured.untilMs - measured.fromMs,
    clientCpuMs: (cpu.user + cpu.system) / 1_000,
    wentFirst,
    regions: writers.map((writer, at) => reportOf(writer, at, told, measured)),
  };
}

main(JSON.parse(process.argv[2] ?? "{}") as FederationLoadPlan).then(
  (report) => {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  },
  (failure: unknown) => {
    process.stderr.write(`${String(failure)}\n`);
    process.exitCode = 1;
  },
);
