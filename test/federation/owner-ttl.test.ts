// Leases on federated keys under `ttl: owner` (federation 15; scenarios 24 and 25, trap 10): whole machines, with a second
// member each, and what etcd clients see in every region.
import { describe, expect, test } from "@jest/globals";
import type { LeaseId } from "../../base/index.ts";
import type { FederationBug, FederationConfig } from "../../federation/index.ts";
import { EXPIRE, del, grant, op, put, rangeOf, renew, revoke, txn } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf, exchange } from "./region.ts";

const LEASE = 77n as LeaseId;
const OTHER = 5n as LeaseId;
const TTL_MS = 1_000;
const POLICIES = [policy("o/", { ttl: "owner" }), policy("p/")];

function regionsOf(planted?: FederationBug): readonly [Region, Region, Region] {
  const all = [new Region(1, planted), new Region(2, planted), new Region(3, planted)] as const;
  for (const region of all) region.configure(configOf(3, POLICIES));
  return all;
}

function leaseOf(region: Region, key: string): bigint | undefined {
  const answer = region.host.range(rangeOf(key));
  return "code" in answer ? undefined : answer.kvs[0]?.lease;
}

function keysOn(region: Region, lease: LeaseId): readonly string[] {
  return [...(region.host.machine.leases.get(lease)?.keys ?? [])].sort();
}

/** Log time moves on, and whoever leads says what is due. */
function pass(region: Region, ms: number): void {
  region.nowMs += ms;
  region.run(EXPIRE);
}

describe("a put with a lease", () => {
  test("ends with it once, by its owner, and is gone everywhere (scenario 24)", () => {
    const [r1, r2, r3] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(txn([], [op.put("o/a", "1", { lease: LEASE }), op.put("o/b", "2")]));
    exchange([r1, r2, r3]);
    expect([leaseOf(r1, "o/a"), leaseOf(r2, "o/a"), leaseOf(r1, "o/b")]).toEqual([LEASE, 0n, 0n]);
    expect([keysOn(r1, LEASE), r2.host.machine.leases.size]).toEqual([["o/a"], 0]);
    for (const region of [r1, r2, r3]) region.restart();
    expect(keysOn(r1, LEASE)).toEqual(["o/a"]);
    for (const region of [r2, r3]) pass(region, 10 * TTL_MS);
    expect(r2.get("o/a")).toBe("1");
    const minted = r1.state.applied.get(r1.origin);
    pass(r1, TTL_MS + 1);
    expect(r1.state.applied.get(r1.origin)).toBe((minted ?? 0) + 1);
    exchange([r1, r2, r3]);
    for (const region of [r1, r2, r3]) {
      expect([region.get("o/a"), region.siblings("o/a"), region.get("o/b")]).toEqual([
        ...[undefined, [], "2"],
      ]);
      expect(region.events(0).filter((event) => event.includes("delete"))).toHaveLength(1);
      region.restart();
    }
  });

  test("is refused where the policy does not let it in, and where there is no such lease", () => {
    const [r1] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    const refused = { kind: "refused", code: "federation-refused" };
    expect(r1.run(put("p/a", "1", { lease: LEASE }))).toMatchObject(refused);
    expect(r1.run(put("o/a", "1", { lease: 78n as LeaseId }))).toMatchObject({
      code: "lease-not-found",
    });
  });

  test("loses its lease to a put without one, and keeps it where the put says so", () => {
    const [r1, r2] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    r1.run(put("o/a", "2", { ignoreLease: true }));
    expect([leaseOf(r1, "o/a"), keysOn(r1, LEASE)]).toEqual([LEASE, ["o/a"]]);
    r1.run(put("o/a", "3"));
    expect([leaseOf(r1, "o/a"), keysOn(r1, LEASE)]).toEqual([0n, []]);
    exchange([r1, r2]);
    r1.run(revoke(LEASE));
    exchange([r1, r2]);
    expect([r1.get("o/a"), r2.get("o/a")]).toEqual(["3", "3"]);
  });
});

