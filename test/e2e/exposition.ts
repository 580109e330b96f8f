// Prometheus's text format 0.0.4, read as strictly as it is written down: a family says HELP and TYPE once and before
// its samples, which stand together; no sample twice; buckets of a histogram add up.

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** With the suffix of a histogram's or summary's part. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)",?/y;
const TYPES = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);

/** @throws {SyntaxError} naming the line and what is wrong with it. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family & { readonly samples: Sample[] }>();
  const helps = new Map<string, string>();
  const seen = new Set<string>();
  let current: (Family & { readonly samples: Sample[] }) | undefined;
  const wrong = (line: string, what: string): SyntaxError => new SyntaxError(`${what}: ${line}`);
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (!NAME.test(name) || helps.has(name)) throw wrong(line, "HELP twice, or no name");
      helps.set(name, rest);
    } else if (kind === "TYPE") {
      const help = helps.get(name);
      if (help === undefined) throw wrong(line, "TYPE without HELP");
      if (!TYPES.has(rest) || families.has(name)) throw wrong(line, "TYPE twice, or unknown");
      current = { name, type: rest, help, samples: [] };
      families.set(name, current);
    } else if (!line.startsWith("#")) {
      const sample = sampleIn(line, wrong);
      if (current === undefined || !belongs(sample.name, current)) {
        throw wrong(line, "a sample outside of its family");
      }
      const labels = Object.entries(sample.labels).sort(([left], [right]) =>
        left < right ? -1 : 1,
      );
      const key = `${sample.name} ${JSON.stringify(labels)}`;
      if (seen.has(key)) throw wrong(line, "a sample twice");
      seen.add(key);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) if (family.type === "histogram") checkBuckets(family);
  return families;
}

function sampleIn(line: string, wrong: (line: string, what: string) => SyntaxError): Sample {
  const [, name, inner = "", number = ""] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw wrong(line, "no sample");
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const [, label, value = ""] = LABEL.exec(inner) ?? [];
    if (label === undefined || label in labels) throw wrong(line, "no label, or one twice");
    labels[label] = value;
  }
  const value = number === "+Inf" ? Infinity : Number(number);
  if (Number.isNaN(value) && number !== "NaN" && number !== "Nan") throw wrong(line, "no number");
  return { name, labels, value };
}

function belongs(name: string, { name: family, type }: Family): boolean {
  if (name === family) return type !== "histogram";
  const part = name.startsWith(family) ? name.slice(family.length) : "";
  if (type === "histogram") return ["_bucket", "_sum", "_count"].includes(part);
  return type === "summary" && ["_sum", "_count"].includes(part);
}

function checkBuckets({ name, samples }: Family): void {
  const bucketsBy = new Map<string, Sample[]>();
  for (const sample of samples.filter((each) => each.name === `${name}_bucket`)) {
    const key = JSON.stringify({ ...sample.labels, le: undefined });
    bucketsBy.set(key, [...(bucketsBy.get(key) ?? []), sample]);
  }
  for (const [key, buckets] of bucketsBy) {
    const last = buckets.at(-1);
    const falls = buckets.some(({ value }, at) => value < (buckets[at - 1]?.value ?? 0));
    if (falls || last?.labels["le"] !== "+Inf") {
      throw new SyntaxError(`buckets that do not add up: ${name} ${key}`);
    }
    const count = samples.find((each) => {
      return each.name === `${name}_count` && JSON.stringify({ ...each.labels }) === key;
    });
    if (count?.value !== last.value) throw new SyntaxError(`a count beside its buckets: ${name}`);
  }
}

/** Of all samples that have these labels, together; 0 where there is none, as a rate would take it. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const has = (each: Sample): boolean =>
    Object.entries(labels).every(([label, value]) => each.labels[label] === value);
  const samples = families.get(name)?.samples.filter(has) ?? [];
  return samples.reduce((sum, { value }) => sum + value, 0);
}
