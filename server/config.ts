// The configuration of one server: every source merged (flag > environment > file > default), every value
// parsed by the schema, every mistake reported at once. Looks at two things outside: the configuration
// file, and whether the data directory already has a member (then --initial-* no longer count, as in etcd).
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { bootstrapCluster } from "./cluster.ts";
import type { Bootstrap, BootstrapResult, ProtocolName } from "./cluster.ts";
import type { ConfigIssue } from "./config-issue.ts";
import { checkFederation } from "./config-federation.ts";
import { OPTIONS, configSchema } from "./config-schema.ts";
import type { OptionValues } from "./config-schema.ts";
import { CONFIG_FILE_FLAG, readEnvironment, readFlags, readYaml } from "./config-source.ts";
import type { GivenValues, Source } from "./config-source.ts";
import { checkTls, tlsWarnings } from "./config-tls-rules.ts";
import { checkUpkeep, upkeepWarnings } from "./config-upkeep.ts";
import { MEMBER_FILE } from "./member-file.ts";

export interface Config extends OptionValues {
  readonly consensus: ProtocolName;
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute; of the consensus log. */
  readonly logDir: string;
  /** The cluster that the options describe; present at least while the data directory has no member. */
  readonly bootstrap?: Bootstrap;
  /** The cluster runs already: its members say who this one is; `bootstrap` says whom to ask. */
  readonly joins: boolean;
  /** Whether the operator named the cluster to make, so that data of another one is a mistake. */
  readonly namesCluster: boolean;
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** What parsing sees of the file system; the real one unless a test says otherwise. */
export interface ConfigFiles {
  /** @throws {Error} when the file cannot be read. */
  readText(fileName: string): string;
  exists(fileName: string): boolean;
}

const realFiles: ConfigFiles = {
  readText: (fileName) => readFileSync(fileName, "utf8"),
  exists: existsSync,
};

/** Reads the options of `hansa serve`: what follows the command, and the environment. */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  files: ConfigFiles = realFiles,
): ParsedConfig {
  const flags = readFlags(argv);
  const environment = readEnvironment(env);
  const issues = [...flags.issues, ...environment.issues];
  const file = readConfigFile(flags.values, environment.values, files);
  issues.push(...file.issues);
  const given: GivenValues = new Map([...file.values, ...environment.values, ...flags.values]);

  const values = readValues(given, issues);
  const origins = new Origins(given);
  issues.push(...checkTogether(values, origins));
  issues.push(...checkUpkeep(values, (flag, problem) => origins.issue(flag, problem)));
  issues.push(...checkTls(values, (flag, problem) => origins.issue(flag, problem)));
  issues.push(...checkFederation(values, (flag, problem) => origins.issue(flag, problem)));
  const dataDir = resolve(values.dataDir || `${values.name ?? ""}.hansa`);
  const bootstrap = bootstrapOf(values, origins);
  const fresh = !files.exists(resolve(dataDir, MEMBER_FILE));
  if (fresh && !bootstrap.ok) issues.push(...bootstrap.issues);
  if (issues.length > 0 || !isComplete(values)) return { ok: false, issues };
  const logDir = values.walDir === "" ? resolve(dataDir, "log") : resolve(values.walDir);
  const config = {
    ...values,
    dataDir,
    logDir,
    joins: values.initialClusterState === "existing",
    namesCluster: origins.has("initial-cluster") && values.initialClusterState === "new",
  };
  return {
    ok: true,
    config: bootstrap.ok ? { ...config, bootstrap: bootstrap.bootstrap } : config,
    warnings: [
      ...[flags, environment, file].flatMap((source) => source.warnings),
      ...tlsWarnings(values),
      ...upkeepWarnings(values),
    ],
  };
}

