// Options are checked at once and all together.
import { describe, expect, test } from "@jest/globals";
import { addressOf } from "./endpoint.ts";
import { settle } from "./options.ts";

describe("addressOf", () => {
  test.each([
    ["127.0.0.1:2379", "127.0.0.1:2379"],
    ["http://localhost:2379", "localhost:2379"],
    ["http://localhost:2379/", "localhost:2379"],
    ["[::1]:2379", "[::1]:2379"],
    ["https://localhost:2379/", "https://localhost:2379"],
    ["unix:///run/x.sock", "unix:/run/x.sock"],
    ["unixs://x.sock", "unixs:x.sock"],
  ])("%s", (endpoint, address) => {
    expect(addressOf(endpoint)).toBe(address);
  });

  test.each(["", "localhost", "localhost:", "localhost:99999", "ftp://a:1", "a b:1", "a:1/x"])(
    "%s is refused",
    (endpoint) => {
      expect(addressOf(endpoint)).toBeUndefined();
    },
  );
});

test("an endpoint without a scheme is secured when TLS is asked for", () => {
  expect(addressOf("localhost:1", true)).toBe("https://localhost:1");
  expect(addressOf("http://localhost:1", true)).toBe("localhost:1");
});

test("every wrong option is named in one error", () => {
  const make = () =>
    settle({
      endpoints: ["nowhere", "ftp://a:1"],
      tls: { cert: "x" },
      deadlineMs: 0,
      attemptMs: Number.NaN,
      limits: { inFlightMax: 0.5 },
      read: { maxStalenessMs: -1, minRevision: 1.5 },
    });
  for (const word of [
    "nowhere",
    "ftp://a:1",
    "tls.cert and tls.key belong together",
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
