// How output looks: colours only where they are wanted, columns aligned, quotes as Go's.
import { describe, expect, test } from "@jest/globals";
import { goQuoted } from "./go-quote.ts";
import { colorChoiceIn, isColorful, paintFor } from "./paint.ts";
import { drawTable, widthOf } from "./table.ts";
import { printed } from "./view.ts";
import type { View } from "./view.ts";

const SILENT = {
  readInput: () => Promise.resolve(new Uint8Array()),
  out: () => undefined,
  err: () => undefined,
};
const terminal = { out: true, err: false, columns: 80 };

describe("colours", () => {
  const colorful = (env: Record<string, string>, choice: "auto" | "always" | "never"): boolean =>
    isColorful({ ...SILENT, env, terminal }, "out", choice);

  test("on a terminal, and not for NO_COLOR or a dumb one", () => {
    expect(colorful({}, "auto")).toBe(true);
    expect(colorful({ NO_COLOR: "" }, "auto")).toBe(true);
    expect(colorful({ NO_COLOR: "1" }, "auto")).toBe(false);
    expect(colorful({ TERM: "dumb" }, "auto")).toBe(false);
    expect(isColorful({ ...SILENT, env: {}, terminal }, "err", "auto")).toBe(false);
    expect(isColorful({ ...SILENT, env: {} }, "out", "auto")).toBe(false);
  });

  test("--color counts before all of that", () => {
    expect(colorful({ NO_COLOR: "1" }, "always")).toBe(true);
    expect(colorful({}, "never")).toBe(false);
  });

  test.each([
    [["get", "k", "--color", "always"], "always"],
    [["--color=never", "get"], "never"],
    [["get", "--", "--color=never"], "auto"],
    [["get", "--color", "pink"], "auto"],
    [["get", "--color"], "auto"],
  ])("the choice in %j is %s", (argv, choice) => {
    expect(colorChoiceIn(argv)).toBe(choice);
  });
});

describe("tables", () => {
  test("cells are aligned by what is seen, painted or wide", () => {
    const paint = paintFor({ ...SILENT, env: {} }, "out", "always");
    const rows = [
      ["配置", "ok"],
      ["é", "bad"],
    ];
    const painted = drawTable(["KEY", "STATE"], rows, {
      paint,
      tone: (column, text) => (column === "STATE" && text === "bad" ? "bad" : undefined),
    });
    expect(painted).toContain("\u001b[1;31m  bad\u001b[0m");
    const seen = painted.replace(/\u001b\[[0-9;]*m/g, "");
    const widths = seen.trimEnd().split("\n").map(widthOf);
    expect(new Set(widths).size).toBe(1);
    expect(seen).toBe(drawTable(["KEY", "STATE"], rows));
  });
});

test.each([
  ["plain", '"plain"'],
  ['a "b" \\', '"a \\"b\\" \\\\"'],
  ["tab\tline\n\u0001\u007f", '"tab\\tline\\n\\x01\\x7f"'],
  ["é 配", '"é 配"'],
  ["\u00a0\u200b\u{e0001}", '"\\u00a0\\u200b\\U000e0001"'],
  [Uint8Array.of(0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80), '"a\\xff\\xc3(\\xed\\xa0\\x80"'],
])("%j is quoted as Go quotes it", (text, quoted) => {
  expect(goQuoted(text)).toBe(quoted);
});

describe("a view", () => {
  const view: View = {
    simple: ["two\n"],
    table: { head: ["A"], rows: [["2"]] },
    json: { header: { revision: 7 }, names: ["x", "y"] },
    fields: [["A", 2n]],
  };
  const text = (shown: View, format: "simple" | "json" | "table" | "fields"): string =>
    Buffer.from(printed(shown, format, (_, plain) => plain)).toString();

  test("has each format", () => {
    expect(text(view, "simple")).toBe("two\n");
    expect(text(view, "json")).toBe('{"header":{"revision":7},"names":["x","y"]}\n');
    expect(text(view, "table")).toContain("| 2 |");
    expect(text(view, "fields")).toBe('"A" : 2\n');
  });

  test("without a table is its lines, and without fields the leaves of its JSON", () => {
    const { simple, json } = view;
    expect(text({ simple, json }, "table")).toBe("two\n");
    expect(text({ simple, json }, "fields")).toBe(
      '"header.revision" : 7\n"names.0" : "x"\n"names.1" : "y"\n',
    );
  });
});
