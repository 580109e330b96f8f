// Log lines as an operator's tools and eyes get them.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ServerJournal } from "./journal.ts";
import type { JournalOptions } from "./journal.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hansa-journal-"));
  file = join(folder, "server.log");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function open(change: Partial<JournalOptions> = {}): ServerJournal {
  return ServerJournal.open({
    level: "info",
    outputs: [file],
    format: "json",
    fields: { name: "m1", member: "8e9e05c52164694d" },
    onOutputFailure: (output, failure) => {
      throw new Error(`${output}: ${failure.message}`);
    },
    ...change,
  });
}

function lines(): unknown[] {
  const text = readFileSync(file, "utf8").trimEnd();
  return text.split("\n").map((line) => JSON.parse(line) as unknown);
}

test("a JSON line names the member, the part and what holds at that moment", async () => {
  const journal = open();
  let term = 1;
  const group = journal.with({ group: 1 }, () => ({ role: "leader", term }));
  group.info("leadership changed", { leader: 2 });
  term = 2;
  group.warn("late");
  journal.error("alone");
  await journal.close();
  const base = { name: "m1", member: "8e9e05c52164694d", ts: expect.stringMatching(/^\d{4}-.*Z$/) };
  expect(lines()).toEqual([
    {
      ...base,
      level: "info",
      msg: "leadership changed",
      group: 1,
      role: "leader",
      term: 1,
      leader: 2,
    },
    { ...base, level: "warn", msg: "late", group: 1, role: "leader", term: 2 },
    { ...base, level: "error", msg: "alone" },
  ]);
});

test("lines below the level are not written", async () => {
  const journal = open({ level: "warn" });
  journal.debug("no");
  journal.info("no");
  journal.warn("yes");
  await journal.close();
  expect(lines()).toMatchObject([{ msg: "yes" }]);
  const verbose = open({ level: "debug" });
  verbose.debug("detail");
  await verbose.close();
  expect(lines()).toMatchObject([{ msg: "yes" }, { level: "debug", msg: "detail" }]);
});

test("bytes show as a length, 64-bit ids in hexadecimal, errors with their stack", async () => {
  const journal = open();
  const secret = new Uint8Array([115, 51, 99, 114, 51, 116]);
  journal.info("shown", {
    id: 0xffn,
    value: secret,
    nested: [{ body: secret }],
    at: new Error("why"),
  });
  await journal.close();
  expect(lines()).toMatchObject([
    { id: "ff", value: "<6 bytes>", nested: [{ body: "<6 bytes>" }] },
  ]);
  expect(readFileSync(file, "utf8")).toContain("Error: why");
});

test("the console format is one line with its fields", async () => {
  const journal = open({ format: "console" });
  journal.info("ready", { url: "http://h:1" });
  await journal.close();
  expect(readFileSync(file, "utf8")).toMatch(
    /^\S+Z INFO {2}ready name="m1" member="8e9e05c52164694d" url="http:\/\/h:1"\n$/,
  );
});

test("an output that cannot be written is reported once, and the others go on", async () => {
  const failures: string[] = [];
  const journal = open({
    outputs: [file, join(folder, "server.log", "below-a-file")],
    onOutputFailure: (output) => failures.push(output),
  });
  journal.info("one");
  journal.info("two");
  await journal.close();
  expect(lines()).toHaveLength(2);
});

test("the last word is on the output before the call returns", async () => {
  const journal = open();
  journal.with({ group: 1 }).lastWord("ended by a bug", { bug: new Error("why") });
  expect(lines()).toMatchObject([{ level: "error", msg: "ended by a bug", group: 1 }]);
  await journal.close();
});
