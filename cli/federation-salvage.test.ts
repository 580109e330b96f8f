// The file of what was salvaged: whole or not there at all, since what is in it is let go elsewhere.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { KvError } from "../client/index.ts";
import type { SalvagedTransaction } from "../client/index.ts";
import { save } from "./federation-salvage.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hansa-salvage-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function transaction(origin: number, sequence: number): SalvagedTransaction {
  const put = { key: bytes("k"), action: "put", value: bytes(`${sequence}`), operation: "" };
  return { dot: { origin, sequence }, region: "fra", wallMs: 0, operations: [put] };
}

/** A region that has these, and breaks off behind them if it is said so. */
function region(kept: readonly SalvagedTransaction[], breaksOff = false) {
  async function* list(): AsyncGenerator<SalvagedTransaction> {
    yield* await Promise.resolve(kept);
    if (breaksOff) throw new KvError("unavailable", "unknown", "the member is gone");
  }
  return { salvage: { list } };
}

test("a line a transaction, and the last of each origin", async () => {
  const file = join(folder, "whole.jsonl");
  const kept = [transaction(2, 5), transaction(2, 6), transaction(3, 1)];
  const saved = await save(region(kept), file);
  expect(saved).toMatchObject({ transactions: 3, keys: 3 });
  expect([...saved.last.values()]).toEqual([
    { origin: 2, sequence: 6 },
    { origin: 3, sequence: 1 },
  ]);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { origin: 2, sequence: 5, region: "fra", operations: [{ key: "aw==", value: "NQ==" }] },
    { origin: 2, sequence: 6 },
    { origin: 3, sequence: 1 },
  ]);
});

test("a file that did not come to its end is not left, and one that is there is not touched", async () => {
  const broken = save(region([transaction(2, 5)], true), join(folder, "broken.jsonl"));
  await expect(broken).rejects.toThrow(/the member is gone/);
  const mine = join(folder, "mine.jsonl");
  writeFileSync(mine, "precious");
  await expect(save(region([transaction(2, 5)]), mine)).rejects.toThrow(/EEXIST/);
  expect(readFileSync(mine, "utf8")).toBe("precious");
  expect(readdirSync(folder)).not.toContain("broken.jsonl");
});
