import { describe, expect, test } from "@jest/globals";
import type { LogIndex, LogTimeMs, MonotonicMs } from "../base/index.ts";
import type { Epoch, Role, Status } from "../consensus/index.ts";
import { LogClock } from "./log-clock.ts";

/** A member whose role, clock and applied commands are set by hand. */
class Member {
  nowMs = 1_000;
  logTime = 0;
  applied = 0;
  ledFrom: number | undefined;
  role: Role = "follower";
  epoch: Epoch = { config: 0, round: 1, node: 0 };
  readonly clock = new LogClock(
    { status: () => this.#status() },
    { clock: { monotonicMs: () => this.nowMs as MonotonicMs } },
    () => this.logTime as LogTimeMs,
  );

  /** One command, as the state machine does: log time never falls. */
  apply(logTime: number): void {
    this.applied += 1;
    this.logTime = Math.max(this.logTime, logTime);
    this.clock.onApplied();
  }

  /** With so many entries in its log that are not applied yet. */
  lead(round: number, unapplied = 0): void {
    this.role = "leader";
    this.epoch = { ...this.epoch, round };
    this.ledFrom = this.applied + unapplied + 1;
  }

  #status(): Pick<Status, "role" | "epoch" | "applied" | "ledFrom"> {
    const { role, epoch, ledFrom } = this;
    const applied = this.applied as LogIndex;
    return {
      role,
      epoch,
      applied,
      ...(ledFrom === undefined ? {} : { ledFrom: ledFrom as LogIndex }),
    };
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

  test("stands still at a new leader until all of earlier epochs is applied, then goes on from there", () => {
    const restarted = new Member();
    restarted.lead(3, 2);
    restarted.nowMs += 100;
    expect(restarted.clock.stamp(restarted.epoch)).toBe(0);
    restarted.apply(6_000);
    restarted.nowMs += 100;
    expect(restarted.clock.read()).toBe(6_000);
    restarted.apply(7_000);
    restarted.nowMs += 100;
    expect(restarted.clock.read()).toBe(7_100);
    expect(restarted.clock.stamp(restarted.epoch)).toBe(7_100);
  });

  test("is not ahead of what was stamped while it stood still", () => {
    const member = new Member();
    member.apply(500);
    member.nowMs += 1_000;
    member.lead(2, 1);
    expect(member.clock.stamp(member.epoch)).toBe(500);
    // What was in the log was no command.
    member.applied += 1;
    member.nowMs += 40;
    expect(member.clock.stamp(member.epoch)).toBe(540);
  });

  test("of a follower stands where a leader's that lags behind lets it stand", () => {
    const member = new Member();
    member.apply(5_353);
    member.nowMs += 600;
    // Granted at 5,353, though stamped earlier: its time begins here.
    member.apply(4_713);
    member.nowMs += 300;
    member.lead(9);
    expect(member.clock.stamp(member.epoch)).toBe(5_653);
  });

  test("begins after a restart where the state stands: time that nobody was up does not count", () => {
    const before = new Member();
    before.apply(5_000);
    const after = new Member();
    after.apply(before.logTime);
    expect(after.clock.read()).toBe(5_000);
  });
});
