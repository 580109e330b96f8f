// How a member stands to the leased homes of its region: a write is taken while the lease is held, and acknowledged only
// if it is held still, whatever the log has made of the home meanwhile (federation 12; federation scenario 35).
import { expect, test } from "@jest/globals";
import type { MonotonicMs } from "../base/index.ts";
import { HeldHome } from "../federation/index.ts";
import type { FederationBug, Home } from "../federation/index.ts";
import { PeerDialer } from "../rpc/index.ts";
import type { Request } from "../store/index.ts";
import { home, policy } from "../test/federation/document.ts";
import { configOf, Region } from "../test/federation/region.ts";
import { put } from "../test/store/requests.ts";
import { FederatedRegion } from "./federated-region.ts";
import { FederationHomes } from "./federation-homes.ts";

const HOME = home("f/", "east", {
  lease: { ttlS: 10, heirs: ["north"], writeRegions: 2 },
});
const WRITE: Request = put("f/a", "1");

/** The member of a region of one, whose home is held from 0 on, if at all. */
function bench(planted?: FederationBug) {
  const region = new Region(1);
  region.configure(configOf(2, [policy("f/")], { homes: [HOME] }));
  const clock = { nowMs: 0 as MonotonicMs, monotonicMs: () => clock.nowMs };
  const held = new HeldHome({ clockDriftMax: 0, ...(planted && { planted }) });
  const homes = new FederationHomes({
    state: new FederatedRegion(() => region.host.machine),
    quorums: { beforeRead: (_, __, done) => done(undefined), token: () => new Uint8Array(0) },
    dialer: new PeerDialer(),
    secure: false,
    clock,
    helloTo: () => undefined,
  });
  const leases = { heldOf: ({ epoch }: Home) => (epoch === HOME.epoch ? held : undefined) };
  const at = (ms: number): void => {
    clock.nowMs = ms as MonotonicMs;
  };
  return { region, homes, held, leases, at };
}

test("a write under a leased home is refused by who does not hold it, and no other write is", () => {
  const { homes, held, leases, at } = bench();
  expect(homes.standingFor(put("own", "1"))).toBeUndefined();
  const refused = { code: "home-unreachable", outcome: "not-applied" };
  expect(homes.standingFor(WRITE)?.refusal).toMatchObject(refused);
  homes.holdBy(leases);
  expect(homes.standingFor(WRITE)?.refusal).toMatchObject(refused);
  held.renewed(0 as MonotonicMs, 1_000);
  expect(homes.standingFor(WRITE)?.refusal).toBeUndefined();
  expect(homes.held).toEqual([{ prefix: "f/", isHeld: true }]);
  at(1_000);
  expect(homes.standingFor(WRITE)?.refusal).toMatchObject(refused);
  expect(homes.held).toEqual([{ prefix: "f/", isHeld: false }]);
});

test("what is committed once the lease has ended is not acknowledged, though the home has moved by then", () => {
  const late = { code: "home-late", outcome: "unknown" };
  for (const isMoved of [false, true]) {
    const { region, homes, held, leases, at } = bench();
    homes.holdBy(leases);
    held.renewed(0 as MonotonicMs, 1_000);
    const standing = homes.standingFor(WRITE);
    expect([standing?.refusal, standing?.lateness()]).toEqual([undefined, undefined]);
    if (isMoved) {
      const moved = { ...HOME, region: "north", epoch: 2 };
      region.configure(configOf(2, [policy("f/")], { epoch: 2, homes: [moved] }));
      expect(homes.routeOf(WRITE)).toEqual({ to: "region", region: "north" });
    }
    at(1_000);
    expect(standing?.lateness()).toMatchObject(late);
  }
});

test("what waits for regions is not acknowledged once its home moves without this region, lease or not", () => {
  const { lease: _, ...free } = HOME;
  const { region, homes } = bench();
  const logged = (home: Home, epoch: number): void => {
    region.configure(configOf(2, [policy("f/")], { epoch, homes: [home] }));
  };
  logged(free, 2);
  const standing = homes.standingFor(WRITE);
  expect([standing?.refusal, standing?.lateness()]).toEqual([undefined, undefined]);
  const move = { to: "north", begun: 3 };
  logged({ ...free, move }, 3);
  expect(standing?.lateness()).toBeUndefined();
  logged({ ...free, move: { ...move, gathering: { writeRegions: 2, words: [] } } }, 4);
  expect(standing?.lateness()).toMatchObject({ code: "home-late", outcome: "unknown" });
});

test("without the second look it would be (lease-checked-before-commit)", () => {
  const { homes, held, leases, at } = bench("lease-checked-before-commit");
  homes.holdBy(leases);
  held.renewed(0 as MonotonicMs, 1_000);
  const standing = homes.standingFor(WRITE);
  at(1_000);
  expect(standing?.lateness()).toBeUndefined();
});

test("who is no member, or whose home is none, hands nothing on", () => {
  const { homes } = bench();
  const call = {
    region: "lax",
    method: "/etcdserverpb.KV/Put",
    request: new Uint8Array(0),
  } as const;
  const context = {
    deadlineAtMs: 1_000 as MonotonicMs,
    signal: new AbortController().signal,
    caller: { kind: "nobody" },
  } as const;
  for (const region of ["lax", "north"]) {
    let told: unknown;
    homes.handOn({ ...call, region }, context, (result) => {
      told = result;
    });
    expect(told).toMatchObject({ code: "home-unreachable", outcome: "not-applied" });
  }
});
