// The messages of a world that can still make a difference: sets of numbers, each made once and named by a number
// of its own. Delivery takes nothing away: loss, repetition and any order need no inputs of their own.
import { present } from "../../base/index.ts";
import { STANDINGS_MAX } from "./members.ts";
import type { Member } from "./members.ts";
import type { Network } from "./network.ts";
import { isOver } from "./standing.ts";

interface MessageSet {
  /** Sorted. */
  readonly messages: readonly number[];
  /** By addressee's place. */
  readonly to: readonly (readonly number[])[];
  /** The set without what is over for a standing at a place. */
  readonly without: Map<number, number>;
  readonly with: Map<string, number>;
}

export class MessageSets {
  readonly #network: Network;
  readonly #places: number;
  /** As in Bounds. */
  readonly #forgets: boolean;
  readonly #numbers = new Map<string, number>();
  readonly #sets: MessageSet[] = [];
  readonly #over = new Map<number, boolean>();

  constructor(network: Network, places: number, forgets: boolean) {
    this.#network = network;
    this.#places = places;
    this.#forgets = forgets;
  }

  get empty(): number {
    return this.#numberOf([]);
  }

  get count(): number {
    return this.#sets.length;
  }

  /** Those that go to the member at `place`. */
  to(set: number, place: number): readonly number[] {
    return this.#at(set).to[place] ?? [];
  }

  /** Without what is over for `member` at `place`. */
  without(set: number, place: number, member: Member): number {
    if (!this.#forgets) return set;
    const { to, messages, without } = this.#at(set);
    const due = to[place] ?? [];
    if (due.length === 0) return set;
    const key = place * STANDINGS_MAX + member.standingNumber;
    let next = without.get(key);
    if (next === undefined) {
      const over = new Set(due.filter((message) => this.#isOver(message, member)));
      next = over.size === 0 ? set : this.#numberOf(messages.filter((each) => !over.has(each)));
      without.set(key, next);
    }
    return next;
  }

  /** With these, but for what is over where it goes. */
  with(set: number, sent: readonly number[], memberAt: (place: number) => Member): number {
    const { messages, with: known } = this.#at(set);
    const fresh = sent.filter((message) => {
      if (messages.includes(message)) return false;
      const to = this.#network.envelope(message).to - 1;
      return !this.#forgets || !this.#isOver(message, memberAt(to));
    });
    if (fresh.length === 0) return set;
    const key = fresh.join(" ");
    let next = known.get(key);
    if (next === undefined) {
      next = this.#numberOf([...messages, ...fresh].sort((left, right) => left - right));
      known.set(key, next);
    }
    return next;
  }

  #isOver(message: number, { standing, standingNumber }: Member): boolean {
    const key = message * STANDINGS_MAX + standingNumber;
    let over = this.#over.get(key);
    if (over === undefined) {
      over = isOver(this.#network.envelope(message), standing);
      this.#over.set(key, over);
    }
    return over;
  }

  #at(set: number): MessageSet {
    return present(this.#sets[set], "a known set");
  }

  #numberOf(messages: readonly number[]): number {
    const key = messages.join(" ");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const to = Array.from({ length: this.#places }, (_, place) =>
      messages.filter((message) => this.#network.envelope(message).to === place + 1),
    );
    this.#sets.push({ messages, to, without: new Map(), with: new Map() });
    this.#numbers.set(key, this.#sets.length - 1);
    return this.#sets.length - 1;
  }
}
