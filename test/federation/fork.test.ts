// A region that was restored from an old backup and mints on under its old origin: two histories of one origin are seen
// wherever they meet, none is applied on top of the other, and what the old origin had said comes back to it once it
// has a new incarnation (federation 1; scenario 9, traps 1 and 2).
import { expect, test } from "@jest/globals";
import { compareBytes } from "../../base/index.ts";
import { judge } from "../../federation/delivery.ts";
import { originId, sequence } from "../../federation/dot.ts";
import { vectorText } from "../../federation/vector.ts";
import { identity } from "./document.ts";
import { StreamRegion, configOf } from "./stream-world.ts";
import type { StreamOptions } from "./stream-world.ts";

const R1 = originId(1);

/** r1 minted five, of which r2 has all and r3 two; then r1 is as it was after three, and mints two others. */
function forked(options: StreamOptions = {}) {
  const config = configOf(3);
  const r1 = new StreamRegion(config, R1, options);
  const r2 = new StreamRegion(config, originId(2), options);
  const r3 = new StreamRegion(config, originId(3), options);
  const first = Array.from({ length: 5 }, (_, at) => r1.mint(1n, 1_000 + at).bytes);
  r2.apply(first);
  r3.apply(first.slice(0, 2));
  const restored = new StreamRegion(config, R1, options);
  // A backup is the region itself, not what others say of it: its own dots are minted again.
  for (let at = 0; at < 3; at += 1) restored.mint(1n, 1_000 + at);
  return { config, r2, r3, restored, first };
}

test("the same past has the same chain, and a second history another one", () => {
  const { r2, restored, first } = forked();
  const again = new StreamRegion(r2.config, originId(3));
  again.apply(first.slice(0, 3));
  expect(restored.chainOf(R1)).toEqual(again.chainOf(R1));
  restored.mint(7n, 2_000);
  again.apply(first.slice(3, 4));
  const [ours, theirs] = [restored.chainOf(R1), again.chainOf(R1)];
  expect(ours && theirs && compareBytes(ours, theirs)).not.toBe(0);
});

test("the other history is never applied on top of the one here, and the origin is frozen", () => {
  const { r2, r3, restored, first } = forked();
  const other = [restored.mint(7n, 2_000), restored.mint(7n, 2_001), restored.mint(7n, 2_002)];
  const [fourth, fifth, sixth] = other.map(({ bytes }) => bytes);
  // r2 has five of the first history: what follows the fork is refused there, for good.
  expect(r2.apply([fourth, fifth, sixth].flatMap((bytes) => bytes ?? []))).toEqual([
    "duplicate",
    "duplicate",
    "forked",
  ]);
  expect([...r2.forked]).toEqual([R1]);
  // r3 takes the second history as far as it goes, and then none of the first.
  expect(r3.apply([...first.slice(2, 3), ...(fourth ? [fourth] : [])])).toEqual(["apply", "apply"]);
  expect(r3.apply(first.slice(4))).toEqual(["forked"]);
  expect(r3.apply(fifth ? [fifth] : [])).toEqual(["forked"]);
  expect(vectorText(r3.applied)).toBe("1:4");
});

test("without the guard one history is applied on top of the other (fork-undetected)", () => {
  const { r2, restored } = forked({ planted: "fork-undetected" });
  for (let at = 0; at < 2; at += 1) restored.mint(7n, 2_000 + at);
  expect(r2.apply([restored.mint(7n, 2_002).bytes])).toEqual(["apply"]);
});

test("two transactions of one dot in the holding contradict each other, and the fork is handed on", () => {
  const { r3, restored, first } = forked();
  const [third, fourth, fifth] = first.slice(2).map((bytes) => bytes);
  if (!third || !fourth || !fifth) throw new Error("five were minted");
  restored.mint(7n, 2_000);
  const other = restored.mint(7n, 2_001);
  const donor = new StreamRegion(r3.config, originId(2));
  donor.apply(first);
  const [, , , fourthShipped, fifthShipped] = donor.retained.get(R1) ?? [];
  if (!fourthShipped || !fifthShipped) throw new Error("five are retained");
  expect(r3.holding.offer(other, r3.applied)).toBe("kept");
  expect(r3.holding.offer(fifthShipped, r3.applied)).toBe("contradicted");
  expect(r3.holding.offer(fourthShipped, r3.applied)).toBe("kept");
  r3.apply([third]);
  const limits = { operationsMax: 10, bytesMax: 10_000 };
  const batch = r3.ready(limits);
  expect(batch).toEqual([fourthShipped, other]);
  expect(r3.apply(batch.map(({ bytes }) => bytes))).toEqual(["apply", "forked"]);
  r3.holding.settle(r3.applied);
  expect(r3.ready(limits)).toEqual([]);
  expect(r3.holding.waiting(r3)).toMatchObject([{ origin: 1, verdict: { verdict: "forked" } }]);
});

