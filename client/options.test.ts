// Options are checked at once and all together.
import { describe, expect, test } from "@jest/globals";
import { addressOf, settle } from "./options.ts";

describe("addressOf", () => {
  test.each([
    ["127.0.0.1:2379", "127.0.0.1:2379"],
    ["http://localhost:2379", "localhost:2379"],
    ["http://localhost:2379/", "localhost:2379"],
    ["[::1]:2379", "[::1]:2379"],
  ])("%s", (endpoint, address) => {
    expect(addressOf(endpoint)).toBe(address);
  });

  test.each(["", "localhost", "localhost:", "localhost:99999", "https://a:1", "a b:1", "a:1/x"])(
    "%s is refused",
    (endpoint) => {
      expect(addressOf(endpoint)).toBeUndefined();
    },
  );
});

test("every wrong option is named in one error", () => {
  const make = () =>
    settle({
      endpoints: ["nowhere", "https://a:1"],
      deadlineMs: 0,
      attemptMs: Number.NaN,
      limits: { inFlightMax: 0.5 },
      read: { maxStalenessMs: -1, minRevision: 1.5 },
    });
  for (const word of [
    "nowhere",
    "https://a:1",
    "deadlineMs",
    "attemptMs",
    "limits.inFlightMax",
    "maxStalenessMs",
    "minRevision",
  ]) {
    expect(make).toThrow(word);
  }
});

test("no endpoint is a mistake", () => {
  expect(() => settle({ endpoints: [] })).toThrow("endpoints is empty");
});

test("the same endpoint in two forms is one", () => {
  expect(settle({ endpoints: ["a:1", "http://a:1"] }).addresses).toEqual(["a:1"]);
});
