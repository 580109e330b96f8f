// The bytes of a federation's document: the same for equal documents, and what is none is refused by name.
import { expect, test } from "@jest/globals";
import { three } from "../test/federation/config-history.ts";
import { identity } from "../test/federation/document.ts";
import { decodeConfig, encodeConfig } from "./config-codec.ts";
import type { FederationConfig } from "./config.ts";
import { originId, sequence } from "./dot.ts";

test("a document is found again in its bytes, which are equal for equal documents", () => {
  const bytes = encodeConfig(three);
  expect(decodeConfig(bytes)).toEqual(three);
  const shuffled = Object.fromEntries(Object.entries(three).reverse()) as unknown;
  expect(encodeConfig(shuffled as FederationConfig)).toEqual(bytes);
});

test("bytes that are no document are refused with the place and what was expected", () => {
  const text = (change: (json: Record<string, unknown>) => unknown): Uint8Array =>
    new TextEncoder().encode(
      JSON.stringify(change(JSON.parse(new TextDecoder().decode(encodeConfig(three))) as never)),
    );
  expect(() => decodeConfig(new TextEncoder().encode("{"))).toThrow(/is not JSON/);
  expect(() => decodeConfig(text((json) => ({ ...json, format: 2 })))).toThrow(
    /format is 2; this version reads 1/,
  );
  expect(() => decodeConfig(text((json) => ({ ...json, extra: 1 })))).toThrow(
    /extra is not a field of this format/,
  );
  expect(() => decodeConfig(text((json) => ({ ...json, epoch: 0.5 })))).toThrow(
    /epoch must be an integer from 1/,
  );
  expect(() => decodeConfig(text((json) => ({ ...json, members: [{ name: "x" }] })))).toThrow(
    /members\[0\]\.origin is missing/,
  );
  expect(() => decodeConfig(new Uint8Array(1024 * 1024 + 1))).toThrow(/bytes, more than 1048576/);
});

test("every fault of a document is named at once", () => {
  const json = JSON.parse(new TextDecoder().decode(encodeConfig(three))) as Record<string, unknown>;
  const broken = {
    ...json,
    federationId: "XY",
    originNext: 3,
    paused: [9],
    topology: { shape: "star", hub: "lax" },
  };
  expect(() => decodeConfig(new TextEncoder().encode(JSON.stringify(broken)))).toThrow(
    /federationId must be 32.*members\[2\]\.origin is 3, but 3 is the next.*paused\[0\] is 9.*topology\.hub is "lax"/,
  );
});

test("a history is a hash, and the words on a home are in order and of others", () => {
  const [ams, iad, lax] = [originId(1), originId(3), originId(4)];
  const gone = { origin: lax, incarnation: identity(9), region: "lax", cut: 1, closed: 1 };
  const words = ["iad", "ams"].map((region) => ({ region, applied: 1 }));
  const move = { to: "fra", begun: three.epoch, gathering: { writeRegions: 2, words } };
  const broken: FederationConfig = {
    ...three,
    originNext: originId(5),
    closed: [{ ...gone, hash: "0" }],
    freeze: {
      epoch: three.epoch,
      closing: [{ region: "iad", then: "part" }],
      origins: [iad, lax],
      reports: [{ region: "ams", applied: [[iad, sequence(1), "f".repeat(63)]] }],
    },
    homes: [{ prefix: "" as never, region: "ams", elsewhere: "forward", epoch: ams, move }],
  };
  for (const fault of [
    "closed[0].hash must be 64",
    "freeze.reports[0].applied[0][2] must be 64",
    "homes[0].move.gathering.words must be in ascending order",
    "homes[0].move.gathering.words[1].region",
  ]) {
    expect(() => decodeConfig(encodeConfig(broken))).toThrow(fault);
  }
});
