import { expect, test } from "@jest/globals";
import { StreamRegion, configOf, sha256 } from "../test/federation/stream-world.ts";
import { originId } from "./dot.ts";
import { EXCHANGE_LIMITS_DEFAULT } from "./exchange-limits.ts";
import { ExchangeProposals } from "./exchange-proposals.ts";
import type { ProposalEffect } from "./exchange-proposals.ts";
import { Holding } from "./holding.ts";

const LIMITS = { ...EXCHANGE_LIMITS_DEFAULT, applyOperationsMax: 4, applyEntriesMax: 3 };
const config = configOf(2);

/** A region that holds `count` transactions of another one, and what its leader proposes of them. */
class Leader {
  readonly region = new StreamRegion(config, originId(2));
  readonly #holding = new Holding();
  readonly #from = new StreamRegion(config, originId(1));
  readonly #proposals: ExchangeProposals;
  readonly #underWay: ProposalEffect[] = [];
  nowMs = 0;

  constructor(count: number, bytesMax = LIMITS.applyBytesMax) {
    this.hold(count);
    const holding = this.#holding;
    const limits = { ...LIMITS, applyBytesMax: bytesMax };
    const state = (): StreamRegion & { staged: undefined } =>
      Object.assign(this.region, { staged: undefined });
    this.#proposals = new ExchangeProposals({ state, holding, limits, hash: sha256 });
  }

  /** @returns the bytes of the last one. */
  hold(count: number): number {
    const { applied } = this.region;
    const minted = Array.from({ length: count }, () => this.#from.mint(1n, 1_000));
    for (const shipped of minted) this.#holding.offer(shipped, applied);
    return minted.at(-1)?.bytes.length ?? 0;
  }

  /** What is held from here on says what it has seen. */
  show(): void {
    this.#from.apply([this.region.mint(1n, 1_000).bytes]);
  }

  /** The numbers in each entry that is proposed now. */
  propose(): number[][] {
    const entries: number[][] = [];
    for (;;) {
      const entry = this.#proposals.next(this.nowMs);
      if (entry === undefined) return entries;
      this.#underWay.push(entry);
      const transactions = entry.kind === "apply" ? entry.transactions : [];
      entries.push(transactions.map(({ transaction }) => transaction.sequence));
    }
  }

  /** The oldest ends; `lost`: the log did not take it. What it applied. */
  end(lost = false): number {
    const entry = this.#underWay.shift();
    const transactions = !lost && entry?.kind === "apply" ? entry.transactions : [];
    const verdicts = this.region.apply(transactions.map(({ bytes }) => bytes));
    const count = verdicts.filter((verdict) => verdict === "apply").length;
    this.#holding.settle(this.region.applied);
    this.#proposals.onEnded(count, this.nowMs);
    return count;
  }
}

test("of a backlog several full entries are on their way, each going on where the one before ends", () => {
  const leader = new Leader(18);
  const [first, second, third] = leader.propose();
  expect([first, second, third].map((entry) => entry?.join(" "))).toEqual([
    "1 2 3 4",
    "5 6 7 8",
    "9 10 11 12",
  ]);
  expect(leader.end()).toBe(4);
  expect(leader.propose()).toEqual([[13, 14, 15, 16]]);
  expect([leader.end(), leader.end(), leader.end()]).toEqual([4, 4, 4]);
  expect(leader.propose()).toEqual([[17, 18]]);
});

test("what comes one by one waits for the entry that is on its way, and goes in one", () => {
  const leader = new Leader(1);
  expect(leader.propose()).toEqual([[1]]);
  leader.hold(3);
  expect(leader.propose()).toEqual([]);
  leader.end();
  expect(leader.propose()).toEqual([[2, 3, 4]]);
});

test("behind an entry that failed nothing is applied: all end, and it begins where the state is", () => {
  const leader = new Leader(18);
  expect(leader.propose()).toHaveLength(3);
  expect(leader.end()).toBe(4);
  expect(leader.end(true)).toBe(0);
  expect(leader.propose()).toEqual([]);
  expect(leader.end()).toBe(0);
  expect(leader.propose()).toEqual([]);
  leader.nowMs += LIMITS.retryMs;
  expect(leader.propose().flat()).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
});

test("what is too large for an entry goes in once nothing else is on its way, and alone", () => {
  const small = new Leader(0).hold(1);
  const leader = new Leader(2, small);
  leader.show();
  expect(leader.hold(9)).toBeGreaterThan(small);
  expect(leader.propose()).toEqual([[1], [2]]);
  leader.end();
  expect(leader.propose()).toEqual([]);
  leader.end();
  expect(leader.propose()).toEqual([[]]);
  expect(leader.propose()).toEqual([]);
});
