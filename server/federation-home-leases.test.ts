// Which region sees to a leased home at all: one that may write there (federation 12; trap 1).
import { expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { MonotonicMs, WallMs } from "../base/index.ts";
import { encodeConfig } from "../federation/index.ts";
import { home, policy } from "../test/federation/document.ts";
import { ANCHOR_MS, Region, configOf } from "../test/federation/region.ts";
import { FederatedRegion } from "./federated-region.ts";
import { FederationHomeLeases } from "./federation-home-leases.ts";
import type { FederationHomeLeasesInit } from "./federation-home-leases.ts";

const HOME = home("f/", "east", {
  lease: { ttlS: 10, heirs: ["north"], writeRegions: 2 },
});

/** The keys that a leader asks the directory for at its first look; the directory does not answer. */
function asked({ hasOrigin }: { readonly hasOrigin: boolean }): readonly string[] {
  const region = new Region(1);
  const document = encodeConfig(configOf(2, [policy("f/")], { homes: [HOME] }));
  const self = hasOrigin ? { self: region.origin } : {};
  region.change({ change: "configure", document, wallMs: ANCHOR_MS as WallMs, ...self });
  const keys: string[] = [];
  const away = (): Promise<never> =>
    Promise.reject(new KvError("unavailable", "not-applied", "away"));
  const get: FederationHomeLeasesInit["directory"]["client"]["get"] = (key) => {
    keys.push(String(key));
    return away();
  };
  const keepAlive = (): never => {
    throw new Error("nothing was granted");
  };
  const client = {
    ...{ get, range: away },
    leases: { grant: away, revoke: away, state: away, keepAlive },
  };
  const leases = new FederationHomeLeases({
    directory: { change: away, changeBeside: away, client },
    ...{ region: "east", leads: () => true, clockDriftMax: 0 },
    state: new FederatedRegion(() => region.host.machine),
    clock: { monotonicMs: () => 0 as MonotonicMs },
    ask: () => undefined,
    journal: { info: () => undefined, warn: () => undefined, error: () => undefined },
    onBug: (bug) => {
      throw bug;
    },
  });
  leases.look();
  return keys;
}

test("a region that was restored or wiped holds no home: its heirs are to have it", () => {
  expect(asked({ hasOrigin: true })).toEqual([expect.stringMatching(/\/lease\//)]);
  expect(asked({ hasOrigin: false })).toEqual([]);
});
