// Formats beyond those that etcdctl has to compare with: proofs, ids of 64 bits, bytes that are no text.
import { describe, expect, test } from "@jest/globals";
import { KeyValue } from "../client/index.ts";
import type { Header, RangeAnswer } from "../client/index.ts";
import { outputOf } from "./output-format.ts";
import { humanBytes } from "./output-simple.ts";
import { PLAIN } from "./paint.ts";
import { drawTable } from "./table.ts";

const BARE = { hex: false, valueOnly: false, countOnly: false, paint: PLAIN };

const header: Header = {
  clusterId: 2n ** 64n - 1n,
  memberId: 2n ** 63n + 1n,
  revision: 7,
  raftTerm: 2,
  region: "",
};

function answerOf(value: Uint8Array): RangeAnswer {
  const wire = { key: Buffer.from("k"), value, mod_revision: 7, create_revision: 6, version: 2 };
  const proof = {
    asked: "lease",
    used: "index",
    memberId: 2n ** 63n + 1n,
    role: "leader",
    region: "eu",
    appliedIndex: 9,
    revision: 7,
    stalenessBoundMs: 0,
    clockDriftMax: 0.1,
  } as const;
  const kv = new KeyValue({ ...wire, lease: -1n });
  return { header, revision: 7, proof, kvs: [kv], more: false, count: 1 };
}

describe("json", () => {
  test("ids keep all 64 bits, a bound of 0 is a bound, empty fields are left out", () => {
    const printed = Buffer.from(outputOf("json", BARE).range(answerOf(Buffer.from("v"))));
    expect(JSON.parse(printed.toString())).toEqual({
      header: {
        cluster_id: "18446744073709551615",
        member_id: "9223372036854775809",
        revision: 7,
        raft_term: 2,
      },
      kvs: [
        {
          key: "aw==",
          create_revision: 6,
          mod_revision: 7,
          version: 2,
          value: "dg==",
          lease: "-1",
        },
      ],
      count: 1,
      proof: {
        asked: "lease",
        used: "index",
        member_id: "9223372036854775809",
        role: "leader",
        region: "eu",
        applied_index: 9,
        revision: 7,
        staleness_bound_ms: 0,
        clock_drift_max: 0.1,
      },
    });
  });

  test("an unknown age is absent, not 0", () => {
    const answer = answerOf(Buffer.from("v"));
    if (answer.proof === undefined) throw new Error("the answer has a proof");
    const { stalenessBoundMs: _, ...proof } = answer.proof;
    const printed = Buffer.from(outputOf("json", BARE).range({ ...answer, proof })).toString();
    expect(printed).not.toContain("staleness_bound_ms");
  });
});

test("an answer that another region gave names it, where etcdctl prints no line of its own", () => {
  const answer = { header: { ...header, home: "us" }, revision: 7 };
  const printed = (format: "json" | "fields" | "simple"): string =>
    Buffer.from(outputOf(format, BARE).put(answer)).toString();
  expect(JSON.parse(printed("json"))).toMatchObject({ header: { home: "us" } });
  expect(printed("fields")).toContain('"Home" : "us"\n');
  expect(printed("simple")).toBe("OK\n");
});

test("simple: bytes that are no text go out as they are, or in hexadecimal when asked", () => {
  const value = Uint8Array.of(0xff, 0x00, 0x0a);
  const plain = outputOf("simple", BARE).range(answerOf(value));
  expect([...plain]).toEqual([0x6b, 0x0a, 0xff, 0x00, 0x0a, 0x0a]);
  const hex = outputOf("simple", { ...BARE, hex: true }).range(answerOf(value));
  expect(Buffer.from(hex).toString()).toBe("\\x6b\n\\xff\\x00\\x0a\n");
});

test("table: a cell is one line, and the proof has a table of its own", () => {
  const table = Buffer.from(
    outputOf("table", BARE).range(answerOf(Buffer.from("a\nb"))),
  ).toString();
  expect(table).toContain("|  a\\nb |");
  expect(table).toContain("| index (lease asked) |");
  expect(table).toContain("|        0 ms |");
  const widths = new Set(
    table
      .trimEnd()
      .split("\n")
      .slice(0, 5)
      .map((line) => line.length),
  );
  expect(widths.size).toBe(1);
});

test("a table without rows has its head", () => {
  expect(drawTable(["A", "BC"], [])).toBe("+---+----+\n| A | BC |\n+---+----+\n");
});

test.each([
  [0, "0 B"],
  [9, "9 B"],
  [10, "10 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [6_340, "6.3 kB"],
  [20_480, "20 kB"],
  [21_500, "22 kB"],
  [1_500_000, "1.5 MB"],
  [2_147_483_648, "2.1 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});
