// Metrics whose values are read when somebody asks for them: what is counted is counted elsewhere, as plain numbers.
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { Buckets } from "../../base/index.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly buckets: Buckets;
}

/** What a reading gives: one number, or one for each combination of labels. */
export type Reading = () => number | readonly Sample[];

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** Registers what it is asked for, each name once. */
export class Collection {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  gauge(name: string, help: string, read: Reading, labelNames: readonly string[] = []): void {
    const registers = [this.#registry];
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        const reading = read();
        if (typeof reading === "number") this.set(reading);
        else for (const { labels, value } of reading) this.set(labels, value);
      },
    });
  }

  counter(name: string, help: string, read: Reading, labelNames: readonly string[] = []): void {
    const registers = [this.#registry];
    new Counter({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        const reading = read();
        if (typeof reading === "number") this.inc(reading);
        else for (const { labels, value } of reading) this.inc(labels, value);
      },
    });
  }

  /** `read`: one, or one for each combination of labels. */
  histogram(
    name: string,
    help: string,
    read: () => Buckets | readonly HistogramSample[],
    labelNames: readonly string[] = [],
  ): void {
    new CollectedHistogram({ name, help, labelNames }, this.#registry, () => {
      const reading = read();
      return "bounds" in reading ? [{ labels: {}, buckets: reading }] : reading;
    });
  }
}

type Collected = Awaited<ReturnType<Histogram["get"]>>;

/** prom-client's histogram keeps its own counts; this one has none, and tells what it is read. */
class CollectedHistogram extends Histogram {
  /** Never observed: what it says of itself is right but for the values. */
  readonly #described: Histogram;
  readonly #name: string;
  readonly #read: () => readonly HistogramSample[];

  constructor(described: Described, registry: Registry, read: () => readonly HistogramSample[]) {
    super({ ...described, registers: [registry] });
    this.#described = new Histogram({ ...described, registers: [] });
    this.#name = described.name;
    this.#read = read;
  }

  override async get(): Promise<Collected> {
    return await this.getForPromString();
  }

  /** What the registry asks instead of `get` when it writes text. */
  async getForPromString(): Promise<Collected> {
    const values = this.#read().flatMap((sample) => valuesOf(this.#name, sample));
    return { ...(await this.#described.get()), values };
  }
}

/** As the exposition format wants them: each bucket holds those below it. */
function valuesOf(name: string, { labels, buckets }: HistogramSample): Collected["values"] {
  const values: Collected["values"] = [];
  let cumulative = 0;
  buckets.bounds.forEach((bound, at) => {
    cumulative += buckets.counts[at] ?? 0;
    values.push({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound },
      value: cumulative,
    });
  });
  values.push(
    { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: buckets.count },
    { metricName: `${name}_sum`, labels, value: buckets.sum },
    { metricName: `${name}_count`, labels, value: buckets.count },
  );
  return values;
}
