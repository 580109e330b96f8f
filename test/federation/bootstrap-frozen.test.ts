// While an origin is frozen a region takes in nothing more of it, by whatever way: what it has it has told, and by that the
// cut is drawn (federation 11).
import { expect, test } from "@jest/globals";
import { assert, hexOf } from "../../base/index.ts";
import { countOf, originId, sequence } from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { changed } from "./config-history.ts";
import { documentOf, identity, numbered, policy } from "./document.ts";
import { regions } from "./region.ts";
import { cutOf, read, stage } from "./transfer.ts";

const BEGUN = documentOf(numbered(3), { policies: [policy("w/")] });

test("a state that has more of a frozen origin waits for the cut", () => {
  const [first, second, third] = regions(BEGUN);
  assert(first !== undefined && second !== undefined && third !== undefined, "three regions");
  second.run(put("w/a", "1"));
  first.pull(second);
  const snapshot = read(first, cutOf(first));
  const frozen = changed(BEGUN, { command: "part", regions: ["r2"] });
  third.configure(frozen);
  stage(third, snapshot);
  expect(third.change(snapshot.install)).toMatchObject({
    message: "hansa: a region's snapshot: it has 2:1, and that origin is frozen",
  });
  expect(countOf(third.state.applied, originId(2))).toBe(0);
  third.configure({ ...BEGUN, epoch: frozen.epoch + 1 });
  expect(third.change(snapshot.install)).not.toHaveProperty("kind", "refused");
  expect(countOf(third.state.applied, originId(2))).toBe(1);
});

test("a region whose state is to be replaced has told nothing yet: it may take in more", () => {
  const [first, second, third] = regions(BEGUN);
  assert(first !== undefined && second !== undefined && third !== undefined, "three regions");
  for (const value of ["shared", "lost"]) third.run(put("w/b", value));
  first.apply(...third.shipped().slice(0, 1));
  second.run(put("w/a", "1"));
  first.pull(second);
  const chain = first.state.chainOf(third.origin);
  assert(chain !== undefined, "the first has some of the third's");
  const reborn = { region: "r3", incarnation: identity(9), soleSurvivor: false };
  const epoch = BEGUN.epoch + 1;
  const closed = changed(
    BEGUN,
    { command: "reincarnate", ...reborn },
    {
      command: "frozen",
      region: "r1",
      epoch,
      applied: [[third.origin, sequence(1), hexOf(chain)]],
    },
    { command: "frozen", region: "r2", epoch, applied: [] },
  );
  first.configure(closed);
  const snapshot = read(first, cutOf(first));
  third.configure(changed(closed, { command: "part", regions: ["r2"] }), originId(4));
  expect(third.state.rebirth.strays).toHaveLength(1);
  stage(third, snapshot);
  expect(third.change(snapshot.install)).not.toHaveProperty("kind", "refused");
  expect([third.get("w/a"), third.get("w/b")]).toEqual(["1", "shared"]);
});
