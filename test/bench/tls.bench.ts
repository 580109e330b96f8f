// What TLS costs: one member with a plain and a secured port, the same frames by h2load on each in turn, the CPU that
// the member spends on one call. Numbers only.
import { test } from "@jest/globals";
import { etcdserverpb } from "../../proto/index.ts";
import { freePort } from "../e2e/free-port.ts";
import { describeWith } from "../e2e/tools.ts";
import { until } from "../e2e/until.ts";
import { bytes, WireClient } from "../e2e/wire-client.ts";
import { runH2load } from "./h2load.ts";
import { keyAt } from "./keys.ts";
import { loneHansa } from "./lone-server.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { processorMs } from "./processor-time.ts";
import { writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

const SECONDS = 3;
const ROUNDS = 3;
const START_MS_MAX = 60_000;
const CALL_MS_MAX = 10_000;

const key = bytes(keyAt(1));
const value = bytes("v".repeat(256));
const FRAMES = [
  {
    operation: "put",
    path: "/etcdserverpb.KV/Put",
    message: etcdserverpb.PutRequest.encode({ key, value }).finish(),
  },
  {
    operation: "linearizable range",
    path: "/etcdserverpb.KV/Range",
    message: etcdserverpb.RangeRequest.encode({ key }).finish(),
  },
] as const;

interface Row {
  readonly operation: string;
  readonly port: "plain" | "TLS";
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverCpuUs: number;
}

/** The middle one by CPU: a shared machine has bad moments. */
function middle(rows: readonly Row[]): Row {
  const sorted = [...rows].sort((left, right) => left.serverCpuUs - right.serverCpuUs);
  const found = sorted[Math.floor(sorted.length / 2)];
  if (found === undefined) throw new Error("nothing was measured");
  return found;
}

async function measure(
  frame: (typeof FRAMES)[number],
  port: Row["port"],
  endpoint: string,
  pid: number,
): Promise<Row> {
  const before = processorMs([pid]);
  const load = { ...frame, endpoint, connections: 10, streams: 10, seconds: SECONDS };
  const { perSecond, p50, p99, failed } = await runH2load(load);
  if (failed > 0) throw new Error(`${failed} calls of ${frame.operation} failed over ${port}`);
  const cpuMs = processorMs([pid]) - before;
  // h2load warms up for a second that it does not count.
  const serverCpuUs = (cpuMs * 1_000) / (perSecond * (SECONDS + 1));
  return { operation: frame.operation, port, perSecond, p50, p99, serverCpuUs };
}

async function measureAll(
  endpoints: Readonly<Record<Row["port"], string>>,
  pid: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const frame of FRAMES) {
    const taken: Record<Row["port"], Row[]> = { plain: [], TLS: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const port of ["plain", "TLS"] as const) {
        taken[port].push(await measure(frame, port, endpoints[port], pid));
      }
    }
    rows.push(middle(taken.plain), middle(taken.TLS));
  }
  return rows;
}

describeWith(["h2load"], "TLS", () => {
  test("measures the plain port and the secured one in turn", async () => {
    const [plain, secure] = [await freePort(), await freePort()];
    const urls = `http://127.0.0.1:${plain},https://127.0.0.1:${secure}`;
    const advertised = `http://127.0.0.1:${plain}`;
    const server = await loneHansa([
      ...["--listen-client-urls", urls, "--advertise-client-urls", advertised, "--auto-tls"],
    ]);
    try {
      server.start();
      const wire = new WireClient(`127.0.0.1:${plain}`);
      await until("the member serves", START_MS_MAX, () => wire.put({ key, value }, CALL_MS_MAX));
      wire.close();
      const endpoints = { plain: `127.0.0.1:${plain}`, TLS: `https://127.0.0.1:${secure}` };
      const rows = await measureAll(endpoints, server.pid);
      const machine = describeMachine();
      const cells = rows.map(({ operation, port, perSecond, p50, p99, serverCpuUs }) => [
        operation,
        port,
        ...[perSecond, p50, p99, serverCpuUs].map(shortNumber),
      ]);
      const head = ["operation", "port", "ops/s", "p50 ms", "p99 ms", "server µs/op"];
      process.stdout.write(`\n${formatTable([head, ...cells])}\n\n${machineLine(machine)}\n`);
      writeResult("tls", { machine, rows });
    } finally {
      await server.remove();
    }
  });
});
