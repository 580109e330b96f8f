// The messages of a world that can still make a difference: sets of numbers, each made once and named by a number
// of its own. Delivery takes nothing away: loss, repetition and any order need no inputs of their own.
import { EPOCHS_MAX, STANDINGS_MAX } from "./members.ts";
import type { Member } from "./members.ts";
import type { Network } from "./network.ts";
import { isOver } from "./standing.ts";

interface MessageSet {
  /** A bit a message, 32 a word. */
  readonly bits: Uint32Array;
  /** Sorted. */
  readonly messages: readonly number[];
  /** By addressee's place. */
  readonly to: readonly (readonly number[])[];
  /** To or from a place. */
  readonly touching: readonly (readonly number[])[];
  /** The set without what is over since the member at a place has moved. */
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

  /** Whether all of `part` is in `whole`. */
  isPartOf(part: number, whole: number): boolean {
    if (part === whole) return true;
    const { bits } = this.#at(part);
    const { bits: among } = this.#at(whole);
    for (let word = 0; word < bits.length; word += 1) {
      if (((bits[word] ?? 0) & ~(among[word] ?? 0)) !== 0) return false;
    }
    return true;
  }

  /** Those that go to the member at `place`. */
  to(set: number, place: number): readonly number[] {
    return this.#at(set).to[place] ?? [];
  }

  /** Without what is over since the member at `place` has moved. */
  without(set: number, place: number, memberAt: (place: number) => Member): number {
    if (!this.#forgets) return set;
    const { touching, messages, without } = this.#at(set);
    const due = touching[place] ?? [];
    if (due.length === 0) return set;
    let key = place;
    for (let at = 0; at < this.#places; at += 1) key = key * EPOCHS_MAX + memberAt(at).epochNumber;
    key = key * STANDINGS_MAX + memberAt(place).standingNumber;
    let next = without.get(key);
    if (next === undefined) {
      const over = new Set(due.filter((message) => this.#isOver(message, memberAt)));
      next = over.size === 0 ? set : this.#numberOf(messages.filter((each) => !over.has(each)));
      without.set(key, next);
    }
    return next;
  }

  /** With these, but for what is over where it goes. */
  with(set: number, sent: readonly number[], memberAt: (place: number) => Member): number {
    if (sent.length === 0) return set;
    const { bits, messages, with: known } = this.#at(set);
    const fresh = sent.filter((message) => {
      if (((bits[message >> 5] ?? 0) & (1 << (message & 31))) !== 0) return false;
      return !this.#forgets || !this.#isOver(message, memberAt);
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

  #isOver(message: number, memberAt: (place: number) => Member): boolean {
    const envelope = this.#network.envelope(message);
    const { standing, standingNumber } = memberAt(envelope.to - 1);
    const { standing: sender, epochNumber } = memberAt(envelope.from - 1);
    const key = (message * EPOCHS_MAX + epochNumber) * STANDINGS_MAX + standingNumber;
    let over = this.#over.get(key);
    if (over === undefined) {
      over = isOver(envelope, standing, sender.epoch);
      this.#over.set(key, over);
    }
    return over;
  }

  #at(set: number): MessageSet {
    const known = this.#sets[set];
    if (known === undefined) throw new RangeError(`there is no set ${set}`);
    return known;
  }

  #numberOf(messages: readonly number[]): number {
    const key = messages.join(" ");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const places = Array.from({ length: this.#places }, (_, place) => place);
    const envelopes = messages.map(
      (message) => [message, this.#network.envelope(message)] as const,
    );
    const of = (place: number, ends: readonly ("to" | "from")[]): readonly number[] =>
      envelopes
        .filter(([, envelope]) => ends.some((end) => envelope[end] === place + 1))
        .map(([message]) => message);
    const to = places.map((place) => of(place, ["to"]));
    const touching = places.map((place) => of(place, ["to", "from"]));
    this.#sets.push({
      bits: bitsOf(messages),
      messages,
      to,
      touching,
      without: new Map(),
      with: new Map(),
    });
    this.#numbers.set(key, this.#sets.length - 1);
    return this.#sets.length - 1;
  }
}

function bitsOf(messages: readonly number[]): Uint32Array {
  const words = new Uint32Array(((messages.at(-1) ?? -1) >> 5) + 1);
  for (const message of messages) {
    words[message >> 5] = (words[message >> 5] ?? 0) | (1 << (message & 31));
  }
  return words;
}
