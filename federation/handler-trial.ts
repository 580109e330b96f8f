// Whether a custom handler may be let near siblings (federation 8): asked about samples, it must answer the same each
// time, whatever the order it is given them in, leave alone what is one value, and come to the same however it is
// cut up. What fails on upload would make regions differ, or write to each other without end (trap 8).
import { compareBytes } from "../base/index.ts";
import type { Hlc } from "../base/index.ts";
import { originId, sequence } from "./dot.ts";
import type { Sibling, Siblings } from "./sibling.ts";
import { compareStamps } from "./view.ts";
import type { Resolution } from "./view-rules.ts";

/** What it answered, and what was expected of it. */
export interface HandlerFlaw {
  readonly law: "repetition" | "permutation" | "idempotence" | "associativity";
  /** Of the siblings that it was asked about; undefined: a tombstone. */
  readonly values: readonly (Uint8Array | undefined)[];
  readonly found: Resolution;
  readonly expected: Resolution;
}

/** Every three of the samples are tried: 8 of them take 512 rounds of a dozen questions. */
export const HANDLER_SAMPLES_MAX = 8;

/** What the one on trial is asked; the answer is handed back, and the last word is the flaw, if there is one. */
export type HandlerTrial = Generator<Siblings, HandlerFlaw | undefined, Resolution>;

/** `undefined` among the samples: a tombstone. Beyond HANDLER_SAMPLES_MAX none is tried. Undefined: no flaw. */
export function* handlerTrial(samples: readonly (Uint8Array | undefined)[]): HandlerTrial {
  const tried = samples.slice(0, HANDLER_SAMPLES_MAX);
  for (const first of tried) {
    for (const second of tried) {
      for (const third of tried) {
        const flaw = yield* trialOfThree([first, second, third].map(siblingAt));
        if (flaw !== undefined) return flaw;
      }
    }
  }
  return undefined;
}

function* trialOfThree(three: Siblings): HandlerTrial {
  const [one, two, last] = three;
  if (one === undefined || two === undefined || last === undefined) return undefined;
  const answer = yield three;
  const again = differing("repetition", three, yield three, answer);
  if (again !== undefined) return again;
  const orders = [
    [last, two, one],
    [two, one, last],
    [two, last, one],
  ];
  for (const order of orders) {
    const flaw = differing("permutation", order, yield order, answer);
    if (flaw !== undefined) return flaw;
  }
  const twins = [one, alike(two, one.value)];
  const twinned = yield twins;
  const expected = twinned.action === "keep" ? twinned : outcomeOf(one);
  const doubled = differing("idempotence", twins, twinned, expected);
  if (doubled !== undefined) return doubled;
  const left = yield* combined(yield* combined(one, two), last);
  const right = yield* combined(one, yield* combined(two, last));
  if (left === undefined || right === undefined) return undefined;
  return differing("associativity", three, outcomeOf(left), outcomeOf(right));
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
function* combined(
  left: Sibling | undefined,
  right: Sibling | undefined,
): Generator<Siblings, Sibling | undefined, Resolution> {
  if (left === undefined || right === undefined) return undefined;
  const resolution = yield [left, right];
  if (resolution.action === "keep") return undefined;
  const later = compareStamps(left, right) > 0 ? left : right;
  return alike(later, resolution.action === "value" ? resolution.value : undefined);
}
