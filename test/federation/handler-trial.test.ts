// Handlers that keep the laws, and one for each law that breaks it (federation 8, scenario 26's upload, trap 8).
import { describe, expect, test } from "@jest/globals";
import type { Key } from "../../base/index.ts";
import { handlerTrial } from "../../federation/handler-trial.ts";
import type { HandlerFlaw } from "../../federation/handler-trial.ts";
import type { Siblings } from "../../federation/sibling.ts";
import type { Resolution, Resolve } from "../../federation/view-rules.ts";

const KEY = "k" as Key;
const SAMPLES = ["3", "1", "22", undefined].map((text) =>
  text === undefined ? undefined : new TextEncoder().encode(text),
);

function texts(siblings: Siblings): string[] {
  return siblings.flatMap(({ value }) =>
    value === undefined ? [] : [new TextDecoder().decode(value)],
  );
}

function valueOf(text: string | undefined): Resolution {
  if (text === undefined) return { action: "delete" };
  return { action: "value", value: new TextEncoder().encode(text) };
}

function flawOf(resolve: Resolve): HandlerFlaw | undefined {
  const trial = handlerTrial(SAMPLES);
  let step = trial.next();
  while (step.done !== true) step = trial.next(resolve(KEY, step.value));
  return step.value;
}

describe("a handler", () => {
  test.each<[string, Resolve]>([
    ["the largest", (_, siblings) => valueOf(texts(siblings).sort().at(-1))],
    ["the union", (_, siblings) => valueOf(unionOf(siblings))],
    [
      "the last by stamp",
      (_, siblings) => {
        const [last] = [...siblings].sort((left, right) => (left.hlc < right.hlc ? 1 : -1));
        return last?.value === undefined
          ? { action: "delete" }
          : { action: "value", value: last.value };
      },
    ],
    ["none of them", () => ({ action: "keep" })],
  ])("that takes %s keeps the laws", (_, resolve) => {
    expect(flawOf(resolve)).toBeUndefined();
  });

  test("that counts its calls breaks repetition", () => {
    let calls = 0;
    expect(flawOf(() => valueOf(`${(calls += 1)}`))?.law).toBe("repetition");
  });

  test("that takes the first it is given breaks permutation", () => {
    expect(flawOf((_, siblings) => valueOf(texts(siblings)[0]))).toMatchObject({
      law: "permutation",
    });
  });

  test("that appends breaks idempotence", () => {
    expect(flawOf((_, siblings) => valueOf(texts(siblings).sort().join("")))?.law).toBe(
      "idempotence",
    );
  });

  test("that takes the mean breaks associativity", () => {
    const mean: Resolve = (_, siblings) => {
      const numbers = texts(siblings).map(Number);
      if (numbers.length === 0) return { action: "delete" };
      return valueOf(String(numbers.reduce((sum, one) => sum + one, 0) / numbers.length));
    };
    expect(flawOf(mean)?.law).toBe("associativity");
  });
});

function unionOf(siblings: Siblings): string | undefined {
  const parts = texts(siblings).flatMap((text) => text.split("+"));
  return parts.length === 0 ? undefined : [...new Set(parts)].sort().join("+");
}
