// What a home minted that had lost its prefix by then, as regions show it that learn of the move before it or after
// (federation 12; federation scenario 34).
import { expect, test } from "@jest/globals";
import type { Key } from "../../base/index.ts";
import { originId } from "../../federation/index.ts";
import type { FederationConfig, Home } from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { policy } from "./document.ts";
import type { Region } from "./region.ts";
import { configOf, exchange, regions } from "./region.ts";

const HOME: Home = { prefix: "f/" as Key, region: "east", elsewhere: "refuse", epoch: 1 };
const HOMED = configOf(3, [policy("f/")], { homes: [HOME] });

/** `north` has the home from here on, and knew of so many transactions of `east`. */
function movedAt(cut: number, rest: Partial<FederationConfig> = {}): FederationConfig {
  const late = [{ origin: originId(1), epoch: 2, cut }];
  return { ...HOMED, epoch: 2, homes: [{ ...HOME, region: "north", epoch: 2, late }], ...rest };
}

function three(): readonly [Region, Region, Region] {
  const [east, north, south] = regions(HOMED);
  if (east === undefined || north === undefined || south === undefined) throw new Error("three");
  return [east, north, south];
}

function write(region: Region, key: string, value: string): string {
  const response = region.run(put(key, value));
  return response.kind === "refused" ? response.message : response.kind;
}

function shown(region: Region): string {
  return ["f/a", "f/b", "f/c"].map((key) => region.get(key) ?? "-").join(" ");
}

test("it is shown nowhere by itself, whoever has it before the move and whoever after", () => {
  const all = three();
  const [east, north, south] = all;
  write(east, "f/a", "known");
  write(east, "f/b", "known");
  exchange(all);
  write(east, "f/a", "late");
  write(east, "f/c", "late");
  south.pull(east);
  expect(shown(south)).toBe("late known late");
  const before = south.revision;
  for (const region of [north, south]) region.configure(movedAt(2));
  expect(shown(south)).toBe("- known -");
  expect([...south.events(before + 1)].sort()).toEqual([
    `${before + 1} delete f/a v0`,
    `${before + 1} delete f/c v0`,
  ]);
  expect(write(north, "f/c", "next")).toBe("put");
  exchange(all);
  east.configure(movedAt(2));
  exchange(all);
  for (const region of all) expect(shown(region)).toBe("- known next");
  for (const region of all) region.restart();
  for (const region of all) expect(shown(region)).toBe("- known next");
  // Whoever writes the key has seen it, and it is on record.
  const records = north.state.conflicts.next;
  expect(write(north, "f/a", "decided")).toBe("put");
  exchange(all);
  for (const region of all) expect(shown(region)).toBe("decided known next");
  expect(north.state.conflicts.next).toBe(records + 1);
});

test("what was known, what others wrote, and what is written under the later epoch is in time", () => {
  const all = three();
  const [east, north, south] = all;
  write(east, "f/a", "known");
  exchange(all);
  for (const region of all) region.configure(movedAt(1));
  const back = movedAt(1, { epoch: 3, homes: [{ ...HOME, epoch: 3 }] });
  const returned = {
    ...back,
    homes: [{ ...HOME, epoch: 3, late: [{ origin: originId(1), epoch: 2, cut: 1 }] }],
  };
  for (const region of all) region.configure(returned);
  expect(write(east, "f/b", "again")).toBe("put");
  exchange(all);
  for (const region of [east, north, south]) expect(shown(region)).toBe("known again -");
});

test("without the home nothing is late any more, in any order", () => {
  const all = three();
  const [east, north, south] = all;
  write(east, "f/c", "late");
  north.configure(movedAt(0));
  exchange(all);
  for (const region of all) region.configure(movedAt(0));
  for (const region of all) expect(shown(region)).toBe("- - -");
  const free = { ...HOMED, epoch: 3, homes: [] };
  for (const region of [east, north, south]) region.configure(free);
  for (const region of all) expect(shown(region)).toBe("- - late");
  for (const region of all) region.restart();
});
