// Who takes another's state has less of an open origin than that, or more, and of another history: it is found before what
// it has of it is gone (federation 1, 10).
import { expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import {
  VECTOR_ZERO,
  compareHistories,
  memberOf,
  originId,
  sequence,
} from "../../federation/index.ts";
import type { Compared, HistoriesHere, Position } from "../../federation/index.ts";
import { FederatedRegion, servedState } from "../../server/federated-region.ts";
import { op, put, txn } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf, regions } from "./region.ts";
import { bootstrap } from "./transfer.ts";

const FORKED = originId(3);
const BEGUN = configOf(3, [policy("w/")]);
/** Both histories begin with these; of the first the donor has so many. */
const [COMMON, LAST] = [3, 6];

function mint(region: Region, history: string, from: number, last: number): void {
  for (let at = from; at <= last; at += 1) region.run(txn([], [op.put(`w/${at}`, history)]));
}

interface World {
  readonly donor: Region;
  readonly taker: Region;
  /** The first history, and the other one. */
  readonly first: Region;
  readonly second: Region;
}

function world(): World {
  const [donor, taker, first] = regions(BEGUN);
  assert(donor !== undefined && taker !== undefined && first !== undefined, "three regions");
  const second = new Region(FORKED);
  second.configure(BEGUN);
  mint(first, "both", 1, COMMON);
  mint(second, "both", 1, COMMON);
  mint(first, "first", COMMON + 1, LAST);
  mint(second, "second", COMMON + 1, LAST + 1);
  donor.apply(...first.shipped());
  return { donor, taker, first, second };
}

function hereOf(region: Region): HistoriesHere {
  const federated = new FederatedRegion(() => region.host.machine);
  return {
    served: servedState(federated),
    isOpen: (origin) => memberOf(federated.config, origin) !== undefined,
    load: (wish, done) => done(federated.recent(wish)),
  };
}

function compared(stated: readonly Position[], here: HistoriesHere): Compared | undefined {
  let answer: Compared | undefined;
  compareHistories(stated, here, (all) => {
    answer = all;
  });
  return answer;
}

function found(stated: readonly Position[], here: HistoriesHere): readonly number[] | undefined {
  return compared(stated, here)?.forks.map(({ origin }) => origin);
}

function drop(region: Region, last: number): void {
  const through = new Map([[FORKED, sequence(last)]]);
  region.change({ change: "collect", epoch: 1, cut: VECTOR_ZERO, through, full: false });
}

test("a shorter history is compared where it ends, by the row there or by the link behind it", () => {
  const { donor, taker, second } = world();
  taker.apply(...second.shipped().slice(0, COMMON + 1));
  const { stated } = taker.state.rebirth;
  expect(stated).toMatchObject([{ origin: FORKED, sequence: COMMON + 1 }]);
  expect(found(stated, hereOf(donor))).toEqual([FORKED]);
  drop(donor, COMMON);
  expect(found(stated, hereOf(donor))).toEqual([FORKED]);
  drop(donor, COMMON + 1);
  expect(found(stated, hereOf(donor))).toEqual([FORKED]);
  // Nothing of what could tell is retained any more.
  drop(donor, COMMON + 2);
  expect(compared(stated, hereOf(donor))).toEqual({ forks: [], unknown: stated });
});

test("one that ends where the donor's does is compared whole", () => {
  const { donor, taker, second } = world();
  taker.apply(...second.shipped().slice(0, LAST));
  drop(donor, LAST);
  expect(found(taker.state.rebirth.stated, hereOf(donor))).toEqual([FORKED]);
});

test("of a longer one the taker finds it, takes nothing, and knows of it after a restart", () => {
  const { donor, taker, second } = world();
  taker.apply(...second.shipped());
  expect(found(taker.state.rebirth.stated, hereOf(donor))).toEqual([]);
  expect(bootstrap(taker, donor)).toMatchObject({
    message:
      "hansa: a region's snapshot: its history of origin 3 is not the one that is applied here",
  });
  expect([[...taker.state.forked], taker.get("w/4")]).toEqual([[FORKED], "second"]);
  taker.restart();
  expect([...taker.state.forked]).toEqual([FORKED]);
});

test("who has the same history is told of none, however long it is", () => {
  const { donor, taker, first } = world();
  for (const count of [0, COMMON, LAST - 1, LAST]) {
    taker.apply(...first.shipped().slice(0, count));
    expect(found(taker.state.rebirth.stated, hereOf(donor))).toEqual([]);
  }
  expect(bootstrap(taker, donor)).not.toHaveProperty("kind", "refused");
  expect([...taker.state.forked]).toEqual([]);
});

test("of an origin that is no member's any more one history counts: nobody is told", () => {
  const { donor, taker, second } = world();
  taker.apply(...second.shipped().slice(0, COMMON + 1));
  const here = { ...hereOf(donor), isOpen: () => false };
  expect(found(taker.state.rebirth.stated, here)).toEqual([]);
});

test("what is applied while a row is read is no other history", () => {
  const { donor, taker, first } = world();
  taker.apply(...first.shipped());
  taker.run(put("w/own", "x"));
  donor.pull(taker);
  const { stated } = taker.state.rebirth;
  mint(first, "first", LAST + 1, LAST + 1);
  donor.apply(...first.shipped().slice(LAST));
  let isRead: (() => void) | undefined;
  const here = hereOf(donor);
  const slow: HistoriesHere = {
    ...here,
    load: (wish, done) => {
      isRead = () => here.load(wish, done);
    },
  };
  let forks: unknown;
  compareHistories([...stated].reverse(), slow, (all) => {
    forks = all;
  });
  taker.run(put("w/own", "y"));
  donor.pull(taker);
  expect(forks).toBeUndefined();
  isRead?.();
  isRead?.();
  expect(forks).toEqual({ forks: [], unknown: [] });
});

test("where nothing can be read nothing is said of any history", () => {
  const { donor, taker, second } = world();
  taker.apply(...second.shipped().slice(0, COMMON + 1));
  const here: HistoriesHere = { ...hereOf(donor), load: (_, done) => done(undefined) };
  let isAnswered = false;
  compareHistories(taker.state.rebirth.stated, here, (forks) => {
    isAnswered = true;
    expect(forks).toBeUndefined();
  });
  expect(isAnswered).toBe(true);
});
