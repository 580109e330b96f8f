// Messages between regions: each kind comes back as it was, and hostile bytes give one typed error.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KvError } from "../base/index.ts";
import type { WallMs } from "../base/index.ts";
import { originId, sequence } from "../federation/index.ts";
import type { Identity, PullMessage, ServeMessage } from "../federation/index.ts";
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
  ask: { kind: "ask", id: 77 },
};

const SERVES: Readonly<{ [K in ServeMessage["kind"]]: Extract<ServeMessage, { kind: K }> }> = {
  hello: { kind: "hello", hello },
  batch: {
    kind: "batch",
    batch: { origin, from: 42, transactions: [Uint8Array.of(1), Uint8Array.of(2, 3)], hash },
  },
  reports: { kind: "reports", reports: [report] },
  clock: { kind: "clock", askedAtMs, answerMs: askedAtMs },
  answer: { kind: "answer", id: 77, report },
  config: { kind: "config", config },
  gone: { kind: "gone", origin, retainedFrom: 12 },
  forked: { kind: "forked", theirs: position, ours: hash },
};

const plain = (message: unknown): unknown =>
  JSON.parse(
    JSON.stringify(message, (_, value: unknown) => {
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

  test("an answer without a report, and a kind that a later version speaks", () => {
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
