// Whether a custom handler may be let near siblings (federation 8): asked about samples, it must answer the same each
// time, whatever the order it is given them in, leave alone what is one value, and come to the same however it is
// cut up. What fails on upload would make regions differ, or write to each other without end (trap 8).
import { compareBytes } from "../base/index.ts";
import type { Hlc, Key } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import { compareStamps } from "./view.ts";
import type { Resolution, Resolve } from "./view-rules.ts";

/** What it answered, and what was expected of it. */
export interface HandlerFlaw {
  readonly law: "repetition" | "permutation" | "idempotence" | "associativity";
  /** Of the siblings that it was asked about; undefined: a tombstone. */
  readonly values: readonly (Uint8Array | undefined)[];
  readonly found: Resolution;
  readonly expected: Resolution;
}

/** Every three of the samples are tried: 8 of them take 512 rounds of a dozen calls. */
const HANDLER_SAMPLES_MAX = 8;

/** `undefined` among the samples: a tombstone. Beyond HANDLER_SAMPLES_MAX none is tried. Undefined: no flaw. */
export function handlerFlaw(
  resolve: Resolve,
  key: Key,
  samples: readonly (Uint8Array | undefined)[],
): HandlerFlaw | undefined {
  const tried = samples.slice(0, HANDLER_SAMPLES_MAX);
  for (const first of tried) {
    for (const second of tried) {
      for (const third of tried) {
        const three = [first, second, third].map(siblingAt);
        const flaw = flawOfThree((siblings) => resolve(key, siblings), three);
        if (flaw !== undefined) return flaw;
      }
    }
  }
  return undefined;
}

type Ask = (siblings: Siblings) => Resolution;

function flawOfThree(ask: Ask, three: Siblings): HandlerFlaw | undefined {
  const [one, two, last] = three;
  if (one === undefined || two === undefined || last === undefined) return undefined;
  const answer = ask(three);
  const orders = [
    [last, two, one],
    [two, one, last],
    [two, last, one],
  ];
  const twins = [one, alike(two, one.value)];
  const twinned = ask(twins);
  const left = combined(ask, combined(ask, one, two), last);
  const right = combined(ask, one, combined(ask, two, last));
  return (
    differing("repetition", three, ask(three), answer) ??
    orders
      .map((order) => differing("permutation", order, ask(order), answer))
      .find((flaw) => flaw !== undefined) ??
    differing(
      "idempotence",
      twins,
      twinned,
      twinned.action === "keep" ? twinned : outcomeOf(one),
    ) ??
    (left && right && differing("associativity", three, outcomeOf(left), outcomeOf(right)))
  );
}

function differing(
  law: HandlerFlaw["law"],
  siblings: Siblings,
  found: Resolution,
  expected: Resolution,
): HandlerFlaw | undefined {
  if (sameResolution(found, expected)) return undefined;
  return { law, values: siblings.map(({ value }) => value), found, expected };
}

function sameResolution(left: Resolution, right: Resolution): boolean {
  if (left.action !== "value" || right.action !== "value") return left.action === right.action;
  return compareBytes(left.value, right.value) === 0;
}

/** Of origin `at` + 1, each a moment later than the one before. */
function siblingAt(value: Uint8Array | undefined, at: number): Sibling {
  const dot = { origin: originId(at + 1), sequence: sequence(1) };
  const hlc = BigInt(at + 1) as Hlc;
  return alike({ dot, hlc, epoch: 1, birth: { hlc, dot } }, value);
}

function alike({ dot, hlc, epoch, birth }: Sibling, value: Uint8Array | undefined): Sibling {
  return { dot, hlc, epoch, birth, ...(value && { value }) };
}

function outcomeOf({ value }: Sibling): Resolution {
  return value === undefined ? { action: "delete" } : { action: "value", value };
}

/** What both come to, with the later stamp of the two; undefined: they are kept, or were before. */
function combined(
  ask: Ask,
  left: Sibling | undefined,
  right: Sibling | undefined,
): Sibling | undefined {
  if (left === undefined || right === undefined) return undefined;
  const resolution = ask([left, right]);
  if (resolution.action === "keep") return undefined;
  const later = compareStamps(left, right) > 0 ? left : right;
  return alike(later, resolution.action === "value" ? resolution.value : undefined);
}
