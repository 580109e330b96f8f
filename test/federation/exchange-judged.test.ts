// What a region's log decides of origins is asked for at once, and no stalled way is waited for: a document that has
// another region, an origin of which two histories were seen (federation 1, 4).
import { expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import { VECTOR_ZERO, helloOf, originId, sequence } from "../../federation/index.ts";
import type {
  FederationConfig,
  OriginId,
  PullEffect,
  Report,
  Vector,
} from "../../federation/index.ts";
import { documentOf, numbered } from "./document.ts";
import { Region, configOf } from "./exchange-world.ts";

const [a, b, c] = [originId(1), originId(2), originId(3)];

/** With a stream from A, of which it pulls all. */
function pulling(config: FederationConfig): { region: Region; effects: readonly PullEffect[] } {
  const region = new Region(c, config);
  const hello = present(helloOf(config, a, c, true), "a member's hello");
  return { region, effects: region.puller.onOpened(a, hello, 0) };
}

/** Of which origins something is wanted, by what is sent last. */
function wanted(effects: readonly PullEffect[]): readonly OriginId[] | undefined {
  const wants = effects.flatMap((effect) =>
    effect.kind === "send" && effect.message.kind === "want" ? [effect.message.positions] : [],
  );
  return wants.at(-1)?.map(({ origin }) => origin);
}

test("a region that joins is asked for with the document that has it", () => {
  const { region, effects } = pulling(configOf(3));
  expect(wanted(effects)).toEqual([a, b]);
  expect(wanted(region.puller.onNews(1))).toBeUndefined();
  region.config = documentOf(numbered(4), { epoch: 2 });
  expect(wanted(region.puller.onNews(2))).toEqual([a, b, originId(4)]);
});

test("an origin of which the log has seen two histories is asked for no more", () => {
  const { region } = pulling(configOf(3));
  region.forked.add(b);
  expect(wanted(region.puller.onNews(1))).toEqual([a]);
});

test("a region hears of its rollback by its own word of before, and then no neighbour has to have its writes", () => {
  const { region } = pulling(configOf(3));
  const own = (vector: Vector): Report => ({ origin: c, epoch: 1, vector });
  const heard = (report: Report): readonly PullEffect[] =>
    region.puller.onMessage(a, { kind: "reports", reports: [report] }, 1);
  expect(heard(own(VECTOR_ZERO))).toEqual([]);
  expect(heard(own(new Map([[c, sequence(2)]])))).toEqual([
    { kind: "rolled-back", sequence: 2, by: c },
  ]);
});
