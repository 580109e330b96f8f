// Each lie that a server could tell is told once, and found; the truth beside it is not complained of.
import { describe, expect, test } from "@jest/globals";
import { Observations } from "./observations.ts";

describe("what callers saw", () => {
  let nowMs = 0;
  const observing = (): Observations => {
    nowMs = 0;
    return new Observations(() => nowMs);
  };

  /** A write of revision 5 at 100 ms, and the call of whatever comes next at 1,000 ms. */
  const after = (seen: Observations): ReturnType<Observations["call"]> => {
    const write = seen.call();
    nowMs = 100;
    seen.onWritten(write, 5, true);
    nowMs = 1_000;
    return seen.call();
  };

  const read = { what: "a read", linearizable: false, revision: 4 };

  test.each([
    ["a linearizable read of the past", { ...read, linearizable: true }, /5 had been seen/],
    ["less than the minimum revision", { ...read, revisionAsked: 5 }, /asked for at least 5/],
    [
      "a bound above the one asked",
      { ...read, stalenessBoundMs: 950, stalenessAskedMs: 900 },
      /900/,
    ],
    ["no bound where one was asked", { ...read, stalenessAskedMs: 900 }, /bound undefined ms/],
    ["a bound that is a lie", { ...read, stalenessBoundMs: 899 }, /5 is older than that/],
  ])("%s is found", (_, seen, complaint) => {
    const observations = observing();
    observations.onRead(after(observations), seen);
    expect(observations.verdict()).toEqual([expect.stringMatching(complaint)]);
  });

  test("answers that are as old as they say are fine", () => {
    const observations = observing();
    const called = after(observations);
    observations.onRead(called, read);
    observations.onRead(called, { ...read, stalenessBoundMs: 901, stalenessAskedMs: 901 });
    observations.onRead(called, { ...read, revision: 5, linearizable: true, revisionAsked: 5 });
    expect(observations.verdict()).toEqual([]);
  });

  test("a write that goes back in time is found", () => {
    const observations = observing();
    observations.onWritten(after(observations), 5, true);
    expect(observations.verdict()).toEqual([expect.stringMatching(/after 5 was seen/)]);
    expect(observations.operationCount).toBe(0);
  });

  test("two states at one revision are found", () => {
    const observations = observing();
    const called = observations.call();
    observations.onRead(called, { ...read, state: "a=1" });
    observations.onRead(called, { ...read, state: "a=1" });
    expect(observations.verdict()).toEqual([]);
    observations.onRead(called, { ...read, state: "a=2" });
    expect(observations.verdict()).toEqual([expect.stringMatching(/another answer had/)]);
  });

  test("a lost write is found, one of unknown fate is not", () => {
    const observations = observing();
    observations.onOperation("k", { kind: "put", value: "1" }, observations.call(), {
      kind: "put",
    });
    observations.onOperation("k", { kind: "put", value: "2" }, observations.call());
    const held = (value?: string): void => {
      const result = { kind: "held", held: value } as const;
      observations.onOperation("k", { kind: "get" }, observations.call(), result);
    };
    held("1");
    held("2");
    expect(observations.verdict()).toEqual([]);
    held(undefined);
    expect(observations.verdict()).toEqual([expect.stringMatching(/^k: .*violation/)]);
  });
});
