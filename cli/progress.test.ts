// A progress line: drawn on a terminal only, not too often, never wider than it, and gone at the end.
import { expect, test } from "@jest/globals";
import { Progress } from "./progress.ts";
import type { Stdio } from "./stdio.ts";

function lent(err: boolean, columns = 80): { stdio: Stdio; drawn: string[] } {
  const drawn: string[] = [];
  const stdio: Stdio = {
    readInput: () => Promise.resolve(new Uint8Array()),
    out: () => undefined,
    err: (text) => drawn.push(text),
    env: {},
    terminal: { out: false, err, columns },
  };
  return { stdio, drawn };
}

test("bytes, share and rate, at most ten times a second", () => {
  const { stdio, drawn } = lent(true);
  let nowMs = 0;
  const progress = new Progress(stdio, { label: "snapshot", unit: "bytes", nowMs: () => nowMs });
  nowMs = 2_000;
  progress.at(1_000_000, 4_000_000);
  progress.at(1_100_000, 4_000_000);
  nowMs = 4_000;
  progress.at(4_000_000, 4_000_000);
  progress.end();
  expect(drawn).toEqual([
    "\rsnapshot  [######------------------]  25%  1.0 MB/4.0 MB  500 kB/s  2 s\u001b[K",
    "\rsnapshot  [########################]  100%  4.0 MB/4.0 MB  1.0 MB/s  4 s\u001b[K",
    "\r\u001b[K",
  ]);
});

test("without a total it counts", () => {
  const { stdio, drawn } = lent(true, 20);
  let nowMs = 0;
  const options = { label: "put", unit: "operations", nowMs: () => nowMs } as const;
  const progress = new Progress(stdio, options);
  nowMs = 1_000;
  progress.at(5_000);
  expect(drawn).toEqual(["\rput  5000  5000/s  \u001b[K"]);
});

test("what is no terminal stays empty", () => {
  const { stdio, drawn } = lent(false);
  const progress = new Progress(stdio, { label: "snapshot", unit: "bytes" });
  progress.at(1, 2);
  progress.end();
  expect(drawn).toEqual([]);
});
