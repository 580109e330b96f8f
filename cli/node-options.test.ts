// The options of Node that a member runs with, however it is started.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { finish } from "../test/e2e/child.ts";
import { MEMBER_NODE_OPTIONS } from "./node-options.ts";

/** Kernels before 5.1 read no more of a first line. */
const FIRST_LINE_BYTES_MAX = 127;

test("are those of the command's first line", () => {
  const [firstLine = ""] = readFileSync(join(__dirname, "main.ts"), "utf8").split("\n");
  expect(Buffer.byteLength(firstLine)).toBeLessThanOrEqual(FIRST_LINE_BYTES_MAX);
  expect(firstLine).toBe(`#!/usr/bin/env -S node ${MEMBER_NODE_OPTIONS.join(" ")}`);
});

test("are taken by this release of Node", async () => {
  const print = "process.stdout.write(typeof gc)";
  const ended = await finish(process.execPath, [...MEMBER_NODE_OPTIONS, "-e", print]);
  expect(ended).toEqual({ exit: { code: 0 }, stdout: "function", stderr: "" });
});