test("a region that is shown its own unknown transaction learns that it was rolled back", () => {
  const { restored, first } = forked();
  expect(restored.apply(first)).toEqual([
    ...["duplicate", "duplicate", "duplicate"],
    ...["rolled-back", "rolled-back"],
  ]);
  expect(vectorText(restored.applied)).toBe("1:3");
});

test("a filter on its own origin would never tell (blind-own-origin-filter, trap 2)", () => {
  const { restored, first } = forked({ planted: "blind-own-origin-filter" });
  expect(restored.apply(first).slice(3)).toEqual(["duplicate", "duplicate"]);
});

test("under a new incarnation its old suffix comes back, and no dot is minted twice", () => {
  const { config, r2, r3, restored, first } = forked();
  const [member, ...others] = config.members;
  if (member === undefined) throw new Error("r1 is a member");
  const next = {
    ...config,
    epoch: 2,
    members: [{ ...member, origin: originId(9), incarnation: identity(9) }, ...others],
    closed: [{ origin: R1, incarnation: member.incarnation, region: "r1", cut: 5, closed: 2 }],
  };
  const regions = [restored, r2, r3];
  for (const region of regions) region.config = next;
  restored.self = originId(9);
  // That it was seen to be rolled back bars what is left of the old origin no longer.
  restored.forked.add(R1);
  expect(restored.apply(first).slice(3)).toEqual(["apply", "apply"]);
  const reborn = restored.mint(100n, 3_000);
  expect(reborn.transaction).toMatchObject({ origin: 9, sequence: 1, epoch: 2 });
  r3.apply(first);
  for (const region of [r2, r3]) expect(region.apply([reborn.bytes])).toEqual(["apply"]);
  expect(regions.map(({ applied }) => vectorText(applied))).toEqual(Array(3).fill("1:5 9:1"));
  expect(regions.map(({ counter }) => counter)).toEqual([105n, 105n, 105n]);
});

test("a region that took the other history stays forked when the origin is closed", () => {
  const { config, r3, restored, first } = forked();
  const other = restored.mint(7n, 2_000);
  r3.apply([...first.slice(2, 3), other.bytes]);
  const [member, ...others] = config.members;
  if (member === undefined) throw new Error("r1 is a member");
  const closed = [{ origin: R1, incarnation: member.incarnation, region: "r1", cut: 5, closed: 2 }];
  r3.config = { ...config, epoch: 2, members: others, closed };
  expect(r3.apply(first.slice(4))).toEqual(["forked"]);
  expect(r3.apply(first.slice(4))).toEqual(["forked"]);
});

test("beyond its cut a closed origin is never accepted, and a newer epoch waits (scenario 13, trap 21)", () => {
  const { config, r3, first, restored } = forked();
  const [member, ...others] = config.members;
  if (member === undefined) throw new Error("r1 is a member");
  r3.config = {
    ...config,
    epoch: 2,
    members: others,
    closed: [{ origin: R1, incarnation: member.incarnation, region: "r1", cut: 4, closed: 2 }],
  };
  expect(r3.apply(first)).toEqual([...["duplicate", "duplicate", "apply", "apply"], "beyond-cut"]);
  const [shipped] = r3.retained.get(R1) ?? [];
  if (shipped === undefined) throw new Error("four are retained");
  const later = { ...shipped.transaction, sequence: sequence(4), epoch: 3 };
  expect(judge(restored, { ...shipped, transaction: later })).toEqual({
    verdict: "future-epoch",
    epoch: 3,
  });
});
