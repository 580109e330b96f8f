// Conflicts and siblings in every format, each in one line a write.
import { expect, test } from "@jest/globals";
import { KeyValue } from "../client/index.ts";
import type { GetAnswer, KeySiblings, SettledConflict } from "../client/index.ts";
import { openConflictsView, openEventView, settledConflictsView } from "./conflicts-view.ts";
import type { Format } from "./output.ts";
import { siblingsView } from "./siblings-view.ts";
import { printed } from "./view.ts";
import type { View } from "./view.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const HEADER = { clusterId: 1n, memberId: 2n, revision: 3, raftTerm: 4, region: "eu" };
const common = { region: "eu", wallMs: Date.UTC(2026, 0, 2), valueBytes: 9 };
const dot = { origin: 1, sequence: 4 };
const SIBLINGS: KeySiblings = {
  policy: "siblings",
  kind: "",
  siblings: [
    { ...common, dot, value: bytes("a\nb") },
    { ...common, dot: { origin: 2, sequence: 9 }, region: "us", valueBytes: 0 },
  ],
  context: bytes("c"),
  rights: 0n,
};
const SETTLED: SettledConflict = {
  number: 7,
  key: bytes("k"),
  dot,
  region: "eu",
  wallMs: common.wallMs,
  decidedBy: "settle",
  kept: dot,
  lost: [{ ...common, dot, value: bytes("a") }],
};

function textOf(view: View, format: Format): string {
  return Buffer.from(printed(view, format, (_tone, text) => text)).toString();
}

test("siblings: who wrote what when, in one line each, and the context", () => {
  const kv = new KeyValue({ key: bytes("k"), value: bytes("a\nb") });
  const answer: GetAnswer = { header: HEADER, revision: 3, kv, siblings: SIBLINGS };
  const view = siblingsView("k", answer, false);
  expect(textOf(view, "simple")).toBe(
    "k: siblings\nshown: a\nb\n" +
      "eu 1:4 2026-01-02T00:00:00.000Z a\\nb...\nus 2:9 2026-01-02T00:00:00.000Z (deleted)\n" +
      "context Yw==\n",
  );
  expect(textOf(view, "table")).toMatch(/REGION .*\n.*\n.*eu .* 1:4/);
  expect(JSON.parse(textOf(view, "json"))).toMatchObject({
    shown: "YQpi",
    context: "Yw==",
    siblings: [{ value: "YQpi", value_bytes: 9 }, { deleted: true }],
  });
  expect(textOf(view, "fields")).toContain('"siblings.1.region" : "us"\n');
});

test("a bounded counter: the region's rights, and no context", () => {
  const siblings = { ...SIBLINGS, kind: "bounded-counter", siblings: [], rights: 5n };
  const view = siblingsView("k", { header: HEADER, revision: 3, siblings }, false);
  expect(textOf(view, "simple")).toBe("k: bounded-counter\nrights of this region: 5\n");
});

test("conflicts: a line each, open and settled, in every format", () => {
  const open = [{ key: bytes("k"), siblings: SIBLINGS }];
  const line = "k: eu 1:4 a\\nb..., us 2:9 (deleted)\n";
  expect(textOf(openConflictsView(open, false), "simple")).toBe(line);
  expect(textOf(openEventView({ key: bytes("k"), siblings: SIBLINGS }, false), "simple")).toBe(
    `open ${line}`,
  );
  expect(textOf(openConflictsView(open, true), "simple")).toMatch(/^\\x6b: eu 1:4 \\x61\\x0a\\x62/);
  const settled = settledConflictsView([SETTLED], false);
  expect(textOf(settled, "simple")).toBe(
    "7 k: settle 1:4 of eu at 2026-01-02T00:00:00.000Z kept 1:4, lost eu 1:4 a...\n",
  );
  for (const format of ["table", "json", "fields"] as const) {
    expect(textOf(settled, format)).toMatch(/7/);
  }
  expect(textOf(openConflictsView([], false), "simple")).toBe("");
  const odd = [{ key: bytes("k\n\u009b\u007f"), siblings: { ...SIBLINGS, siblings: [] } }];
  expect(textOf(openConflictsView(odd, false), "simple")).toBe("k\\n\\u009b\\u007f: \n");
});
