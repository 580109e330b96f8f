// The size of a directory is that of all its files, however many and however deep, while files come and go.
import { afterAll, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskUsage } from "./disk-usage.ts";

const directory = mkdtempSync(join(tmpdir(), "hansa-disk-usage-"));
const FILES = 40;

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function measured(of: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const usage = new DiskUsage(of, reject, (bytes) => {
      usage.stop();
      expect(usage.bytes).toBe(bytes);
      resolve(bytes);
    });
    usage.start();
  });
}

test("files of all folders count, and what is no file does not", async () => {
  expect(await measured(directory)).toBe(0);
  const deep = join(directory, "one", "two");
  mkdirSync(deep, { recursive: true });
  for (let at = 0; at < FILES; at += 1) writeFileSync(join(deep, String(at)), "x".repeat(at));
  writeFileSync(join(directory, "top"), "abc");
  symlinkSync(join(directory, "top"), join(directory, "link"));
  expect(await measured(directory)).toBe((FILES * (FILES - 1)) / 2 + 3);
});

test("a directory that is not there is a failure", async () => {
  await expect(measured(join(directory, "nowhere"))).rejects.toThrow("ENOENT");
});
