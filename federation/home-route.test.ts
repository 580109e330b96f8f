// Which region takes a write, and what is refused by name because no one region can judge it (federation 12,
// traps 13 and 19).
import { describe, expect, test } from "@jest/globals";
import type { Key, LeaseId } from "../base/index.ts";
import type { Request, RequestOp, TxnRequest } from "../store/index.ts";
import { documentOf, home, policy } from "../test/federation/document.ts";
import { handedOnFault, homeRoute } from "./home-route.ts";
import type { HomeRoute } from "./home-route.ts";
import { PrefixRules } from "./prefix-rules.ts";

const LEASE = { ttlS: 10, heirs: ["fra"], writeRegions: 2 };
const rules = new PrefixRules(
  documentOf([{ name: "ams" }, { name: "fra" }, { name: "iad" }], {
    policies: [policy("h/")],
    homes: [
      home("h/ams/", "ams", { lease: LEASE }),
      home("h/ams/but/", "fra"),
      home("h/fra/", "fra"),
      home("h/gone/", "lax"),
      home("h/iad/", "iad"),
      home("h/open/", "iad", { elsewhere: "advisory" }),
      home("h/strict/", "iad", { elsewhere: "refuse" }),
      home("h/\u00ff", "fra"),
    ],
  }),
);

function put(key: string, lease = 0n): RequestOp {
  const options = {
    lease: lease as LeaseId,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  };
  return { kind: "put", put: { key: key as Key, value: new Uint8Array(1), ...options } };
}

function drop(key: string, end?: string): RequestOp {
  const keys = end === undefined ? { key: key as Key } : { key: key as Key, end: end as Key };
  return { kind: "delete-range", deleteRange: { ...keys, prevKv: false } };
}

function txn(part: Partial<TxnRequest>): Request {
  return { kind: "txn", txn: { compare: [], success: [], failure: [], ...part } };
}

function routed(request: Request, here: string | undefined = "ams"): HomeRoute {
  return homeRoute(rules, here, request);
}

function why(request: Request): string {
  const route = routed(request);
  return route.to === "nowhere" ? route.why : route.to;
}

const asRequest = (operation: RequestOp): Request => operation as Request;

describe("a write", () => {
  test("goes to the home of its key, the longest prefix deciding", () => {
    expect(routed(asRequest(put("h/fra/a")))).toEqual({ to: "region", region: "fra" });
    expect(routed(asRequest(put("h/ams/but/a")))).toEqual({ to: "region", region: "fra" });
    expect(routed(asRequest(put("h/fra/a")), "fra")).toMatchObject({
      to: "here",
      homes: [{ region: "fra" }],
    });
    expect(routed(asRequest(put("h/none/a")))).toEqual({ to: "here", homes: [] });
  });

  test("stays, to be judged where it is applied, under homes that refuse or advise", () => {
    for (const key of ["h/open/a", "h/strict/a", "own"]) {
      expect(routed(asRequest(put(key)))).toEqual({ to: "here", homes: [] });
    }
    expect(homeRoute(rules, undefined, asRequest(put("h/fra/a")))).toEqual({
      to: "here",
      homes: [],
    });
  });

  test("names the homes of this region that it writes under", () => {
    const route = routed(txn({ success: [put("h/ams/a")], failure: [put("h/open/b")] }));
    expect(route.to === "here" && route.homes.map(({ prefix }) => prefix)).toEqual(["h/ams/"]);
    const range = routed(asRequest(drop("h/", "h0")));
    expect(range.to === "here" && range.homes).toHaveLength(1);
  });

  test("goes nowhere while its home is parted", () => {
    expect(why(asRequest(put("h/gone/a")))).toMatch(/region lax, which is parted: move it/);
  });
});

describe("a range", () => {
  test("goes to the home that has all of it, and only then", () => {
    expect(routed(asRequest(drop("h/fra/a", "h/fra/b"))).to).toBe("region");
    expect(routed(asRequest(drop("h/fra/a", "h/fra0"))).to).toBe("region");
    expect(routed(asRequest(drop("h/fra/a", "h/fra1"))).to).toBe("here");
    expect(routed(asRequest(drop("h/fra/a", "\0"))).to).toBe("here");
    expect(routed(asRequest(drop("h/\u00ff", "h0"))).to).toBe("region");
    // A part of it has another home.
    expect(routed(asRequest(drop("h/ams/", "h/ams0")), "iad").to).toBe("here");
  });
});

describe("a transaction", () => {
  test("goes to the one home of all its keys, at any depth", () => {
    const nested = txn({ success: [{ kind: "txn", txn: txnOf(put("h/fra/a")) }] });
    expect(routed(nested)).toEqual({ to: "region", region: "fra" });
    const both = txn({ success: [put("h/fra/a"), put("h/ams/but/b")] });
    expect(routed(both)).toEqual({ to: "region", region: "fra" });
  });

  test("with keys of several homes, or of none beside, is refused by name", () => {
    expect(why(txn({ success: [put("h/fra/a"), put("h/iad/b")] }))).toMatch(
      /"h\/fra\/a", whose home is region fra, and touches "h\/iad\/b", which has its home in iad/,
    );
    expect(why(txn({ success: [put("h/fra/a"), put("own")] }))).toMatch(
      /"own", which is under no home/,
    );
    expect(why(txn({ failure: [put("h/fra/a"), put("h/ams/b")] }))).toMatch(/has its home in ams/);
  });

  test("is refused where it counts as this region counts, not where it asks whether a key is there", () => {
    const key = "h/fra/a" as Key;
    const compared = (rest: object): string =>
      why(txn({ compare: [{ key, result: "equal", ...rest } as never], success: [put(key)] }));
    expect(compared({ target: "mod", modRevision: 7 })).toMatch(/each region counts by itself/);
    expect(compared({ target: "version", version: 2 })).toMatch(/each region counts by itself/);
    expect(compared({ target: "create", createRevision: 0 })).toBe("region");
    expect(compared({ target: "value", value: new Uint8Array(1) })).toBe("region");
    expect(why(asRequest(put(key, 7n)))).toMatch(/put with a lease, which is this region's own/);
  });
});

test("a region takes from another only what lies under its own homes", () => {
  expect(handedOnFault(rules, "fra", asRequest(put("h/fra/a")))).toBeUndefined();
  expect(handedOnFault(rules, "fra", asRequest(put("h/iad/a")))).toMatch(
    /not under a home of region fra/,
  );
  expect(handedOnFault(rules, "fra", asRequest(put("own")))).toMatch(
    /not under a home of region fra/,
  );
  expect(handedOnFault(rules, "fra", txn({ success: [put("h/fra/a"), drop("own")] }))).toMatch(
    /"own" is not under/,
  );
  expect(handedOnFault(rules, "fra", asRequest(drop("h/fra/", "h/zzz")))).toMatch(/not under/);
});

function txnOf(...success: readonly RequestOp[]): TxnRequest {
  return { compare: [], success, failure: [] };
}
