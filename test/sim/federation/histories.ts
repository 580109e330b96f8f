// Where a region may be rolled back without being told, an origin may have several histories (federation 1). Each is known
// by its chain, so that what a region has is found whichever of them it is. What is promised is that somebody learns of
// two that are there at once, unless one of them goes as whoever has it is rolled back too.
import { hexOf } from "../../../base/index.ts";
import { LINK_BYTES, countOf } from "../../../federation/index.ts";
import type { Dot, OriginId, Vector } from "../../../federation/index.ts";
import type { Minted } from "./ledger.ts";

/** What a member has applied, and the chain of each origin there. */
export interface Holder {
  readonly applied: Vector;
  /** Of which it knows that there are two. */
  readonly forked: ReadonlySet<OriginId>;
  chainOf(origin: OriginId): Uint8Array | undefined;
}

export class Histories {
  readonly #holders: () => readonly Holder[];
  /** By the chain behind each. */
  readonly #minted = new Map<string, Minted>();
  /** Origins that had two at once, ever. */
  readonly forks = new Set<OriginId>();
  readonly #owed = new Set<OriginId>();

  /** `holders`: of all members that are there. */
  constructor(holders: () => readonly Holder[]) {
    this.#holders = holders;
  }

  /** Origins with two histories of which somebody has to learn. */
  get owed(): ReadonlySet<OriginId> {
    return this.#owed;
  }

  /** By its own region. */
  onMinted(minted: Minted): void {
    this.#minted.set(named(minted.hash), minted);
  }

  /** What the holder has applied as `dot`; undefined: nobody minted that. */
  of(holder: Holder, { origin, sequence }: Dot): Minted | undefined {
    return this.#minted.get(this.#chainAt(holder, origin, sequence) ?? "");
  }

  /** Once some member has of the origin what nobody had before. What nobody minted is another history too. */
  look(origin: OriginId): void {
    if (!this.#isSplit(origin)) return;
    this.forks.add(origin);
    this.#owed.add(origin);
  }

  /** `begin`: some members begin again with what they had once, and know what they knew then. */
  rollBack(begin: () => void): void {
    const settled = [...this.forks].filter((one) => this.#isSplit(one) || this.#isKnown(one));
    begin();
    for (const origin of this.forks) {
      if (this.#isSplit(origin)) this.#owed.add(origin);
      else if (settled.includes(origin)) this.#owed.delete(origin);
    }
  }

  #isKnown(origin: OriginId): boolean {
    return this.#holders().some(({ forked }) => forked.has(origin));
  }

  /** That any member has. */
  mostOf(origin: OriginId): number {
    return Math.max(0, ...this.#holders().map(({ applied }) => countOf(applied, origin)));
  }

  #isSplit(origin: OriginId): boolean {
    const having = this.#holders().filter(({ applied }) => countOf(applied, origin) > 0);
    having.sort((left, right) => countOf(right.applied, origin) - countOf(left.applied, origin));
    const [longest, ...others] = having;
    if (longest === undefined) return false;
    return others.some((one) => {
      const count = countOf(one.applied, origin);
      const own = this.#chainAt(one, origin, count);
      return own === undefined || own !== this.#chainAt(longest, origin, count);
    });
  }

  /** The name of the holder's chain behind the origin's transaction `at`; undefined: nobody minted what leads there. */
  #chainAt(holder: Holder, origin: OriginId, at: number): string | undefined {
    const hash = holder.chainOf(origin);
    let name = hash && named(hash);
    for (let from = countOf(holder.applied, origin); from > at; from -= 1) {
      const minted = name === undefined ? undefined : this.#minted.get(name);
      name = minted && hexOf(minted.link);
    }
    return name;
  }
}

/** As the transaction behind it names it. */
function named(chain: Uint8Array): string {
  return hexOf(chain.subarray(0, LINK_BYTES));
}
