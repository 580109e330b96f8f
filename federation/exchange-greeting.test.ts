// What a hello must say, and that versions meet (federation 1, 4; scenario 44).
import { expect, test } from "@jest/globals";
import { documentOf, identity, numbered } from "../test/federation/document.ts";
import { originId } from "./dot.ts";
import { greetingFault, helloOf } from "./exchange-greeting.ts";
import { EXCHANGE_VERSION, EXCHANGE_VERSION_MIN } from "./exchange-message.ts";
import type { ExchangeHello } from "./exchange-message.ts";

const config = documentOf(numbered(3));
const [here, there] = [originId(1), originId(2)];

function hello(change: Partial<ExchangeHello> = {}): ExchangeHello {
  const said = helloOf(config, there, here, true);
  if (said === undefined) throw new TypeError("a member says hello");
  return { ...said, ...change };
}

test("who is a member by one configuration and means this region is heard", () => {
  expect(greetingFault(hello(), config, here)).toBeUndefined();
  expect(helloOf(config, originId(9), here, true)).toBeUndefined();
});

test("one that speaks a later version too is heard: it falls back to what this side speaks", () => {
  expect(greetingFault(hello({ version: EXCHANGE_VERSION + 1 }), config, here)).toBeUndefined();
});

test("one that speaks only what is no longer spoken is refused, with what would be heard", () => {
  const fault = greetingFault(hello({ version: EXCHANGE_VERSION_MIN - 1 }), config, here);
  expect(fault).toContain(`speaks ${EXCHANGE_VERSION_MIN} to ${EXCHANGE_VERSION}`);
});

test("a stranger, a copy of a member and a word for another are refused by name", () => {
  const { from } = hello();
  const faults = [
    hello({ from: { ...from, federationId: identity(7) } }),
    hello({ to: originId(3) }),
    hello({ from: { ...from, origin: originId(9) } }),
    hello({ from: { ...from, incarnation: identity(8) } }),
  ].map((said) => greetingFault(said, config, here));
  expect(faults).toEqual([
    expect.stringContaining("belongs to"),
    expect.stringContaining("meant for origin 3"),
    expect.stringContaining("is no member in epoch 1"),
    expect.stringContaining("the configuration has"),
  ]);
});
