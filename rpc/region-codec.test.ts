// Messages between regions: each kind comes back as it was, and hostile bytes give one typed error.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../base/index.ts";
import type { Hlc, Key, WallMs } from "../base/index.ts";
import { originId, sequence } from "../federation/index.ts";
import type {
  CompareAnswer,
  CompareQuestion,
  Identity,
  PullMessage,
  ServeMessage,
} from "../federation/index.ts";
import { hansa } from "../proto/index.ts";
import {
  decodePullMessage,
  decodeServeMessage,
  pullMessageBytes,
  serveMessageBytes,
} from "./region-codec.ts";

const hash = new Uint8Array(32).fill(7);
const origin = originId(3);
const position = { origin, sequence: 41, hash };
const config = { epoch: 9, document: Uint8Array.of(1, 2, 3) };
const vector = new Map([
  [originId(1), sequence(5)],
  [originId(2 ** 32 - 1), sequence(2 ** 52)],
]);
const report = { origin, epoch: 9, vector };
const hello = {
  version: 1,
  from: {
    federationId: "0123456789abcdef0123456789abcdef" as Identity,
    origin,
    incarnation: "ffeeddccbbaa99887766554433221100" as Identity,
  },
  to: originId(1),
  epoch: 9,
  leads: true,
};
const askedAtMs = 1_790_000_000_000 as WallMs;

/** Every kind: a new one does not compile until it is here. */
const PULLS: Readonly<{ [K in PullMessage["kind"]]: Extract<PullMessage, { kind: K }> }> = {
  hello: { kind: "hello", hello },
  want: { kind: "want", positions: [position, { ...position, sequence: 0 }] },
  config: { kind: "config", config },
  clock: { kind: "clock", askedAtMs },
  ask: { kind: "ask", id: 77, of: [originId(2), originId(9)], via: [origin] },
  compare: { kind: "compare", id: 8, question: { ask: "nodes", level: 2, indexes: [0, 255] } },
};

const keys = ["a", "b/\u00ff"] as Key[];
const QUESTIONS: readonly CompareQuestion[] = [
  { ask: "leaves", level: 4, indexes: [65_535] },
  { ask: "keys", keys },
  { ask: "records", keys },
];

const dot = { origin, sequence: sequence(2 ** 40) };
const stamp = { hlc: 5n as Hlc, dot: { origin, sequence: sequence(3) } };
const sibling = { dot, hlc: 9n as Hlc, epoch: 3, birth: stamp };
const found = { siblings: [{ ...sibling, value: Uint8Array.of(1, 2) }], kinds: [] };
const ANSWERS: readonly CompareAnswer[] = [
  {
    answer: "keys",
    applied: vector,
    keys: [{ key: keys[0] ?? ("" as Key), hash: undefined, dots: [dot] }],
  },
  {
    answer: "records",
    applied: vector,
    records: keys.map((key) => ({ key, content: found, expected: [1, 2, 3, 2 ** 32 - 1] })),
  },
];

const SERVES: Readonly<{ [K in ServeMessage["kind"]]: Extract<ServeMessage, { kind: K }> }> = {
  hello: { kind: "hello", hello },
  batch: {
    kind: "batch",
    batch: { origin, from: 42, transactions: [Uint8Array.of(1), Uint8Array.of(2, 3)], hash },
  },
  part: {
    kind: "part",
    part: { origin, sequence: 42, hash, totalBytes: 600, offset: 300, bytes: Uint8Array.of(4, 5) },
  },
  reports: { kind: "reports", reports: [report] },
  clock: { kind: "clock", askedAtMs, answerMs: askedAtMs },
  answer: { kind: "answer", id: 77, report },
  compared: {
    kind: "compared",
    id: 8,
    answer: { answer: "nodes", applied: vector, levels: 4, nodes: [[1, 2, 3, 2 ** 32 - 1]] },
  },
  config: { kind: "config", config },
  gone: { kind: "gone", origin, retainedFrom: 12 },
  forked: { kind: "forked", theirs: position, ours: hash },
};

const plain = (message: unknown): unknown =>
  JSON.parse(
    JSON.stringify(message, (_, value: unknown) => {
      if (typeof value === "bigint") return String(value);
      if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
      return value instanceof Uint8Array ? [...value] : value;
    }),
  );

describe("messages between regions", () => {
  test.each(Object.values(PULLS))("$kind of who pulls comes back", (message) => {
    expect(plain(decodePullMessage(pullMessageBytes(message)))).toEqual(plain(message));
  });

  test.each(Object.values(SERVES))("$kind of who serves comes back", (message) => {
    expect(plain(decodeServeMessage(serveMessageBytes(message)))).toEqual(plain(message));
  });

  test("every question about trees and every answer comes back", () => {
    for (const question of QUESTIONS) {
      const message = { kind: "compare", id: 1, question } as const;
      expect(plain(decodePullMessage(pullMessageBytes(message)))).toEqual(plain(message));
    }
    for (const answer of [...ANSWERS, undefined]) {
      const message = { kind: "compared", id: 1, answer } as const;
      expect(plain(decodeServeMessage(serveMessageBytes(message)))).toEqual(plain(message));
    }
    const beyond = { ask: "nodes", level: 1, indexes: [16] } as const;
    const bytes = pullMessageBytes({ kind: "compare", id: 1, question: beyond });
    expect(() => decodePullMessage(bytes)).toThrow("a node beyond the 16 of level 1");
  });

  test("a question that names a region twice is none", () => {
    const twice = pullMessageBytes({ ...PULLS.ask, of: [originId(2), originId(2)] });
    expect(() => decodePullMessage(twice)).toThrow("a question names a region twice");
  });

  test("an answer without a report, and a kind that a later version speaks (scenario 44)", () => {
    const none = serveMessageBytes({ kind: "answer", id: 1, report: undefined });
    expect(decodeServeMessage(none)).toEqual({ kind: "answer", id: 1, report: undefined });
    expect(decodeServeMessage(Uint8Array.of(0xfa, 0x3f, 0))).toBeUndefined();
  });

  test("a batch that pays is deflated, and one that lies about its size is refused", () => {
    const transactions = Array.from({ length: 100 }, (_, at) => new Uint8Array(100).fill(at));
    const batch = { origin, from: 1, transactions, hash };
    const bytes = serveMessageBytes({ kind: "batch", batch });
    expect(bytes.length).toBeLessThan(2_000);
    expect(plain(decodeServeMessage(bytes))).toEqual(plain({ kind: "batch", batch }));
    const said = hansa.region.v1.ServeMessage.decode(bytes);
    for (const lie of [0, 1, 10_199, 10_201, 2 ** 31]) {
      const lied = { batch: { ...said.batch, inflated_bytes: lie } };
      const lying = hansa.region.v1.ServeMessage.encode(lied).finish();
      expect(() => decodeServeMessage(lying)).toThrow(KvError);
    }
  });

  test("hostile bytes give one typed error and nothing else", () => {
    const bytes = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(decodePullMessage, decodeServeMessage),
        (given, decode) => {
          try {
            decode(given);
          } catch (cause) {
            expect(cause).toBeInstanceOf(KvError);
            expect((cause as KvError).code).toBe("invalid-argument");
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ["an origin of 0", { kind: "gone", origin: 0, retainedFrom: 1 }],
    ["a hash of another length", { kind: "forked", theirs: position, ours: Uint8Array.of(1) }],
  ])("%s is refused by name", (_, message) => {
    expect(() => decodeServeMessage(serveMessageBytes(message as ServeMessage))).toThrow(KvError);
  });
});
