// Members in their states, each made once: equal ones share a number, and what an input makes of one is worked out
// once for all worlds in which it stands.
import { createHash } from "node:crypto";
import { assert } from "../../base/index.ts";
import type { LogIndex } from "../../base/index.ts";
import { Sight } from "./checks.ts";
import type { Input, Node, Setting } from "./node.ts";
import type { Cost } from "./spent.ts";
import type { Standing } from "./standing.ts";
import { textOf } from "./text.ts";

/** The inputs that are no deliveries, by their places in a member's table. */
export const TIMEOUT = 0;
export const CRASH = 1;
/** Of the first value; those of the others follow. */
export const PROPOSE = 2;

export function ownInput(at: number): Exclude<Input, { kind: "deliver" }> {
  if (at === TIMEOUT) return { kind: "timeout" };
  return at === CRASH ? { kind: "crash" } : { kind: "propose", value: at - PROPOSE };
}

/** What an input may lead to. */
export interface Move {
  readonly member: number;
  /** Numbers of messages. */
  readonly sent: readonly number[];
  readonly cost: Cost;
}

export interface Member {
  readonly node: Node;
  readonly sight: Sight;
  readonly standing: Standing;
  readonly epochNumber: number;
  /** Equal for equal standings. */
  readonly standingNumber: number;
  /** By `ownInput`; absent until worked out. */
  readonly own: (readonly Move[])[];
  /** By the number of a message. */
  readonly deliveries: Map<number, readonly Move[]>;
}

/** So that a standing and a message make one key. */
export const STANDINGS_MAX = 2 ** 21;
export const EPOCHS_MAX = 32;

export class Members {
  readonly #setting: Setting;
  readonly #numbers = new Map<string, number>();
  readonly #members: Member[] = [];
  readonly #standings = new Map<string, number>();
  readonly #epochs = new Map<string, number>();

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  get count(): number {
    return this.#members.length;
  }

  at(number: number): Member {
    const member = this.#members[number];
    if (member === undefined) throw new RangeError(`there is no member ${number}`);
    return member;
  }

  numberOf(node: Node): number {
    // A digest stands for the text: a hundred thousand texts of kilobytes would not fit.
    const key = createHash("sha256").update(node.text).digest("base64");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const { standing } = node;
    this.#members.push({
      node,
      sight: new Sight(node, this.#setting.bounds.protocol),
      standing,
      epochNumber: numberOf(this.#epochs, textOf(standing.epoch)),
      standingNumber: this.#numberOfStanding(standing),
      own: [],
      deliveries: new Map(),
    });
    this.#numbers.set(key, this.#members.length - 1);
    return this.#members.length - 1;
  }

  /** None if the bounds forbid it. @throws what the core throws */
  afterOwn(number: number, at: number): readonly Move[] {
    const { own, node } = this.at(number);
    return (own[at] ??= this.#after(node, ownInput(at)));
  }

  afterDelivery(number: number, message: number): readonly Move[] {
    const { node, deliveries } = this.at(number);
    let moves = deliveries.get(message);
    if (moves === undefined) {
      moves = this.#after(node, { kind: "deliver", message });
      deliveries.set(message, moves);
    }
    return moves;
  }

  #after(node: Node, input: Input): readonly Move[] {
    if (!node.mayTake(input)) return [];
    return node.after(input).map(({ node: member, sent, cost }) => {
      return { member: this.numberOf(member), sent, cost };
    });
  }

  #numberOfStanding({ log, matches, crashed, ...rest }: Standing): number {
    const slots = Array.from({ length: log.last() }, (_, at) => log.epochAt((at + 1) as LogIndex));
    const text = textOf([rest, crashed?.committed, slots, [...matches]]);
    const known = this.#standings.get(text) ?? this.#standings.size;
    assert(known < STANDINGS_MAX, "standings are few");
    this.#standings.set(text, known);
    return known;
  }
}

function numberOf(numbers: Map<string, number>, text: string): number {
  const known = numbers.get(text) ?? numbers.size;
  numbers.set(text, known);
  return known;
}
