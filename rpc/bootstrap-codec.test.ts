// What a region that takes a state says and is given: there and back as bytes, within bounds, or refused by name.
import { describe, expect, test } from "@jest/globals";
import { CHAIN_HASH_BYTES, CONFIG_LIMITS, originId } from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import { identity } from "../test/federation/document.ts";
import {
  decodeStatePart,
  decodeTakeState,
  statePartBytes,
  takeStateBytes,
} from "./bootstrap-codec.ts";
import type { StatePart, TakeState } from "./bootstrap-codec.ts";
import { helloShape } from "./region-codec.ts";

const wire = hansa.region.v1;
const from = { federationId: identity(15), origin: originId(2), incarnation: identity(2) };
const hello = { from, version: 1, to: originId(1), epoch: 3, leads: true };
const hash = new Uint8Array(CHAIN_HASH_BYTES).fill(7);
const tooMany = CONFIG_LIMITS.membersMax + 1;

describe.each<[string, TakeState]>([
  ["with histories of its own", { hello, admitted: 2, positions: positions(2) }],
  ["as many as there are members", { hello, admitted: 2, positions: positions(tooMany - 1) }],
  ["with none", { hello, admitted: 1, positions: [] }],
])("a region that asks, %s", (_, asked) => {
  test("is read as it was written", () => {
    expect(decodeTakeState(takeStateBytes(asked))).toEqual(asked);
  });
});

test.each<[string, StatePart]>([
  ["a hello", { kind: "hello", hello }],
  ["a chunk", { kind: "chunk", chunk: { id: hash, number: 4, bytes: Uint8Array.of(1, 2) } }],
  ["histories that differ", { kind: "forks", origins: [originId(3), originId(9)] }],
  ["the end", { kind: "end", count: 5, digest: hash }],
])("%s is read as it was written", (_, part) => {
  expect(decodeStatePart(statePartBytes(part))).toEqual(part);
});

test.each<[string, () => unknown, RegExp]>([
  [
    "more histories than there are members",
    () => decodeTakeState(takeStateBytes({ hello, admitted: 1, positions: positions(tooMany) })),
    /33 positions; expected at most 32/,
  ],
  [
    "a hash of another length",
    () => {
      const short = { origin: 3, sequence: 1, hash: Uint8Array.of(1) };
      const shape = { hello: helloShape(hello), admitted: 1, positions: [short] };
      decodeTakeState(wire.TakeState.encode(shape).finish());
    },
    /a chain's hash has 1 bytes; expected 32/,
  ],
  [
    "more forks than there are members",
    () => {
      const origins = positions(tooMany).map(({ origin }) => origin);
      decodeStatePart(statePartBytes({ kind: "forks", origins }));
    },
    /33 origins of two histories; expected at most 32/,
  ],
  [
    "a fork of no origin",
    () => decodeStatePart(wire.StatePart.encode({ forks: { origins: [0] } }).finish()),
    /origin/,
  ],
])("%s is refused by name", (_, read, why) => {
  expect(read).toThrow(why);
});

test("a kind that a later version speaks is left out", () => {
  expect(decodeStatePart(Uint8Array.of(0x7a, 0))).toBeUndefined();
});

function positions(count: number): TakeState["positions"] {
  return Array.from({ length: count }, (_, at) => ({
    origin: originId(at + 1),
    sequence: 10 * at,
    hash,
  }));
}
