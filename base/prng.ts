// Chance, always passed in: a seeded generator for the simulator and tests, seeded from the system in production.

export interface Random {
  /** The next 32 uniform bits, 0 <= x < 2^32. */
  u32(): number;
}

/** Mulberry32: 32 bits of state, not for cryptography; chosen because ports to any language agree. */
export class Mulberry32 implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A generator in the same state, for a forked world. */
  fork(): Mulberry32 {
    const twin = new Mulberry32(0);
    twin.#state = this.#state;
    return twin;
  }
}

/** Uniform in [from, until). */
export function randomBetween(random: Random, from: number, until: number): number {
  return from + (random.u32() / 2 ** 32) * (until - from);
}
