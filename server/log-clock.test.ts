import { describe, expect, test } from "@jest/globals";
import type { LogTimeMs, MonotonicMs } from "../base/index.ts";
import type { Epoch, Role } from "../consensus/index.ts";
import { LogClock } from "./log-clock.ts";

/** A member whose role, clock and applied log time are set by hand. */
class Member {
  nowMs = 1_000;
  applied = 0;
  role: Role = "follower";
  epoch: Epoch = { config: 0, round: 1, node: 0 };
  readonly clock = new LogClock(
    { status: () => ({ role: this.role, epoch: this.epoch }) },
    { clock: { monotonicMs: () => this.nowMs as MonotonicMs } },
    () => this.applied as LogTimeMs,
  );

  apply(logTime: number): void {
    this.applied = logTime;
    this.clock.look();
  }

  lead(round: number): void {
    this.role = "leader";
    this.epoch = { ...this.epoch, round };
  }
}

describe("log time", () => {
  test("goes on at a new leader from the last entry it applied, and the time since", () => {
    const member = new Member();
    member.apply(500);
    member.nowMs += 300;
    member.lead(2);
    expect(member.clock.read()).toBe(800);
    expect(member.clock.stamp(member.epoch)).toBe(800);
  });

  test("goes by the monotonic clock alone (R9, scenario 68)", () => {
    const member = new Member();
    member.apply(700);
    member.lead(1);
    expect(member.clock.read()).toBe(700);
    member.nowMs += 30;
    expect(member.clock.read()).toBe(730);
    member.nowMs += 5;
    member.lead(2);
    expect(member.clock.read()).toBe(735);
  });

  test("of a leader is its own clock's: what it applies moves nothing, however late that is", () => {
    const member = new Member();
    member.lead(2);
    expect(member.clock.read()).toBe(0);
    member.nowMs += 100;
    const stamped = member.clock.stamp(member.epoch);
    member.nowMs += 40;
    member.apply(stamped);
    expect(member.clock.read()).toBe(140);
  });

  test("of a follower is what its leader's entries say, not what its own clock made of them", () => {
    const member = new Member();
    member.apply(500);
    member.nowMs += 1_000;
    expect(member.clock.read()).toBe(1_500);
    member.apply(1_400);
    expect(member.clock.read()).toBe(1_400);
    member.apply(1_300);
    expect(member.clock.read()).toBe(1_400);
  });

  test("begins after a restart where the state stands: time that nobody was up does not count", () => {
    const before = new Member();
    before.apply(5_000);
    const after = new Member();
    after.applied = before.applied;
    after.clock.look();
    expect(after.clock.read()).toBe(5_000);
  });
});
