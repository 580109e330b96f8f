// What the package exports, as its users import it: by name from an ES module, and by require.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { finish } from "../e2e/child.ts";

const root = join(__dirname, "..", "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
};

/** Runs a script in the package's folder, where Node resolves the package by its own name. */
async function run(kind: "module" | "commonjs", script: string): Promise<unknown> {
  const args = [`--input-type=${kind}`, "--eval", script];
  const { exit, stdout, stderr } = await finish(process.execPath, args, { cwd: root });
  expect({ exit, stderr }).toEqual({ exit: { code: 0 }, stderr: "" });
  return JSON.parse(stdout) as unknown;
}

describe("the package", () => {
  test.each(["client", "raft", "paxos"])(
    "hansa/%s has the same exports for import and require",
    async (entry) => {
      const list = (how: string): string =>
        `${how}; console.log(JSON.stringify(Object.keys(it).sort()))`;
      const required = (await run(
        "commonjs",
        list(`const it = require("hansa/${entry}")`),
      )) as string[];
      const imported = (await run(
        "module",
        list(`import * as it from "hansa/${entry}"`),
      )) as string[];
      const named = imported.filter((name) => name !== "default" && name !== "module.exports");
      expect(named.filter((name) => name !== "__esModule")).toEqual(required);
      expect(required.length).toBeGreaterThan(0);
    },
  );

  test("the build's exports are plain values, also those that one folder hands on", async () => {
    const script = `
      const folders = ["base", "consensus", "raft", "paxos", "store", "federation", "rpc", "server", "client"];
      const modules = folders.map((folder) => require("./dist/" + folder + "/index.js"));
      const found = modules.map((exports) => Object.values(Object.getOwnPropertyDescriptors(exports)));
      console.log(JSON.stringify(found.map((each) => [each.length > 1, each.filter(({ get }) => get).length])));
    `;
    const found = (await run("commonjs", script)) as readonly unknown[];
    expect(found).toEqual(found.map(() => [true, 0]));
    expect(found).toHaveLength(9);
  });

  test.each([
    [
      "server/index.js",
      ["express", "rocksdb"],
      ["@peculiar/x509", "jose", "quickjs-emscripten-core"],
    ],
    ["cli/program.js", ["commander", "@grpc/grpc-js"], ["express", "rocksdb", "zod"]],
  ])("%s loads at once what every start needs, and no more", async (file, needed, spared) => {
    const script = `
      require("./dist/${file}");
      const names = Object.keys(require.cache).map((path) => /node_modules.((?:@[^/]+.)?[^/]+)/.exec(path)?.[1]);
      console.log(JSON.stringify(names));
    `;
    const loaded = new Set((await run("commonjs", script)) as readonly (string | null)[]);
    expect(needed.filter((name) => !loaded.has(name))).toEqual([]);
    expect(spared.filter((name) => loaded.has(name))).toEqual([]);
  });

  test("the command runs under its name and knows its version", async () => {
    const { exit, stdout } = await finish(join(root, manifest.bin["hansa"] ?? ""), ["version"]);
    expect(exit).toEqual({ code: 0 });
    expect(stdout).toContain(manifest.version);
  });
});
