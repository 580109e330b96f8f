// A neighbour that retains no more what is lacked here is left out for that alone: once it is had from elsewhere, or with
// another region's state, the neighbour serves what follows (federation 4, 10).
import { expect, test } from "@jest/globals";
import { helloOf, originId, sequence } from "../../federation/index.ts";
import type { OriginId, PullEffect } from "../../federation/index.ts";
import { present } from "../../base/index.ts";
import { Region, configOf } from "./exchange-world.ts";

const CONFIG = configOf(3);
const [a, b, c] = [originId(1), originId(2), originId(3)];

/** C pulls A's writes from A and, once that has refused, from B. */
function refusedByA(): { source: Region; region: Region; effects: readonly PullEffect[] } {
  const source = new Region(a, CONFIG);
  for (let at = 1; at <= 10; at += 1) source.mint(at, at);
  const region = new Region(c, CONFIG);
  const { puller } = region;
  for (const other of [a, b]) {
    const hello = present(helloOf(CONFIG, other, c, true), "a member's hello");
    puller.onOpened(other, hello, 0);
    const report = { origin: other, epoch: 1, vector: new Map([[a, sequence(10)]]) };
    puller.onMessage(other, { kind: "reports", reports: [report] }, 0);
  }
  const gone = { kind: "gone", origin: a, retainedFrom: 6 } as const;
  return { source, region, effects: puller.onMessage(a, gone, 1) };
}

/** From whom A's writes are wanted, by what is sent last. */
function askedFor(effects: readonly PullEffect[]): readonly OriginId[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== "send" || effect.message.kind !== "want") return [];
    return effect.message.positions.some(({ origin }) => origin === a) ? [effect.to] : [];
  });
}

function take(region: Region, source: Region, count: number): void {
  region.apply((source.rows.get(a) ?? []).slice(0, count).map(({ bytes }) => bytes));
}

test("it is asked again once what it retains goes on from what is applied", () => {
  const { source, region, effects } = refusedByA();
  expect(askedFor(effects)).toEqual([b]);
  take(region, source, 4);
  expect(askedFor(region.puller.onNews(2))).not.toContain(a);
  take(region, source, 5);
  expect(askedFor(region.puller.onNews(3))).toContain(a);
});

test("it serves on when whoever stood in for it is lost", () => {
  const { source, region } = refusedByA();
  expect(askedFor(region.puller.onClosed(b, 2))).toEqual([]);
  take(region, source, 10);
  expect(askedFor(region.puller.onNews(3))).toEqual([a]);
});
