// Every code, every nature: what may be repeated, and that a write never is when it could apply twice.
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { KvErrorCode, Outcome } from "../base/index.ts";
import { WIRE_STATUS } from "../proto/index.ts";
import { repetitionOf } from "./retry.ts";

const CODES = Object.keys(WIRE_STATUS) as KvErrorCode[];
const OUTCOMES: readonly Outcome[] = ["not-applied", "unknown"];

function failure(code: KvErrorCode, outcome: Outcome): KvError {
  return new KvError(code, outcome, "");
}

describe("repetitionOf", () => {
  test.each(CODES)("%s: a plain write is not repeated while it may be applied", (code) => {
    expect(repetitionOf(failure(code, "unknown"), "plain-write", "wait")).toBe("never");
  });

  test.each(CODES)("%s: what a plain write may repeat, a numbered one and a read may", (code) => {
    for (const outcome of OUTCOMES) {
      const plain = repetitionOf(failure(code, outcome), "plain-write", "wait");
      if (plain === "never") continue;
      expect(repetitionOf(failure(code, outcome), "numbered-write", "wait")).toBe(plain);
      expect(repetitionOf(failure(code, outcome), "read", "wait")).toBe(plain);
    }
  });

  test.each(CODES)("%s: the outcome does not matter where nothing can apply twice", (code) => {
    for (const nature of ["read", "numbered-write"] as const) {
      const [known, unknown] = OUTCOMES.map((outcome) =>
        repetitionOf(failure(code, outcome), nature, "wait"),
      );
      expect(known).toBe(unknown);
    }
  });

  test("a miss is repeated only by a read that waits", () => {
    for (const code of ["too-stale", "not-committed"] as const) {
      const miss = failure(code, "not-applied");
      expect(repetitionOf(miss, "read", "wait")).toBe("elsewhere");
      expect(repetitionOf(miss, "read", "fail")).toBe("never");
      expect(repetitionOf(miss, "read", "forward")).toBe("never");
      expect(repetitionOf(miss, "numbered-write", "wait")).toBe("never");
    }
  });

  test("a full queue is asked again where it is, an absent member's work elsewhere", () => {
    const asked = (code: KvErrorCode): string =>
      repetitionOf(failure(code, "not-applied"), "plain-write", "wait");
    expect(asked("too-many-requests")).toBe("same-member");
    expect(asked("session-full")).toBe("same-member");
    expect(asked("unavailable")).toBe("elsewhere");
    expect(asked("not-leader")).toBe("elsewhere");
    expect(asked("compacted")).toBe("never");
    expect(asked("key-not-found")).toBe("never");
  });
});
