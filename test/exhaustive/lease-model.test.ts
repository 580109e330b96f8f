// No lease outlives the election of another leader, at any clock rate within the bound and any time of the
// messages; and without a part of the arithmetic, or a flag, one does.
import { describe, expect, test } from "@jest/globals";
import { RHO, searchLeases } from "./lease-model.ts";
import type { LeaseModel } from "./lease-model.ts";

describe.each(["raft", "paxos"] as const)("%s", (protocol) => {
  const sound: LeaseModel = { protocol, clockDriftMax: RHO, transfer: false };

  test("a leader that holds a lease knows of every commit", () => {
    const { overlap, schedules, elections, leased } = searchLeases(sound);
    expect(overlap).toBeUndefined();
    // Leases hold, and elections are won, so the promise is about something.
    expect(schedules).toBeGreaterThan(3000);
    expect(elections).toBeGreaterThan(300);
    expect(leased).toBeGreaterThan(300);
  });

  test("nor does one that has told another to campaign (scenario 65)", () => {
    const { overlap, elections } = searchLeases({ ...sound, transfer: true });
    expect(overlap).toBeUndefined();
    expect(elections).toBeGreaterThan(300);
  });

  test("a lease without the drift factor overlaps", () => {
    const { overlap } = searchLeases({ ...sound, clockDriftMax: 0 });
    expect(overlap).toBeDefined();
    // It takes a leader whose clock is slower than the voter's.
    expect(overlap?.rates[0]).toBeLessThan(overlap?.rates[1] ?? 0);
  });

  test("a lease that counts from the acknowledgement overlaps (scenario 64)", () => {
    const { overlap } = searchLeases({ ...sound, planted: "lease-from-ack-time" });
    expect(overlap).toBeDefined();
    expect(overlap?.ackedAtMs).toBeGreaterThan(overlap?.receivedAtMs ?? Infinity);
  });

  test("a lease that outlives its leader's leave to campaign overlaps", () => {
    const planted = "lease-after-timeout-now";
    expect(searchLeases({ ...sound, transfer: true, planted }).overlap).toBeDefined();
  });
});
