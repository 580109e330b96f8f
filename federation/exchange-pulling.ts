// The pulling side of one stream: what is wanted of the neighbour and from where, and the chain of what comes, which
// must go on from there (federation 1, 4). What is wanted is stated whole each time, so a lost stream is begun anew
// from what is applied, and nothing has to be remembered.
import { compareBytes } from "../base/index.ts";
import type { OriginId } from "./dot.ts";
import type { Batch, Position, PullMessage } from "./exchange-message.ts";
import type { FederationBug } from "./planted.ts";
import { TransactionError, decodeTransaction } from "./transaction-codec.ts";
import type { Shipped } from "./transaction-codec.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** One transaction off the wire; its place in the chain is proved, its content is not looked at. */
export interface Arrival {
  readonly origin: OriginId;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export type Received =
  | { readonly ok: true; readonly arrivals: readonly Arrival[] }
  /** The neighbour's history of the origin is another one. */
  | { readonly ok: false; readonly ours: Position; readonly theirs: Uint8Array };

interface Wanted {
  /** The last that came, or where it was wanted from. */
  last: Position;
  /** Stated since, further on: the neighbour may go on from any of them. */
  stated: Position[];
  /** What came and is not stated as taken, in order. */
  arrived: { readonly sequence: number; readonly bytes: number }[];
  /** How many of the first of them are applied, and their bytes. */
  taken: { readonly count: number; readonly bytes: number };
}

const NONE_TAKEN = { count: 0, bytes: 0 };

/** Positions of one origin that are stated and not yet met by what comes. */
const STATED_MAX = 64;

export class ExchangePulling {
  readonly #next: (hash: Uint8Array, transaction: Uint8Array) => Uint8Array;
  readonly #planted: FederationBug | undefined;
  readonly #wanted = new Map<OriginId, Wanted>();
  /** As last stated. */
  #stated: readonly Position[] = [];

  /** `next`: the chain's hash behind one more transaction. */
  constructor(
    next: (hash: Uint8Array, transaction: Uint8Array) => Uint8Array,
    planted?: FederationBug,
  ) {
    this.#next = next;
    this.#planted = planted;
  }

  /** Bytes that came, are applied, and are not stated as taken: the neighbour waits for that word. */
  takenBytes(applied: Vector): number {
    let sum = 0;
    for (const [origin, wanted] of this.#wanted) {
      let { count, bytes } = wanted.taken;
      for (let next = wanted.arrived[count]; next !== undefined; next = wanted.arrived[count]) {
        if (next.sequence > countOf(applied, origin)) break;
        count += 1;
        bytes += next.bytes;
      }
      if (count > wanted.taken.count) wanted.taken = { count, bytes };
      sum += bytes;
    }
    return sum;
  }

  /** Whether it asks for other origins than were stated, or for one of them anew. */
  asksFor(positions: readonly Position[], afresh: ReadonlySet<OriginId>): boolean {
    if (positions.length !== this.#wanted.size) return true;
    return positions.some(({ origin }) => !this.#wanted.has(origin) || afresh.has(origin));
  }

  /**
   * States what is wanted, each origin from where it is applied; undefined: it is as stated. An origin that is
   * `afresh` begins again: something that came of it was let go.
   */
  want(positions: readonly Position[], afresh: ReadonlySet<OriginId>): readonly PullMessage[] {
    const again = positions.filter(({ origin }) => afresh.has(origin) && this.#wanted.has(origin));
    if (again.length === 0 && sameAs(this.#stated, positions)) return [];
    const messages: PullMessage[] = [];
    if (again.length > 0) {
      const others = positions.filter((position) => !again.includes(position));
      messages.push(this.#state(others));
    }
    messages.push(this.#state(positions));
    return messages;
  }

  #state(positions: readonly Position[]): PullMessage {
    const asked = new Set(positions.map(({ origin }) => origin));
    for (const origin of [...this.#wanted.keys()]) {
      if (!asked.has(origin)) this.#wanted.delete(origin);
    }
    for (const position of positions) {
      const wanted = this.#wanted.get(position.origin);
      if (wanted === undefined) this.#wanted.set(position.origin, wantedFrom(position));
      else {
        const isAhead = position.sequence > wanted.last.sequence;
        if (isAhead) wanted.stated = [...wanted.stated, position].slice(-STATED_MAX);
        wanted.arrived = wanted.arrived.filter(({ sequence }) => sequence > position.sequence);
        wanted.taken = NONE_TAKEN;
      }
    }
    this.#stated = positions;
    return { kind: "want", positions };
  }

  /** What goes on from nothing that is wanted was on its way when something else was stated: it is let go. */
  onBatch({ origin, from, transactions, hash }: Batch): Received {
    const wanted = this.#wanted.get(origin);
    const begins = wanted === undefined ? [] : [wanted.last, ...wanted.stated];
    const begin = begins.find(({ sequence }) => sequence === from - 1);
    if (wanted === undefined || begin === undefined) return { ok: true, arrivals: [] };
    let chain = begin.hash;
    for (const transaction of transactions) chain = this.#next(chain, transaction);
    if (compareBytes(chain, hash) !== 0 && this.#planted !== "fork-undetected") {
      const ours = { origin, sequence: from - 1 + transactions.length, hash: chain };
      return { ok: false, ours, theirs: hash };
    }
    const last = from - 1 + transactions.length;
    wanted.last = { origin, sequence: last, hash: chain };
    wanted.stated = wanted.stated.filter(({ sequence }) => sequence > last);
    for (const [at, { length }] of transactions.entries()) {
      wanted.arrived.push({ sequence: from + at, bytes: length });
    }
    const arrivals = transactions.map((bytes, at) => ({ origin, sequence: from + at, bytes }));
    return { ok: true, arrivals };
  }
}

function wantedFrom(position: Position): Wanted {
  return { last: position, stated: [], arrived: [], taken: NONE_TAKEN };
}

function sameAs(left: readonly Position[], right: readonly Position[]): boolean {
  if (left.length !== right.length) return false;
  return left.every(({ origin, sequence }, at) => {
    return origin === right[at]?.origin && sequence === right[at]?.sequence;
  });
}

/** The transaction that was due; a text: what is wrong with it. */
export function readAs(bytes: Uint8Array, origin: OriginId, sequence: number): Shipped | string {
  try {
    const shipped = decodeTransaction(bytes);
    const { transaction } = shipped;
    if (transaction.origin === origin && transaction.sequence === sequence) return shipped;
    return `transaction ${transaction.origin}:${transaction.sequence} where ${origin}:${sequence} was due`;
  } catch (cause) {
    if (!(cause instanceof TransactionError)) throw cause;
    return `transaction ${origin}:${sequence} is malformed: ${cause.message}`;
  }
}
