// The name of a transaction: whose it is, and the how manieth. Never reused: a history that was rolled back
// goes on under another origin (federation 1).
import { assert } from "../base/index.ts";

declare const brand: unique symbol;

/** Under which a region mints writes: 32 bits, allotted by the directory, never reused. */
export type OriginId = number & { readonly [brand]: "OriginId" };

/** From 1, without gaps, counting federated transactions only. */
export type Sequence = number & { readonly [brand]: "Sequence" };

export interface Dot {
  readonly origin: OriginId;
  readonly sequence: Sequence;
}

const ORIGIN_MAX = 2 ** 32 - 1;

/** @throws {AssertionError} unless `value` is an integer in [1, 2^32). */
export function originId(value: number): OriginId {
  assert(
    Number.isInteger(value) && value >= 1 && value <= ORIGIN_MAX,
    `origin ${value} is not in [1, 2^32)`,
  );
  return value as OriginId;
}

/** @throws {AssertionError} unless `value` is a safe integer >= 1. */
export function sequence(value: number): Sequence {
  assert(Number.isSafeInteger(value) && value >= 1, `sequence ${value} is not a safe integer >= 1`);
  return value as Sequence;
}

/** By origin, then by sequence: negative, 0 or positive. */
export function compareDots(left: Dot, right: Dot): number {
  return left.origin - right.origin || left.sequence - right.sequence;
}

export function sameDot(left: Dot, right: Dot): boolean {
  return left.origin === right.origin && left.sequence === right.sequence;
}

/** As people read it, and as a Map's key: "3:41". */
export function dotText({ origin, sequence: at }: Dot): string {
  return `${origin}:${at}`;
}
