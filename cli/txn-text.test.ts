// etcdctl's text of a transaction: sections, conditions, words; and what is refused.
import { describe, expect, test } from "@jest/globals";
import { when } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { parseCompare, readTxnText, wordsOf } from "./txn-text.ts";
import { parseRequest } from "./txn-command.ts";

describe("readTxnText", () => {
  test("three sections, each ended by an empty line", () => {
    expect(readTxnText('mod("a") > "0"\n\nput a 1\nget a\n\nget b\n\n')).toEqual({
      compares: ['mod("a") > "0"'],
      success: ["put a 1", "get a"],
      failure: ["get b"],
    });
    expect(readTxnText("\n\n\n")).toEqual({ compares: [], success: [], failure: [] });
  });

  test.each(["", 'mod("a") > "0"\n', "\nput a 1\n\n", "\nput a 1\n\nget b", "\n\nget b\n"])(
    "%j is cut off, and is not run",
    (text) => {
      expect(() => readTxnText(text)).toThrow(UsageError);
    },
  );
});

describe("parseCompare", () => {
  test.each([
    ['version("k") = "3"', when.version("k", "=", 3)],
    ['ver("k") != "3"', when.version("k", "!=", 3)],
    ['create("k") > "0"', when.createRevision("k", ">", 0)],
    ['c("k") < "9"', when.createRevision("k", "<", 9)],
    ['mod("k") > "0"', when.modRevision("k", ">", 0)],
    ['m("a key") > "0"', when.modRevision("a key", ">", 0)],
    ['value("k") = "a \\"b\\"\\n"', when.value("k", "=", 'a "b"\n')],
    ['val(`k\\`) = "x"', when.value("k\\", "=", "x")],
    ['lease("k") = "7587"', when.lease("k", "=", 0x7587n)],
    ['lease("k") != "0xffffffffffffffff"', when.lease("k", "!=", -1n)],
  ])("%s", (line, condition) => {
    expect(parseCompare(line)).toEqual(condition);
  });

  test.each([
    ['size("k") = "3"', "unknown target size"],
    ['mod("k") >= "3"', "unknown relation >="],
    ['mod("k") = "x"', "no whole number"],
    ['lease("k") = "xyz"', "no lease id"],
    ["mod(k) = 3", "malformed"],
    ['mod("k" = "3"', "malformed"],
    ['value("k") = "\\q"', "unknown escape"],
    ['value("k") = "\\xff"', "no text"],
  ])("%s is refused: %s", (line, reason) => {
    expect(() => parseCompare(line)).toThrow(UsageError);
    expect(() => parseCompare(line)).toThrow(reason);
  });
});

test.each([
  ["put a 1", ["put", "a", "1"]],
  ['put "a b" "c \\"d\\""', ["put", "a b", 'c "d"']],
  ["put 'a \"b' c", ["put", 'a "b', "c"]],
  ["  get   k --prefix  ", ["get", "k", "--prefix"]],
  ['get ""', ["get", ""]],
])("words of %s", (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});

describe("parseRequest", () => {
  test("takes the commands' own flags", () => {
    expect(parseRequest("get k --prefix --limit 3 --keys-only").wire).toEqual({
      request_range: {
        key: Buffer.from("k"),
        range_end: Buffer.from("l"),
        limit: 3,
        keys_only: true,
      },
    });
    expect(parseRequest('put k "v w" --lease 7587 --prev-kv').wire).toEqual({
      request_put: {
        key: Buffer.from("k"),
        value: Buffer.from("v w"),
        lease: 0x7587n,
        prev_kv: true,
      },
    });
    expect(parseRequest("del a c").wire).toEqual({
      request_delete_range: { key: Buffer.from("a"), range_end: Buffer.from("c") },
    });
  });

  test.each([
    "",
    "watch k",
    "put k",
    "get",
    "get k --bogus",
    "get k --limit x",
    "put k v --ignore-value",
  ])("%j is refused", (line) => {
    expect(() => parseRequest(line)).toThrow(UsageError);
  });
});
