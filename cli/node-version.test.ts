// The releases of Node that are taken: the same here, in package.json, and in what builds a checkout.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { NODE_RANGE, nodeRefusal } from "./node-version.ts";

test("takes what package.json says, and names what is needed", () => {
  const text = readFileSync(join(__dirname, "..", "package.json"), "utf8");
  const { engines } = JSON.parse(text) as { engines: { node: string } };
  expect(engines.node).toBe(NODE_RANGE);
  for (const version of ["20.19.0", "20.20.2", "22.12.0", "22.14.1", "23.0.0", "24.1.0"]) {
    expect(nodeRefusal(version)).toBeUndefined();
  }
  for (const version of ["18.20.8", "20.3.1", "20.18.3", "21.7.3", "22.11.0"]) {
    expect(nodeRefusal(version)).toBe(`Node ^20.19.0 || >=22.12.0 is needed; this is ${version}`);
  }
});