describe("an expiry", () => {
  test("loses to whatever it has not seen: a put elsewhere extends the key (scenario 25)", () => {
    const [r1, r2, r3] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    exchange([r1, r2, r3]);
    r2.run(grant(OTHER, 100 * TTL_MS));
    r2.run(put("o/a", "2", { lease: OTHER }));
    // Its clock is far ahead, and its stamp the later one.
    pass(r1, 50 * TTL_MS);
    expect(r1.get("o/a")).toBeUndefined();
    exchange([r1, r2, r3]);
    for (const region of [r1, r2, r3]) expect(region.get("o/a")).toBe("2");
    expect([leaseOf(r2, "o/a"), keysOn(r2, OTHER)]).toEqual([OTHER, ["o/a"]]);
    r2.run(revoke(OTHER));
    exchange([r1, r2, r3]);
    for (const region of [r1, r2, r3]) expect(region.siblings("o/a")).toEqual([]);
  });

  test("ends its dot where that is hidden behind another, and leaves the other", () => {
    const [r1, r2] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    r2.nowMs = 500;
    r2.run(put("o/a", "2"));
    exchange([r1, r2]);
    expect([r1.get("o/a"), r1.siblings("o/a"), keysOn(r1, LEASE)]).toEqual([
      ...["2", ["1:1", "2:1"], ["o/a"]],
    ]);
    r1.restart();
    pass(r1, TTL_MS + 1);
    exchange([r1, r2]);
    for (const region of [r1, r2]) {
      expect([region.get("o/a"), region.siblings("o/a")]).toEqual(["2", ["2:1"]]);
    }
  });

  test("takes tombstones with it that it has seen", () => {
    const [r1, r2] = regionsOf();
    r2.run(put("o/a", "0"));
    exchange([r1, r2]);
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    r2.run(del("o/a"));
    exchange([r1, r2]);
    pass(r1, TTL_MS + 1);
    exchange([r1, r2]);
    for (const region of [r1, r2]) expect(region.siblings("o/a")).toEqual([]);
  });

  test("waits, and so does its lease, while the region may say nothing", () => {
    const [r1] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    r1.change({ change: "forked", origin: r1.origin });
    pass(r1, TTL_MS + 1);
    expect([r1.get("o/a"), r1.host.machine.leases.size]).toEqual(["1", 1]);
    expect(r1.run(revoke(LEASE))).toMatchObject({ kind: "refused", code: "federation-refused" });
    r1.restart();
  });

  test("waits in a region that was restored, in whichever way its members began", () => {
    const [r1] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    for (const member of [r1.host, r1.twin]) member.machine.beginAnew(1_000);
    r1.restart();
    pass(r1, TTL_MS + 1);
    r1.restart();
    expect([r1.get("o/a"), keysOn(r1, LEASE)]).toEqual(["1", ["o/a"]]);
    expect(r1.run(revoke(LEASE))).toMatchObject({ kind: "refused", code: "federation-refused" });
  });
});

describe("an owner that is no more", () => {
  /** r1 is parted, at what it had told. */
  function without(first: FederationConfig): FederationConfig {
    const [gone, ...members] = first.members;
    if (gone === undefined) throw new Error("there are members");
    const { origin, incarnation, name: region } = gone;
    const closed = [{ origin, incarnation, region, cut: 1, closed: 2 }];
    return { ...first, epoch: 2, members, closed };
  }

  test("is followed by the lowest live region, which gives the key its whole time again (scenario 24)", () => {
    const [r1, r2, r3] = regionsOf();
    r1.run(grant(LEASE, TTL_MS));
    r1.run(put("o/a", "1", { lease: LEASE }));
    exchange([r1, r2, r3]);
    for (const region of [r2, r3]) region.configure(without(configOf(3, POLICIES)));
    const [adopted] = r2.host.machine.leases.list();
    expect([adopted?.ttlMs, [...(adopted?.keys ?? [])]]).toEqual([TTL_MS, ["o/a"]]);
    expect([leaseOf(r2, "o/a") === adopted?.id, r3.host.machine.leases.size]).toEqual([false, 0]);
    r2.restart();
    pass(r2, TTL_MS / 2);
    expect(r2.get("o/a")).toBe("1");
    pass(r2, TTL_MS);
    exchange([r2, r3]);
    for (const region of [r2, r3]) expect(region.get("o/a")).toBeUndefined();
  });

  test("without the guard every region ends what its owner still renews (ttl-expired-everywhere)", () => {
    const outcome = (planted?: FederationBug): string | undefined => {
      const [r1, r2] = regionsOf(planted);
      r1.run(grant(LEASE, TTL_MS));
      r1.run(put("o/a", "1", { lease: LEASE }));
      exchange([r1, r2]);
      for (let round = 0; round < 4; round += 1) {
        r1.run(renew(LEASE));
        for (const region of [r1, r2]) pass(region, TTL_MS / 2);
      }
      exchange([r1, r2]);
      return r1.get("o/a");
    };
    expect([outcome(), outcome("ttl-expired-everywhere")]).toEqual(["1", undefined]);
  });
});
