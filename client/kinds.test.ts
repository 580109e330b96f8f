// Handles of keys of kinds: what an operation sends, and what is made of a value that was read (federation 9).
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import { KeyValue } from "./answer.ts";
import type { GetAnswer } from "./answer.ts";
import { operation } from "./kind-operation.ts";
import type { KindOperation } from "./kind-operation.ts";
import { Kinds } from "./kinds.ts";
import { operateRequestOf } from "./request.ts";

const HEADER = { clusterId: 1n, memberId: 2n, revision: 3, raftTerm: 4, region: "eu" };
const ANSWER = { header: HEADER, revision: 3 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Keys that hold `value`, and note what is done to them. */
function kindsOf(value: string | undefined, rest: Partial<GetAnswer> = {}) {
  const operated: KindOperation["wire"][] = [];
  const kv =
    value === undefined ? {} : { kv: new KeyValue({ key: bytes("k"), value: bytes(value) }) };
  const kinds = new Kinds({
    operate: (_key, { wire }) => {
      operated.push(wire);
      return Promise.resolve(ANSWER);
    },
    get: () => Promise.resolve({ ...ANSWER, ...kv, ...rest }),
  });
  return { kinds, operated };
}

describe("operations", () => {
  test("are what they say, and out of range are refused before anything is sent", async () => {
    const { kinds, operated } = kindsOf(undefined);
    await kinds.counter("k").add(-3n);
    await kinds.counter("k").reset();
    await kinds.boundedCounter("k").transfer(2n, "us");
    await kinds.map("k").put(new Map([["f", "v"]]));
    await kinds.flag("k").disable();
    expect(operated).toEqual([
      { counter_add: -3n },
      { counter_reset: true },
      { bounded_transfer: { amount: 2n, to_region: "us" } },
      { map: { put: [{ field: bytes("f"), value: bytes("v") }], remove: [] } },
      { flag: false },
    ]);
    for (const make of [
      () => operation.addToCounter(0n),
      () => operation.addToCounter(2n ** 63n),
      () => operation.takeFromBoundedCounter(0n),
      () => operation.addToBoundedCounter(-1n),
    ]) {
      expect(make).toThrow(KvError);
    }
    const bounded = kinds.boundedCounter("k");
    for (const ask of [
      () => kinds.counter("k").add(0n),
      () => bounded.add(0n),
      () => bounded.take(-1n),
      () => bounded.transfer(0n, "us"),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: "invalid-argument" });
    }
    expect(operated).toHaveLength(5);
  });

  test("leave the value of a server that knows no kinds as it is", () => {
    const request = operateRequestOf("k", operation.writeFlag(true));
    expect(request).toMatchObject({ ignore_value: true, operation: { flag: true } });
    expect(() => operateRequestOf("", operation.writeFlag(true))).toThrow(/key is empty/);
  });
});

describe("reads", () => {
  test("of what nobody has written are 0, empty and off", async () => {
    const { kinds } = kindsOf(undefined);
    expect((await kinds.counter("k").get()).value).toBe(0n);
    expect(await kinds.boundedCounter("k").get()).toMatchObject({ value: 0n, rights: 0n });
    expect((await kinds.set("k").get()).elements.size).toBe(0);
    expect((await kinds.map("k").get()).fields.size).toBe(0);
    expect((await kinds.flag("k").get()).enabled).toBe(false);
    const register = await kinds.register("k").get();
    expect(register).toMatchObject({ values: [] });
    expect(register).not.toHaveProperty("value");
  });

  test("keep 64 bits, every field name, and what was written at the same time", async () => {
    const big = kindsOf("-9223372036854775808");
    expect((await big.kinds.counter("k").get()).value).toBe(-(2n ** 63n));
    const { fields } = await kindsOf('{"__proto__":"x","1":"y"}').kinds.map("k").get();
    expect(fields).toEqual(
      new Map([
        ["1", "y"],
        ["__proto__", "x"],
      ]),
    );
    const dot = { origin: 1, sequence: 1 };
    const write = { dot, region: "eu", wallMs: 0, value: bytes("a"), valueBytes: 1 };
    const siblings = { policy: "lww", kind: "register", context: bytes(""), rights: 0n };
    const both = { siblings: { ...siblings, siblings: [write, { ...write, value: bytes("b") }] } };
    const { values } = await kindsOf("b", both).kinds.register("k").get();
    expect(values).toEqual([bytes("a"), bytes("b")]);
  });

  test("of a key that holds something else are refused by name", async () => {
    const { kinds } = kindsOf("[1]");
    for (const read of [
      kinds.counter("k").get(),
      kinds.set("k").get(),
      kinds.map("k").get(),
      kinds.flag("k").get(),
    ]) {
      await expect(read).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringMatching(/"k" does not hold a/) as unknown,
      });
    }
  });
});
