// What a cluster of three costs while nobody asks it for anything: Debian's etcd and Hansa at the same time, so that
// whatever else the machine does costs both, in several spans of which the middle one counts. Numbers only.
import { setTimeout as span } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { Cluster } from "../e2e/cluster.ts";
import { EtcdCluster } from "../e2e/etcd.ts";
import { describeWith } from "../e2e/tools.ts";
import { describeMachine, machineLine } from "./machine.ts";
import { processorMs, wakeUps } from "./processor-time.ts";
import { writeResult } from "./readme.ts";
import { formatTable, shortNumber } from "./table.ts";

const SPANS = 9;
const SPAN_MS = (Number(process.env["HANSA_BENCH_SECONDS"] ?? "60") * 1_000) / SPANS;
/** Until who has just started rests: code is compiled, memory given back. */
const REST_MS = 2 * SPAN_MS;

interface Sample {
  readonly cpuMs: number;
  readonly wakeUps: number;
}

interface Subject {
  readonly peer: "etcd" | "Hansa";
  readonly pids: readonly number[];
  /** Of each span: of one member, a second. */
  readonly samples: Sample[];
}

async function measure(subjects: readonly Subject[]): Promise<void> {
  await span(REST_MS);
  for (let at = 0; at < SPANS; at += 1) {
    const fromMs = performance.now();
    const before = subjects.map(({ pids }) => [processorMs(pids), wakeUps(pids)] as const);
    await span(SPAN_MS);
    const seconds = (performance.now() - fromMs) / 1_000;
    subjects.forEach(({ pids, samples }, which) => {
      const [cpuMs = 0, woken = 0] = before[which] ?? [];
      const memberSeconds = seconds * pids.length;
      samples.push({
        cpuMs: (processorMs(pids) - cpuMs) / memberSeconds,
        wakeUps: (wakeUps(pids) - woken) / memberSeconds,
      });
    });
  }
}

function medianOf({ samples }: Subject, what: keyof Sample): number {
  const sorted = samples.map((sample) => sample[what]).sort((left, right) => left - right);
  return sorted[(sorted.length - 1) >>> 1] ?? 0;
}

describeWith(["etcd"], "idle", () => {
  test("measures etcd and Hansa beside each other", async () => {
    const etcd = await EtcdCluster.start(3);
    const hansa = await Cluster.start({ voters: 3, isMeasured: true });
    try {
      const subjects: readonly Subject[] = [
        { peer: "etcd", pids: etcd.members.map(({ pid }) => pid), samples: [] },
        { peer: "Hansa", pids: hansa.members.map(({ pid }) => pid), samples: [] },
      ];
      await measure(subjects);
      const head = ["three members", "CPU of a member, ms/s", "wake-ups of a member a second"];
      const cells = subjects.map((subject) => [
        subject.peer,
        shortNumber(medianOf(subject, "cpuMs")),
        shortNumber(medianOf(subject, "wakeUps")),
      ]);
      for (const { samples } of subjects) expect(samples).toHaveLength(SPANS);
      const machine = describeMachine();
      const about = `medians of ${SPANS} spans; ${machineLine(machine)}`;
      process.stdout.write(`\n${formatTable([head, ...cells])}\n\n${about}\n`);
      const rows = subjects.map(({ peer, samples }) => ({ peer, samples }));
      writeResult("idle", { machine, rows });
    } finally {
      await hansa.stop();
      await etcd.stop();
    }
  });
});
