// While an origin is frozen a region takes in nothing more of it, by whatever way: what it has it has told, and by that the
// cut is drawn (federation 11).
import { expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import { changeConfig, countOf, originId } from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { documentOf, numbered, policy } from "./document.ts";
import { regions } from "./region.ts";
import { cutOf, read, stage } from "./transfer.ts";

test("a state that has more of a frozen origin waits for the cut", () => {
  const config = documentOf(numbered(3), { policies: [policy("w/")] });
  const [first, second, third] = regions(config);
  assert(first !== undefined && second !== undefined && third !== undefined, "three regions");
  second.run(put("w/a", "1"));
  first.pull(second);
  const snapshot = read(first, cutOf(first));
  const frozen = changeConfig(config, { command: "part", regions: ["r2"] });
  assert(frozen.outcome === "changed", "the second region is being parted");
  third.configure(frozen.config);
  stage(third, snapshot);
  expect(third.change(snapshot.install)).toMatchObject({
    message: "hansa: a region's snapshot: it has 2:1, and that origin is frozen",
  });
  expect(countOf(third.state.applied, originId(2))).toBe(0);
  third.configure({ ...config, epoch: frozen.config.epoch + 1 });
  expect(third.change(snapshot.install)).not.toHaveProperty("kind", "refused");
  expect(countOf(third.state.applied, originId(2))).toBe(1);
});
