import { expect, test } from "@jest/globals";
import { StreamRegion, configOf } from "../test/federation/stream-world.ts";
import { originId } from "./dot.ts";
import { StableCut } from "./stable-cut.ts";
import { vectorText } from "./vector.ts";

function three(): [StreamRegion, StreamRegion, StreamRegion] {
  const config = configOf(3);
  const [r1, r2, r3] = [1, 2, 3].map((at) => new StreamRegion(config, originId(at)));
  if (r1 === undefined || r2 === undefined || r3 === undefined) throw new Error("three regions");
  return [r1, r2, r3];
}

const cutOf = (region: StreamRegion): string => vectorText(region.stable.cut(region));

test("a word counts once all that its region had minted before it is applied here (trap 32)", () => {
  const [r1, r2, r3] = three();
  const write = r1.mint(1n, 1_000);
  const early = r2.mint(1n, 1_000);
  for (const region of [r2, r3]) region.apply([write.bytes]);
  r1.stable.note(r2.report());
  r1.stable.note(r3.report());
  expect(cutOf(r1)).toBe("");
  r1.apply([early.bytes]);
  expect(cutOf(r1)).toBe("1:1");
});

test("an idle region's heartbeat lets the cut go on (scenario 14, trap 16)", () => {
  const [r1, r2, r3] = three();
  const write = r1.mint(1n, 1_000);
  for (const region of [r2, r3]) region.apply([write.bytes]);
  r1.apply([r2.mint(1n, 1_000).bytes]);
  expect(cutOf(r1)).toBe("");
  r1.stable.note(r3.report());
  expect(cutOf(r1)).toBe("1:1");
});

test("a region that is ever ahead of its word still counts by its transactions, and by old words", () => {
  const [r1, r2, r3] = three();
  for (let at = 0; at < 5; at += 1) {
    const write = r1.mint(1n, 1_000);
    r2.apply([write.bytes]);
    r3.apply([write.bytes]);
    r1.stable.note(r3.report());
    r2.mint(1n, 1_000);
    r1.stable.note(r2.report());
  }
  const streamed = [...(r2.retained.get(originId(2)) ?? [])];
  r1.apply(streamed.slice(0, 1).map(({ bytes }) => bytes));
  expect(cutOf(r1)).toBe("1:1");
  r1.apply(streamed.slice(1, 3).map(({ bytes }) => bytes));
  expect(cutOf(r1)).toBe("1:3");
  r1.apply(streamed.slice(3).map(({ bytes }) => bytes));
  expect(cutOf(r1)).toBe("1:5");
});

test("a word of a configuration that is not applied here does not count yet (trap 21)", () => {
  const [r1, r2, r3] = three();
  const write = r1.mint(1n, 1_000);
  for (const region of [r2, r3]) region.apply([write.bytes]);
  r3.config = configOf(3, { epoch: 2 });
  for (const region of [r2, r3]) r1.stable.note(region.report());
  expect(cutOf(r1)).toBe("");
  r1.config = r3.config;
  expect(cutOf(r1)).toBe("1:1");
});

test("it stands still from a newcomer's admission to its first word", () => {
  const [r1, r2, r3] = three();
  r1.config = configOf(2);
  const write = r1.mint(1n, 1_000);
  r2.apply([write.bytes]);
  r1.stable.note(r2.report());
  expect(cutOf(r1)).toBe("1:1");
  r1.config = configOf(3, { epoch: 2 });
  expect(cutOf(r1)).toBe("");
  r3.apply([write.bytes]);
  r1.stable.note(r3.report());
  expect(cutOf(r1)).toBe("1:1");
});

test("a closed origin bounds it until all of it up to its cut is applied here", () => {
  const [r1, r2, r3] = three();
  const unseen = r3.mint(1n, 1_000);
  const write = r1.mint(1n, 1_000);
  r2.apply([write.bytes, unseen.bytes]);
  const { members } = r1.config;
  const parted = {
    ...configOf(3, { epoch: 2 }),
    members: members.slice(0, 2),
    closed: members.slice(2).map(({ origin, incarnation, name }) => ({
      ...{ origin, incarnation, region: name },
      ...{ cut: 1, closed: 2 },
    })),
  };
  for (const region of [r1, r2]) region.config = parted;
  r1.stable.note(r2.report());
  expect(cutOf(r1)).toBe("");
  r1.stable.prune(r1);
  r1.apply([unseen.bytes]);
  expect(cutOf(r1)).toBe("1:1 3:1");
});

test("a region that is no member relies on nobody's word", () => {
  const [r1, r2, r3] = three();
  const write = r1.mint(1n, 1_000);
  for (const region of [r2, r3]) region.apply([write.bytes]);
  for (const region of [r2, r3]) r1.stable.note(region.report());
  r1.self = undefined;
  expect(cutOf(r1)).toBe("");
});

test("a new leader knows no cut until it is told", () => {
  const cut = new StableCut();
  const [r1] = three();
  r1.mint(1n, 1_000);
  expect(vectorText(cut.cut(r1))).toBe("");
});

test("regions agree once each has told, in its stream, that it has the document", () => {
  const [r1, r2, r3] = three();
  const told = (): boolean => {
    for (const other of [r2, r3]) r1.stable.note(other.report());
    return r1.stable.agrees(r1);
  };
  expect(r1.stable.agrees(r1)).toBe(false);
  expect(told()).toBe(true);
  for (const region of [r1, r2, r3]) region.config = { ...region.config, epoch: 2 };
  expect(r1.stable.agrees(r1)).toBe(false);
  const before = r2.mint(1n, 1_000);
  expect(told()).toBe(false);
  r1.apply([before.bytes]);
  expect(r1.stable.agrees(r1)).toBe(true);
});

test("regions do not agree while something of a closed origin is still to come", () => {
  const [r1, r2] = three();
  const last = r2.mint(1n, 1_000);
  const [member, closing] = r1.config.members;
  if (member === undefined || closing === undefined) throw new Error("two members");
  const { origin, incarnation, name: region } = closing;
  const closed = [{ origin, incarnation, region, cut: 1, closed: 2 }];
  r1.config = { ...r1.config, members: [member], closed, epoch: 2 };
  expect(r1.stable.agrees(r1)).toBe(false);
  r1.apply([last.bytes]);
  expect(r1.stable.agrees(r1)).toBe(true);
});
