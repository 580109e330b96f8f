// What a number was measured on: a benchmark without its machine is a rumour.
import { execFileSync } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, release, tmpdir, totalmem, type } from "node:os";
import { join } from "node:path";
import { percentiles } from "./percentiles.ts";

export interface Machine {
  readonly atDate: string;
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  /** Median and 99th percentile of one 4 KiB write and fdatasync in the folder of the data, in ms. */
  readonly fdatasyncMs: { readonly p50: number; readonly p99: number };
}

const SYNCS = 400;
const PAGE_BYTES = 4_096;

export function describeMachine(): Machine {
  const [processor] = cpus();
  return {
    atDate: new Date().toISOString().slice(0, 10),
    commit: commit(),
    cpu: processor?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    fdatasyncMs: measureFdatasync(),
  };
}

/** One line for a table's foot. */
export function machineLine(machine: Machine): string {
  const { p50, p99 } = machine.fdatasyncMs;
  return (
    `${machine.atDate}, ${machine.commit}: ${machine.cpu}, ${machine.cores} cores, ` +
    `${machine.memoryGib} GiB, ${machine.kernel}, Node ${machine.node}, ` +
    `fdatasync p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
  );
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: __dirname,
      encoding: "utf8",
    }).trim();
  } catch (failure) {
    return `no commit (${failure instanceof Error ? failure.message : String(failure)})`;
  }
}

function measureFdatasync(): { p50: number; p99: number } {
  const folder = mkdtempSync(join(tmpdir(), "hansa-sync-"));
  const file = openSync(join(folder, "page"), "w");
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const times: number[] = [];
  try {
    for (let at = 0; at < SYNCS; at += 1) {
      const startedAtMs = performance.now();
      writeSync(file, page, 0, PAGE_BYTES, at * PAGE_BYTES);
      fdatasyncSync(file);
      times.push(performance.now() - startedAtMs);
    }
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
  const { p50, p99 } = percentiles(times);
  return { p50, p99 };
}
