// Custom handlers in the document, command by command (federation 8).
import { expect, test } from "@jest/globals";
import { changed, prefix, three, why } from "../test/federation/config-history.ts";
import { CONFIG_LIMITS } from "./config.ts";
import { decodeConfig, encodeConfig } from "./config-codec.ts";

const cart = {
  command: "handler",
  name: "cart",
  hash: "ab".repeat(32),
  source: "function resolve() {}",
  runs: "on-write",
} as const;
const { name, hash, source: written, runs } = cart;
const asKept = { name, hash, source: written, runs };
const stopped = {
  command: "handler-stopped",
  region: "fra",
  name: "cart",
  hash,
  why: "it throws",
} as const;
const carts = { command: "policy", policy: "resolver", ranks: [], ttl: "refused" } as const;

test("a prefix of resolver names a handler that is there, and keeps it there", () => {
  const p = prefix("carts/");
  expect(why(three, { ...carts, prefix: p })).toMatch(/needs the name of a handler/);
  expect(why(three, { ...carts, prefix: p, handler: "cart" })).toMatch(/set it first/);
  const used = changed(three, cart, { ...carts, prefix: p, handler: "cart" });
  expect(used.handlers).toEqual([asKept]);
  expect(why(used, { command: "handler-unset", name: "cart" })).toMatch(/settles "carts\/"/);
  expect(why(used, { ...carts, prefix: p, policy: "lww", handler: "cart" })).toMatch(
    /is for resolver, not lww/,
  );
  const idle = changed(
    used,
    { ...carts, policy: "lww", prefix: p },
    { command: "handler-unset", name: "cart" },
  );
  expect(idle.handlers).toEqual([]);
  expect(why(idle, { command: "handler-unset", name: "cart" })).toMatch(/no handler is named/);
});

test("one that misbehaves is stopped for all regions until it is set again", () => {
  const set = changed(three, cart);
  const after = changed(set, stopped);
  expect(after.handlers).toEqual([{ ...asKept, stopped: { region: "fra", why: "it throws" } }]);
  expect(decodeConfig(encodeConfig(after))).toEqual(after);
  expect(why(after, { ...stopped, region: "ams", why: "it loops" })).toBe("unchanged");
  expect(why(set, { ...stopped, hash: "cd".repeat(32) })).toBe("unchanged");
  expect(why(set, { ...stopped, region: "nobody" })).toMatch(/no region is named nobody/);
  expect(changed(after, cart).handlers).toEqual([asKept]);
  const long = changed(set, { ...stopped, why: "x".repeat(10_000) });
  expect(long.handlers[0]?.stopped?.why).toHaveLength(CONFIG_LIMITS.handlerWhyLengthMax);
});

test("a source is bounded, and so is the document", () => {
  const { handlerSourceLengthMax } = CONFIG_LIMITS;
  const source = "x".repeat(handlerSourceLengthMax);
  expect(changed(three, { ...cart, source }).handlers[0]?.source).toBe(source);
  expect(why(three, { ...cart, source: `${source}x` })).toMatch(/handlers\[0\]\.source has 32769/);
  expect(why(three, { ...cart, source: "" })).toMatch(/has 0 characters/);
  expect(why(three, { ...cart, hash: "short" })).toMatch(/hexadecimal/);
  const many = Array.from({ length: 40 }, (_one, at) => ({ ...cart, source, name: `h${at}` }));
  expect(() => changed(three, ...many)).toThrow(/bytes, more than 1048576/);
});
