// A region that was parted, with more of its own than the cut, serves until its state is replaced: what it says it has and
// the chain that it shows for it are of one place, so that whoever pulls is told of no second history (federation 1, 11).
import { expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangeServing,
  ReportBook,
  countOf,
  originId,
} from "../../federation/index.ts";
import type { FederationConfig, ServeEffect } from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { documentOf, policy } from "./document.ts";
import { configOf, regions } from "./region.ts";
import type { Region } from "./region.ts";

const PARTED = originId(3);
const BEGUN = configOf(3, [policy("w/")]);
const LAST = 3;

function partedAt(cut: number): FederationConfig {
  const parted = BEGUN.members.find(({ origin }) => origin === PARTED);
  assert(parted !== undefined, "south is a member");
  const { name, incarnation } = parted;
  return documentOf([], {
    ...BEGUN,
    epoch: 2,
    members: BEGUN.members.filter((member) => member !== parted),
    closed: [{ origin: PARTED, incarnation, region: name, cut, closed: 2 }],
  });
}

/** What south answers to who has as much of it as north. */
function asked(south: Region, north: Region): readonly ServeEffect[] {
  const { rebirth, document = new Uint8Array() } = south.state;
  const serving = new ExchangeServing(
    {
      state: () => ({
        applied: rebirth.standing,
        hashOf: (origin) => rebirth.chainOf(origin),
        retainedFrom: () => 1,
        config: { epoch: 2, document },
      }),
      reports: new ReportBook(),
      limits: EXCHANGE_LIMITS_DEFAULT,
    },
    2,
  );
  const hash = north.state.chainOf(PARTED);
  assert(hash !== undefined, "north knows of south");
  const count = countOf(north.state.applied, PARTED);
  return serving.onWant([{ origin: PARTED, sequence: count, hash }]);
}

test.each([0, 1, 2, LAST])("a region that was cut at %i cries no fork", (cut) => {
  const [, north, south] = regions(BEGUN);
  assert(north !== undefined && south !== undefined, "three regions");
  for (let at = 1; at <= LAST; at += 1) south.run(put(`w/${at}`, "x"));
  north.apply(...south.shipped().slice(0, cut));
  south.configure(partedAt(cut));
  expect(countOf(south.state.applied, PARTED)).toBe(LAST);
  expect(countOf(south.state.rebirth.standing, PARTED)).toBe(cut);
  expect(asked(south, north)).toEqual([]);
  // Of what stands within its history no chain is kept, of its beginning and its end there is one.
  const isKnown = cut === 0 || cut === LAST;
  const chain = south.state.rebirth.chainOf(PARTED);
  expect(chain).toEqual(isKnown ? north.state.chainOf(PARTED) : undefined);
});
