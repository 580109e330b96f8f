// Refused connections in the log: a burst, then a line a second, and what was left out is counted.
import { expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { ConnectionJournal } from "./connection-journal.ts";

test("lines are bounded in rate, and the next one counts those left out", () => {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const silent = (): undefined => undefined;
  let nowMs = 0;
  const journal = new ConnectionJournal(
    { info: silent, error: silent, warn: (_, fields) => lines.push(fields) },
    () => nowMs as MonotonicMs,
  );
  for (let at = 0; at < 100; at += 1) journal.rejected("peer", { remote: `h:${at}`, reason: "no" });
  expect(lines).toHaveLength(20);
  expect(lines[0]).toEqual({ port: "peer", remoteAddr: "h:0", reason: "no" });
  nowMs += 1_000;
  journal.rejected("client", { remote: "h:x", reason: "no" });
  journal.rejected("client", { remote: "h:y", reason: "no" });
  expect(lines.slice(20)).toEqual([
    { port: "client", remoteAddr: "h:x", reason: "no", similarLinesLeftOut: 80 },
  ]);
});