function readConfigFile(flags: GivenValues, environment: GivenValues, files: ConfigFiles): Source {
  const named = flags.get(CONFIG_FILE_FLAG) ?? environment.get(CONFIG_FILE_FLAG);
  if (named === undefined) return { values: new Map(), issues: [], warnings: [] };
  let text: string;
  try {
    text = files.readText(named.text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `cannot be read: ${reason}`;
    const issue = { option: named.origin, given: named.text, problem };
    return { values: new Map(), issues: [issue], warnings: [] };
  }
  return readYaml(text, named.text);
}

/** Each option that parses; those that do not are reported and left out. */
function readValues(given: GivenValues, issues: ConfigIssue[]): Partial<OptionValues> {
  const values: Record<string, unknown> = {};
  for (const { property, flag } of OPTIONS) {
    const source = given.get(flag);
    const parsed = configSchema.shape[property].safeParse(source?.text);
    if (parsed.success) {
      values[property] = parsed.data;
      continue;
    }
    for (const { message } of parsed.error.issues) {
      const option = source?.origin ?? `--${flag}`;
      issues.push({ option, given: source?.text ?? "", problem: `expected ${message}` });
    }
  }
  return values;
}

function isComplete(values: Partial<OptionValues>): values is OptionValues {
  return OPTIONS.every(({ property }) => values[property] !== undefined);
}

/** Says of an option where its value came from, for messages. */
class Origins {
  readonly #given: GivenValues;

  constructor(given: GivenValues) {
    this.#given = given;
  }

  has(flag: string): boolean {
    return this.#given.has(flag);
  }

  issue(flag: string, problem: string): ConfigIssue {
    const source = this.#given.get(flag);
    if (source === undefined) return { option: `--${flag}`, problem };
    return { option: source.origin, given: source.text, problem };
  }
}

/** What single options cannot say; each rule speaks only when the values it needs have parsed. */
function checkTogether(values: Partial<OptionValues>, origins: Origins): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  const { heartbeatIntervalMs, electionTimeoutMs, clockDriftMax, leaseMarginMs } = values;
  if (origins.has("listen-client-urls") && !origins.has("advertise-client-urls")) {
    issues.push({
      option: "--advertise-client-urls",
      problem: "is required when --listen-client-urls is set explicitly",
    });
  }
  if (heartbeatIntervalMs !== undefined && electionTimeoutMs !== undefined) {
    if (electionTimeoutMs < 5 * heartbeatIntervalMs) {
      const problem = `${electionTimeoutMs} ms should be at least 5 times --heartbeat-interval, which is ${heartbeatIntervalMs} ms`;
      issues.push(origins.issue("election-timeout", problem));
    } else if (clockDriftMax !== undefined && leaseMarginMs !== undefined) {
      const leaseMs =
        (electionTimeoutMs * (1 - clockDriftMax)) / (1 + clockDriftMax) - leaseMarginMs;
      if (leaseMs < 2 * heartbeatIntervalMs) {
        const problem = `with --clock-drift-max ${clockDriftMax} and --election-timeout ${electionTimeoutMs} a leader's lease is ${Math.floor(leaseMs)} ms; expected at least two heartbeats, ${2 * heartbeatIntervalMs} ms`;
        issues.push(origins.issue("lease-margin-ms", problem));
      }
    }
  }
  const dataDir = values.dataDir || `${values.name ?? ""}.hansa`;
  if (values.walDir && resolve(values.walDir) === resolve(dataDir)) {
    issues.push(origins.issue("wal-dir", "expected another directory than --data-dir"));
  }
  const { appendBytesMax, inflightBytesMax, maxRequestBytes, logSegmentBytes } = values;
  if (appendBytesMax !== undefined && inflightBytesMax !== undefined) {
    if (inflightBytesMax < appendBytesMax) {
      const problem = `expected at least --append-bytes-max, ${appendBytesMax}`;
      issues.push(origins.issue("inflight-bytes-max", problem));
    }
  }
  if (maxRequestBytes !== undefined && logSegmentBytes !== undefined) {
    if (maxRequestBytes > logSegmentBytes / 2) {
      const problem = `expected at most half of --log-segment-bytes, ${logSegmentBytes}`;
      issues.push(origins.issue("max-request-bytes", problem));
    }
  }
  return issues;
}

function bootstrapOf(values: Partial<OptionValues>, origins: Origins): BootstrapResult {
  const { name, initialAdvertisePeerUrls, initialLearners, initialClusterToken } = values;
  const { electionTimeoutMs, initialClusterState, consensus } = values;
  if (initialClusterState === "existing" && initialLearners?.length !== 0) {
    const problem = "is for a new cluster; a running one is told by `hansa member add --learner`";
    return { ok: false, issues: [origins.issue("initial-learners", problem)] };
  }
  const incomplete =
    name === undefined ||
    initialAdvertisePeerUrls === undefined ||
    initialLearners === undefined ||
    initialClusterToken === undefined ||
    consensus === undefined;
  // What is missing has been reported already, by the schema.
  if (incomplete) return { ok: false, issues: [] };
  const alone = initialAdvertisePeerUrls.map((url) => `${name}=${url}`).join(",");
  return bootstrapCluster({
    name,
    initialCluster: values.initialCluster || alone,
    initialAdvertisePeerUrls,
    initialLearners,
    token: initialClusterToken,
    protocol: consensus,
    leaseMs: electionTimeoutMs ?? 0,
  });
}
