// Refused connections in the log: a burst of each reason, then a line in ten seconds, and what was left out is counted.
import { beforeEach, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { ConnectionJournal } from "./connection-journal.ts";

let lines: Readonly<Record<string, unknown>>[];
let nowMs: number;
let journal: ConnectionJournal;

beforeEach(() => {
  lines = [];
  nowMs = 0;
  const silent = (): undefined => undefined;
  journal = new ConnectionJournal(
    { info: silent, error: silent, warn: (_, fields) => lines.push(fields) },
    () => nowMs as MonotonicMs,
  );
});

function knock(times: number, port: "client" | "peer", reason: (at: number) => string): void {
  for (let at = 0; at < times; at += 1) {
    journal.rejected(port, { remote: `h:${at}`, reason: reason(at) });
  }
}

test("lines of one reason are bounded in rate, and the next one counts those left out", () => {
  knock(100, "peer", () => "no");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toEqual({ port: "peer", remoteAddr: "h:0", reason: "no" });
  nowMs += 10_000;
  knock(2, "peer", () => "no");
  expect(lines.slice(5)).toEqual([
    { port: "peer", remoteAddr: "h:0", reason: "no", linesLeftOut: 95 },
  ]);
});

test("who knocks all day hides nobody who is turned away for another reason, or at another port", () => {
  knock(100_000, "client", () => "no");
  knock(1, "client", () => "revoked");
  knock(1, "peer", () => "no");
  expect(lines.slice(5)).toEqual([
    { port: "client", remoteAddr: "h:0", reason: "revoked", linesLeftOut: 99_995 },
    { port: "peer", remoteAddr: "h:0", reason: "no" },
  ]);
});

test("lines of ever other reasons are bounded in rate too", () => {
  knock(100_000, "client", (at) => `the certificate with serial number ${at} is revoked`);
  expect(lines).toHaveLength(50);
  nowMs += 1_000;
  knock(2, "client", (at) => `the certificate with serial number ${100_000 + at} is revoked`);
  expect(lines).toHaveLength(51);
  expect(lines[50]).toMatchObject({ linesLeftOut: 99_950 });
});
