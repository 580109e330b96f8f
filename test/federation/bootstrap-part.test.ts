// The bytes of a snapshot come from another region: there and back whole, however they are cut; and whatever is done to
// them, they are read as parts or refused by name.
import { expect, test } from "@jest/globals";
import { Mulberry32, assert, randomBetween } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import { BootstrapError, PartsReader } from "../../federation/index.ts";
import type { BootstrapPart } from "../../federation/index.ts";
import { del, put } from "../store/requests.ts";
import { policy } from "./document.ts";
import { configOf, exchange, regions } from "./region.ts";
import { cutOf, read } from "./transfer.ts";

function snapshot(): Uint8Array {
  const policies = [policy("n/", { kind: "counter" }), policy("t/", { kind: "set" }), policy("w/")];
  const all = regions(configOf(2, policies));
  const [east, north] = all;
  assert(east !== undefined && north !== undefined, "two regions");
  for (const region of all) {
    for (const key of ["w/a", "w/b"]) region.run(put(key, `of ${region.origin}`));
    const add = { kind: "counter", action: "add", amount: 3n } as const;
    region.change({ change: "operate", operations: [{ key: "n/c" as Key, asked: add }] });
    const change = { kind: "set", action: "change", add: ["x" as Key], remove: [] } as const;
    region.change({ change: "operate", operations: [{ key: "t/s" as Key, asked: change }] });
  }
  exchange(all);
  for (const region of all) {
    const keys = region.state.contested();
    region.change({ change: "settle", epoch: 1, stable: region.state.applied, keys });
  }
  exchange(all);
  east.run(put("w/a", "both"));
  north.run(del("w/a"));
  exchange(all);
  return Buffer.concat(read(east, cutOf(east)).chunks.map(({ bytes }) => bytes));
}

function parts(chunks: readonly Uint8Array[]): readonly BootstrapPart[] {
  const reader = new PartsReader();
  const found = chunks.flatMap((chunk) => reader.push(chunk));
  reader.end();
  return found;
}

const whole = snapshot();

test("cut anywhere it is the same parts: head, records, conflicts", () => {
  const expected = parts([whole]);
  expect(expected.map(({ part }) => part)).toEqual(["head", "records", "conflicts"]);
  for (const size of [1, 7, 64]) {
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
      whole.subarray(at * size, (at + 1) * size),
    );
    expect(parts(chunks)).toEqual(expected);
  }
});

test("cut off it is refused, wherever that is", () => {
  for (let length = 1; length < whole.length; length += 3) {
    expect(() => {
      const found = parts([whole.subarray(0, length)]);
      // The end of a part is the end of a snapshot that was cut there: its digest tells.
      if (found.length > 0) throw new BootstrapError("whole parts");
    }).toThrow(BootstrapError);
  }
});

test("damaged it is read, or refused by name, and nothing else", () => {
  const random = new Mulberry32(1);
  const draw = (below: number): number => Math.floor(randomBetween(random, 0, 1) * below);
  let refused = 0;
  for (let round = 0; round < 3_000; round += 1) {
    const damaged = whole.slice();
    for (let flips = 0; flips <= draw(3); flips += 1) damaged[draw(whole.length)] = draw(256);
    try {
      parts([damaged]);
    } catch (error) {
      if (!(error instanceof BootstrapError)) throw error;
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(500);
});
