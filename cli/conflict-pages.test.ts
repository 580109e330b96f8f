// Lists of conflicts that come in pages: whole, within their range, and no longer than asked.
import { expect, test } from "@jest/globals";
import type { ConflictCalls, KeySelector, OpenConflict, SettledConflict } from "../client/index.ts";
import { allOpen, allSettled } from "./conflict-pages.ts";

const HEADER = { clusterId: 1n, memberId: 2n, revision: 3, raftTerm: 4, region: "eu" };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A region that answers with one conflict a page. */
function paged(keys: readonly string[]): {
  readonly conflicts: ConflictCalls;
  readonly asked: (KeySelector | undefined)[];
  readonly limits: number[];
} {
  const asked: (KeySelector | undefined)[] = [];
  const limits: number[] = [];
  const answer = { header: HEADER, revision: 3 };
  const siblings = { policy: "lww", kind: "", siblings: [], context: bytes(""), rights: 0n };
  const calls: Pick<ConflictCalls, "open" | "settled"> = {
    open: ({ keys: selector, limit = 0 } = {}) => {
      asked.push(selector);
      limits.push(limit);
      const page = keys.slice(asked.length - 1, asked.length).map((key) => bytes(key));
      const conflicts = page.map((key): OpenConflict => ({ key, siblings }));
      const next = keys[asked.length];
      return Promise.resolve({ ...answer, conflicts, ...(next && { next: bytes(next) }) });
    },
    settled: ({ from = 0, limit = 0 } = {}) => {
      limits.push(limit);
      const number = Math.max(from, 1);
      const conflicts = number <= keys.length ? [settled(number, keys[number - 1] ?? "")] : [];
      const next = number + conflicts.length;
      return Promise.resolve({ ...answer, conflicts, next, oldest: 1, more: next <= keys.length });
    },
  };
  return { conflicts: calls as ConflictCalls, asked, limits };
}

function settled(number: number, key: string): SettledConflict {
  const dot = { origin: 1, sequence: number };
  const common = { region: "eu", wallMs: 0, decidedBy: "settle", kept: dot, lost: [] };
  return { number, key: bytes(key), dot, ...common };
}

test.each<[KeySelector | undefined, (KeySelector | undefined)[]]>([
  [undefined, [undefined, { from: bytes("b") }, { from: bytes("c") }]],
  [
    { prefix: "s/" },
    [
      { prefix: "s/" },
      { from: bytes("b"), until: bytes("s0") },
      { from: bytes("c"), until: bytes("s0") },
    ],
  ],
  [{ prefix: "" }, [{ prefix: "" }, { from: bytes("b") }, { from: bytes("c") }]],
  [
    { from: "a", until: "x" },
    [
      { from: "a", until: "x" },
      { from: bytes("b"), until: "x" },
      { from: bytes("c"), until: "x" },
    ],
  ],
])("open conflicts of %o are asked for page by page", async (keys, expected) => {
  const region = paged(["a", "b", "c"]);
  const found = await allOpen(region, keys === undefined ? {} : { keys }, Infinity);
  expect(found.map(({ key }) => Buffer.from(key).toString())).toEqual(["a", "b", "c"]);
  expect(region.asked).toEqual(expected);
});

test("no more than was asked for, and no page too many", async () => {
  const region = paged(["a", "b", "c"]);
  expect(await allOpen(region, {}, 2)).toHaveLength(2);
  expect(region.limits).toEqual([2, 1]);
  expect(await allOpen(region, {}, 0)).toEqual([]);
  const numbers = async (from: number, limit: number): Promise<number[]> =>
    (await allSettled(region, { from }, limit)).map(({ number }) => number);
  expect(await numbers(0, Infinity)).toEqual([1, 2, 3]);
  expect(await numbers(2, 1)).toEqual([2]);
  expect(await numbers(9, Infinity)).toEqual([]);
  expect(region.limits.slice(2)).toEqual([1_000, 1_000, 1_000, 1, 1_000]);
});
