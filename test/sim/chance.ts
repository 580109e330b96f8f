// Seeded chance in the forms the simulator draws: one stream per concern, all from one seed.
import { assert, Mulberry32, present } from "../../base/index.ts";
import type { Random } from "../../base/index.ts";

export class Chance implements Random {
  readonly #random: Mulberry32;

  constructor(seed: number) {
    this.#random = new Mulberry32(seed);
  }

  u32(): number {
    return this.#random.u32();
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.#random.u32() / 2 ** 32;
  }

  /** Uniform in [from, until). */
  between(from: number, until: number): number {
    return from + this.unit() * (until - from);
  }

  /** A whole number in [from, until). */
  whole(from: number, until: number): number {
    return from + Math.floor(this.unit() * (until - from));
  }

  /** True with this probability. */
  hits(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, "a pick needs something to pick from");
    return present(items[this.whole(0, items.length)], "the picked item");
  }

  /** Exponential with this mean, cut at ten means: most waits short, a few long. */
  waitMs(meanMs: number): number {
    return Math.min(-Math.log(1 - this.unit()) * meanMs, meanMs * 10);
  }

  /** 64 uniform bits. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An independent stream for another concern, so that draws here do not shift draws there. */
  stream(): Chance {
    return new Chance(this.u32());
  }
}
