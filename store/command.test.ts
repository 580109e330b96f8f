import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { BootNonce, LogTimeMs, NodeId } from "../base/index.ts";
import { NOBODY, OWN_AUTHORITY } from "./caller.ts";
import { COMMAND_HEADER_BYTES, commandOrigin, decodeCommand, encodeCommand } from "./command.ts";
import type { Command } from "./command.ts";

const counts = fc.maxSafeNat();
const commands: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom(
    "put",
    "delete-range",
    "txn",
    "compaction",
    "session-open",
    "session-close",
  ),
  stamp: fc.record({
    epoch: fc.record({
      config: counts,
      round: counts,
      node: counts.map((node) => node as NodeId | 0),
    }),
    logTimeMs: counts.map((at) => at as LogTimeMs),
  }),
  origin: fc.record({
    node: counts.map((node) => node as NodeId),
    boot: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((boot) => boot as BootNonce),
    counter: counts,
  }),
  caller: fc.oneof(
    fc.constantFrom(NOBODY, OWN_AUTHORITY),
    fc.record({
      kind: fc.constant("user" as const),
      name: fc.string({ unit: "grapheme" }),
      authRevision: counts,
    }),
  ),
  body: fc.uint8Array({ maxLength: 40 }),
});

const command: Command = {
  kind: "put",
  stamp: { epoch: { config: 0, round: 7, node: 0 }, logTimeMs: 5 as LogTimeMs },
  origin: { node: 2 as NodeId, boot: 3n as BootNonce, counter: 4 },
  caller: NOBODY,
  body: Uint8Array.of(1, 2, 3),
};

describe("the command frame", () => {
  test("gives back what went in, wherever it lies in a larger buffer", () => {
    fc.assert(
      fc.property(commands, fc.nat({ max: 9 }), (command, offset) => {
        const frame = encodeCommand(command);
        const segment = new Uint8Array(offset + frame.length + 3);
        segment.set(frame, offset);
        const view = segment.subarray(offset, offset + frame.length);
        const { origin, ...rest } = command;
        expect(decodeCommand(view)).toEqual(rest);
        expect(commandOrigin(view)).toEqual(origin);
      }),
    );
  });

  test("leaves the request's bytes untouched and does not copy them when decoded", () => {
    const frame = encodeCommand(command);
    expect([...frame.subarray(COMMAND_HEADER_BYTES)]).toEqual([1, 2, 3]);
    expect(decodeCommand(frame).body.buffer).toBe(frame.buffer);
  });

  test("of nobody in particular has a fixed header and a format of its own", () => {
    const frame = encodeCommand(command);
    expect(frame.length).toBe(COMMAND_HEADER_BYTES + command.body.length);
    expect(frame[0]).toBe(4);
  });

  test("names one user and nobody longer than a name may be", () => {
    const caller = { kind: "user", name: "x".repeat(1 << 16), authRevision: 1 } as const;
    expect(() => encodeCommand({ ...command, caller })).toThrow("is no user's");
    const frame = encodeCommand({ ...command, caller: { ...caller, name: "ann" } });
    expect(() => decodeCommand(frame.subarray(0, COMMAND_HEADER_BYTES + 11))).toThrow(
      "cut off in his name",
    );
    expect(() => decodeCommand(frame.subarray(0, COMMAND_HEADER_BYTES + 6))).toThrow(
      "names nobody",
    );
  });

  test("of an unknown format or kind, or cut short, is a bug and not a command", () => {
    const otherFormat = encodeCommand(command);
    otherFormat[0] = 9;
    expect(() => decodeCommand(otherFormat)).toThrow("command format 9 is unknown");
    expect(() => commandOrigin(otherFormat)).toThrow("command format 9 is unknown");
    const otherKind = encodeCommand(command);
    otherKind[1] = 99;
    expect(() => decodeCommand(otherKind)).toThrow("the kind of command code 99");
    expect(() => decodeCommand(encodeCommand(command).subarray(0, 20))).toThrow("has no header");
  });

  test("holds safe integers only", () => {
    const stamped = (at: number): Command => {
      const stamp = { ...command.stamp, logTimeMs: at as LogTimeMs };
      return { ...command, stamp };
    };
    expect(() => encodeCommand(stamped(-1))).toThrow("-1 is not");
    expect(() => encodeCommand(stamped(0.5))).toThrow("0.5 is not");
    const wide = { ...command.origin, boot: (1n << 64n) as BootNonce };
    expect(() => encodeCommand({ ...command, origin: wide })).toThrow("is not 64 bits");
  });
});
