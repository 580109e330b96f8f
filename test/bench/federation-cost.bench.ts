// What a federation costs a put: three members that know of none beside three members of a federation of two regions, in
// turn within each pair and the other way round in the next, the same frame by h2load to the leader. First for keys that
// are not federated, then for keys that are. A ratio above 1 is the federation's cost. Numbers only.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { encodeConfig } from "../../federation/index.ts";
import { etcdserverpb } from "../../proto/index.ts";
import { Cluster } from "../e2e/cluster.ts";
import { describeWith } from "../e2e/tools.ts";
import { until } from "../e2e/until.ts";
import { bytes, WireClient } from "../e2e/wire-client.ts";
import { documentOf, policy } from "../federation/document.ts";
import { runH2load } from "./h2load.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { percentiles } from "./percentiles.ts";
import { processorMs } from "./processor-time.ts";
import { markdownTable, writeReadmeSection, writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

/** Fewer are for a look and are no result. */
const PAIRS = Number(process.env["HANSA_BENCH_PAIRS"] ?? "15");
const SECONDS = Number(process.env["HANSA_BENCH_SECONDS"] ?? "4");
/** Of them, the federated prefix needs fewer: nobody asks whether its ratio is 3 %. */
const FEDERATED_PAIRS = Math.ceil(PAIRS / 3);
const CONNECTIONS = 10;
const STREAMS = 10;
const VALUE_BYTES = 256;
const READY_MS_MAX = 60_000;
const CALL_MS_MAX = 10_000;
/** Five times what a quiet machine takes. */
const RUN_MS_MAX = 30 * 60_000;
const REGIONS = ["near", "far"] as const;
const PREFIX = "federated/";

interface Subject {
  readonly name: "lone" | "federation";
  readonly endpoint: string;
  readonly pids: readonly number[];
}

interface Run {
  readonly perSecond: number;
  readonly p50: number;
  readonly cpuUs: number;
}

interface Pair {
  readonly lone: Run;
  readonly federation: Run;
}

/** Three members, and one of the other region, which pulls. */
async function startFederation(): Promise<Cluster[]> {
  const clusters: Cluster[] = [];
  for (const [at, name] of REGIONS.entries()) {
    const flags = ["--region", name, "--initial-cluster-token", name];
    clusters.push(await Cluster.plan({ voters: at === 0 ? 3 : 1, flags, isMeasured: true }));
  }
  const named = clusters.map(({ members }, at) => ({
    name: REGIONS[at] ?? "",
    endpoints: members.map(({ peerUrl }) => peerUrl.replace("http://", "")),
  }));
  const document = encodeConfig(documentOf(named, { policies: [policy(PREFIX)] }));
  for (const cluster of clusters) {
    const file = join(cluster.folder, "federation.json");
    writeFileSync(file, document);
    for (const member of [...cluster.members]) {
      cluster.again(member, ["--federation-config-file", file]).start();
    }
  }
  const processes = clusters.flatMap(({ members }) => members);
  await Promise.all(processes.map((member) => member.ready()));
  return clusters;
}

async function subjectOf(name: Subject["name"], cluster: Cluster): Promise<Subject> {
  const { endpoint } = await cluster.leader();
  return { name, endpoint, pids: cluster.members.map(({ pid }) => pid) };
}

/** Ends when the region takes federated writes. */
async function putBoth({ endpoint }: Subject): Promise<void> {
  const wire = new WireClient(endpoint);
  try {
    await until(`${endpoint} takes writes`, READY_MS_MAX, () =>
      wire.put({ key: bytes(`${PREFIX}begun`), value: bytes("1") }, CALL_MS_MAX),
    );
  } finally {
    wire.close();
  }
}

async function run({ endpoint, pids }: Subject, key: string): Promise<Run> {
  const value = bytes("v".repeat(VALUE_BYTES));
  const message = etcdserverpb.PutRequest.encode({ key: bytes(key), value }).finish();
  const wire = new WireClient(endpoint);
  const revision = async (): Promise<number> =>
    Number((await wire.range({ key: bytes(key) }, CALL_MS_MAX)).header?.revision ?? 0);
  try {
    const before = await revision();
    const cpuBefore = processorMs(pids);
    const { perSecond, p50, succeeded } = await runH2load({
      ...{ endpoint, path: "/etcdserverpb.KV/Put", message },
      ...{ connections: CONNECTIONS, streams: STREAMS, seconds: SECONDS },
    });
    const cpuMs = processorMs(pids) - cpuBefore;
    // h2load counts HTTP answers; a put that gRPC refused would be missing here.
    const written = (await revision()) - before;
    expect(written).toBeGreaterThanOrEqual(succeeded);
    return { perSecond, p50, cpuUs: (cpuMs * 1_000) / Math.max(1, written) };
  } finally {
    wire.close();
  }
}

async function pairs(
  lone: Subject,
  federation: Subject,
  key: string,
  count: number,
): Promise<Pair[]> {
  const measured: Pair[] = [];
  for (let at = 0; at < count; at += 1) {
    const loneFirst = at % 2 === 0 ? await run(lone, key) : undefined;
    const federated = await run(federation, key);
    measured.push({ lone: loneFirst ?? (await run(lone, key)), federation: federated });
  }
  return measured;
}

/** Median, and the middle half of all pairs. */
function ratioText(ratios: number[]): string {
  const { p50 } = percentiles(ratios);
  const at = (share: number): string =>
    (ratios[Math.floor((ratios.length - 1) * share)] ?? 0).toFixed(3);
  return `${p50.toFixed(3)} (${at(0.25)} to ${at(0.75)})`;
}

function medianOf(values: number[]): string {
  return shortNumber(percentiles(values).p50);
}

function rowOf(subject: string, measured: readonly Pair[]): string[] {
  const lone = measured.map((pair) => pair.lone);
  const federation = measured.map((pair) => pair.federation);
  const ratios = (of: (run: Run) => number): number[] =>
    measured.map((pair) => of(pair.federation) / of(pair.lone));
  return [
    subject,
    String(measured.length),
    medianOf(lone.map(({ perSecond }) => perSecond)),
    medianOf(federation.map(({ perSecond }) => perSecond)),
    medianOf(lone.map(({ cpuUs }) => cpuUs)),
    medianOf(federation.map(({ cpuUs }) => cpuUs)),
    ratioText(ratios(({ perSecond }) => 1 / perSecond)),
    ratioText(ratios(({ cpuUs }) => cpuUs)),
  ];
}

const HEAD = [
  "put to",
  "pairs",
  "lone, puts/s",
  "federation, puts/s",
  "lone, server µs a put",
  "federation, server µs a put",
  "time a put, ratio: median (middle half)",
  "server CPU a put, ratio: median (middle half)",
];

async function measureAll(): Promise<void> {
  const clusters: Cluster[] = [];
  try {
    clusters.push(await Cluster.start({ voters: 3, isMeasured: true }));
    clusters.push(...(await startFederation()));
    const [alone, near] = clusters;
    if (alone === undefined || near === undefined) throw new Error("three clusters are started");
    const lone = await subjectOf("lone", alone);
    const federation = await subjectOf("federation", near);
    for (const subject of [lone, federation]) await putBoth(subject);
    // What runs often is compiled by then, on both sides.
    await pairs(lone, federation, "own/warm", 1);
    const own = await pairs(lone, federation, "own/key", PAIRS);
    const federated = await pairs(lone, federation, `${PREFIX}key`, FEDERATED_PAIRS);
    const machine = describeMachine();
    const cells = [
      HEAD,
      rowOf("a key that is not federated", own),
      rowOf("a federated key", federated),
    ];
    process.stdout.write(`\n${formatTable(cells)}\n\n${machineLine(machine)}\n`);
    writeResult("federation-cost", { machine, valueBytes: VALUE_BYTES, own, federated });
    writeReadmeSection("federation-cost", `${markdownTable(cells)}\n\n${machineLine(machine)}.`);
  } finally {
    for (const cluster of clusters) await cluster.stop();
  }
}

describeWith(["h2load"], "the cost of a federation", () => {
  test("measures pairs of lone and federated puts", measureAll, RUN_MS_MAX);
});
