// One member by itself, Hansa's or Debian's etcd, that is stopped and started over the same data: what a
// number of keys costs in memory, on disk and at a restart.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "../e2e/child.ts";
import { Cluster } from "../e2e/cluster.ts";
import { freePort } from "../e2e/free-port.ts";

export interface LoneServer {
  readonly peer: "etcd" | "hansa";
  /** host:port. */
  readonly endpoint: string;
  readonly dataDir: string;
  readonly pid: number;
  start(): void;
  /** SIGTERM, and the end of the process. */
  terminate(): Promise<void>;
  /** Kills what still runs and removes the data. */
  remove(): Promise<void>;
}

const STOP_MS_MAX = 120_000;

export async function loneHansa(flags: readonly string[] = []): Promise<LoneServer> {
  const cluster = await Cluster.plan({ voters: 1, flags, isMeasured: true });
  const [member] = cluster.members;
  if (member === undefined) throw new Error("a cluster of one has a member");
  return {
    peer: "hansa",
    endpoint: member.endpoint,
    dataDir: member.dataDir,
    get pid() {
      return member.pid;
    },
    start: () => member.start(),
    terminate: async () => {
      await member.terminate();
    },
    remove: () => cluster.stop(),
  };
}

export async function loneEtcd(): Promise<LoneServer> {
  const dataDir = mkdtempSync(join(tmpdir(), "hansa-etcd-"));
  const [client, peer] = [await freePort(), await freePort()].map(
    (port) => `http://127.0.0.1:${port}`,
  );
  const args = [
    ...["--name", "lone", "--data-dir", dataDir, "--logger", "zap"],
    ...["--listen-client-urls", `${client}`, "--advertise-client-urls", `${client}`],
    ...["--listen-peer-urls", `${peer}`, "--initial-advertise-peer-urls", `${peer}`],
    ...["--initial-cluster", `lone=${peer}`],
    // Of 1,000,000 keys: beyond its default.
    ...["--quota-backend-bytes", String(8 * 2 ** 30)],
  ];
  let child: Child | undefined;
  const running = (): Child => {
    if (child === undefined) throw new Error("etcd was never started");
    return child;
  };
  return {
    peer: "etcd",
    endpoint: `${client}`.replace("http://", ""),
    dataDir,
    get pid() {
      return running().pid;
    },
    start: () => {
      child = new Child("etcd", args);
    },
    terminate: () => ended(running(), "SIGTERM"),
    remove: async () => {
      if (child?.running === true) await ended(child, "SIGKILL");
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function ended(child: Child, signal: NodeJS.Signals): Promise<void> {
  child.signal(signal);
  const late = setTimeout(() => child.signal("SIGKILL"), STOP_MS_MAX);
  await child.exited;
  clearTimeout(late);
}

/** Resident memory in MiB, as the kernel counts it. */
export function residentMib(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`process ${pid} has no resident memory`);
  return Number(found[1]) / 1024;
}

/** What the folder takes on its disk, in MiB. */
export function diskMib(folder: string): number {
  const [kib = ""] = execFileSync("du", ["-s", "-k", folder], { encoding: "utf8" }).split("\t");
  return Number(kib) / 1024;
}
