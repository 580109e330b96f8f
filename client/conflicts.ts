// Conflicts of a federation as the region that is asked has them (`hansa.v1.Conflicts`): the keys that are in conflict,
// and the record of what was settled, page by page or as it grows. Whoever may read the keys may ask.
import type { hansa } from "../proto/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { wireRangeOf } from "./bytes.ts";
import type { KeySelector } from "./bytes.ts";
import type { Connection } from "./connection.ts";
import type { Courier } from "./courier.ts";
import { streamErrorOf } from "./failure.ts";
import { METHODS } from "./methods.ts";
import { oneCall } from "./one-call.ts";
import type { OneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { checkedCount } from "./request.ts";
import { resumed } from "./resumed-stream.ts";
import type { Follow } from "./resumed-stream.ts";
import { dotOf, siblingOf, siblingsOf } from "./siblings.ts";
import type { Dot, KeySiblings, Sibling } from "./siblings.ts";
import { answered, countOf } from "./wire-value.ts";

/** A key of several siblings. */
export interface OpenConflict {
  readonly key: Uint8Array;
  /** Their values cut short; a read with `siblings` has them whole. */
  readonly siblings: KeySiblings;
}

/** A page of keys in conflict. */
export interface OpenConflictsAnswer extends Answer {
  /** By key. */
  readonly conflicts: readonly OpenConflict[];
  /** There are others from there on. */
  readonly next?: Uint8Array;
}

/** A conflict that is over: it reads the same in every region but for its number. */
export interface SettledConflict {
  /** Of the record of the region that answered. */
  readonly number: number;
  readonly key: Uint8Array;
  /** Of the write or the settlement that decided it. */
  readonly dot: Dot;
  readonly region: string;
  readonly wallMs: number;
  /** "put", "delete" or "settle". */
  readonly decidedBy: string;
  /** What won. */
  readonly kept: Dot;
  /** Their values cut short. */
  readonly lost: readonly Sibling[];
}

/** A page of the record. */
export interface SettledConflictsAnswer extends Answer {
  /** By number. */
  readonly conflicts: readonly SettledConflict[];
  /** Where the next question begins; a watch from there goes on behind this page. */
  readonly next: number;
  /** The oldest number that is kept. */
  readonly oldest: number;
  /** There are others from `next` on. */
  readonly more: boolean;
}

/** What a watch tells at once. */
export interface ConflictEventsAnswer extends Answer {
  /** Keys that came into conflict, or have other siblings than before; the first answers name all that are. */
  readonly open: readonly OpenConflict[];
  /** By number. */
  readonly settled: readonly SettledConflict[];
  /** Of the record: a watch from there goes on behind this answer. */
  readonly next: number;
  /** The oldest number that is kept. */
  readonly oldest: number;
}

/** Which of the open ones. */
export interface OpenConflictsOptions extends CallOptions {
  /** Absent: all keys. */
  readonly keys?: KeySelector;
  /** At most 1000; absent: as many as fit into an answer. */
  readonly limit?: number;
}

/** Which of the record. */
export interface SettledConflictsOptions extends OpenConflictsOptions {
  /** The first number; absent: the oldest that is kept. */
  readonly from?: number;
}

/** Which of the record, as it grows. */
export interface ConflictWatchOptions {
  /** Absent: all keys. */
  readonly keys?: KeySelector;
  /** The first number; absent: from the next on. */
  readonly from?: number;
  /** Also tell of keys that are in conflict, and as they come into it; again of all after a lost connection. */
  readonly open?: boolean;
  /** Aborting ends it with `cancelled`. */
  readonly signal?: AbortSignal;
}

/** Any member answers for its region. */
export class ConflictCalls {
  readonly #courier: Courier;

  /** Is `Client.conflicts`. */
  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /** @throws {KvError} `federation-refused` in no federation, `permission-denied`, and those of every call */
  async open(options: OpenConflictsOptions = {}): Promise<OpenConflictsAnswer> {
    const { limit = 0 } = options;
    const request = { keys: rangeOf(options.keys), limit: checkedCount("limit", limit) };
    return this.#ask("conflicts-open", options, async (connection, timeoutMs, signal) =>
      openAnswerOf(await connection.unary(METHODS.conflictsOpen, request, timeoutMs, signal)),
    );
  }

  /** @throws {KvError} as `open` */
  async settled(options: SettledConflictsOptions = {}): Promise<SettledConflictsAnswer> {
    const { limit = 0, from = 0 } = options;
    const request = {
      keys: rangeOf(options.keys),
      limit: checkedCount("limit", limit),
      from: checkedCount("from", from),
    };
    return this.#ask("conflicts-settled", options, async (connection, timeoutMs, signal) =>
      settledAnswerOf(await connection.unary(METHODS.conflictsSettled, request, timeoutMs, signal)),
    );
  }

  /**
   * The record as it grows and, if asked, keys as they come into conflict, across lost connections and members of the
   * region. The first answer comes at once and may hold nothing: its `next` says from where the watch tells.
   *
   * @throws {KvError} `cancelled`, and as `open`
   */
  async *watch(
    options: ConflictWatchOptions = {},
  ): AsyncGenerator<ConflictEventsAnswer, undefined> {
    const { open = false, from = 0, signal: given } = options;
    const { stopped } = this.#courier;
    const signal = given === undefined ? stopped : AbortSignal.any([given, stopped]);
    const keys = rangeOf(options.keys);
    let next = checkedCount("from", from);
    const follow: Follow<ConflictEventsAnswer> = async function* (connection, onHeard) {
      for await (const answer of told(connection, { keys, from: next, open }, signal)) {
        onHeard();
        ({ next } = answer);
        yield answer;
      }
    };
    yield* resumed(this.#courier, { destination: "any", signal }, follow);
  }

  #ask<T>(operation: string, options: CallOptions, call: OneCall<T>): Promise<T> {
    const about = { operation, nature: "read", destination: "any" } as const;
    return this.#courier.carry(oneCall(about, call), options);
  }
}

/** One stream to one member, until it breaks. */
async function* told(
  connection: Connection,
  request: hansa.v1.IConflictWatchRequest,
  signal: AbortSignal,
): AsyncGenerator<ConflictEventsAnswer, undefined> {
  const stream = connection.stream(METHODS.conflictWatch, { requireLeader: false });
  // Iterating shows the error of the stream; the one of the cancelation after it is nobody's.
  stream.on("error", () => undefined);
  const cancel = (): void => stream.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    stream.write(request);
    stream.end();
    const messages: AsyncIterable<hansa.v1.IConflictEvents> = stream;
    for await (const message of messages) yield eventsAnswerOf(message);
  } catch (cause) {
    throw streamErrorOf(cause, connection.address);
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function rangeOf(keys: KeySelector | undefined): hansa.v1.IKeyRange {
  if (keys === undefined) return {};
  const { key, rangeEnd } = wireRangeOf(keys);
  return { key, range_end: rangeEnd };
}

function openAnswerOf(wire: hansa.v1.IListOpenResponse): OpenConflictsAnswer {
  const { conflicts, next } = wire;
  return {
    ...answerOf(wire),
    conflicts: (conflicts ?? []).map(openOf),
    ...(next === null || next === undefined || next.length === 0 ? {} : { next }),
  };
}

const NO_BYTES = new Uint8Array(0);

function openOf({ key, siblings }: hansa.v1.IOpenConflict): OpenConflict {
  const told = answered(siblingsOf(siblings), "siblings of a conflict");
  return { key: key ?? NO_BYTES, siblings: told };
}

function eventsAnswerOf(wire: hansa.v1.IConflictEvents): ConflictEventsAnswer {
  return {
    ...answerOf(wire),
    open: (wire.open ?? []).map(openOf),
    settled: (wire.settled ?? []).map(settledOf),
    next: countOf(wire.next),
    oldest: countOf(wire.oldest),
  };
}

function settledAnswerOf(wire: hansa.v1.IListSettledResponse): SettledConflictsAnswer {
  return {
    ...answerOf(wire),
    conflicts: (wire.conflicts ?? []).map(settledOf),
    next: countOf(wire.next),
    oldest: countOf(wire.oldest),
    more: wire.more ?? false,
  };
}

function settledOf(wire: hansa.v1.ISettledConflict): SettledConflict {
  return {
    number: countOf(wire.number),
    key: wire.key ?? NO_BYTES,
    dot: dotOf(wire.dot),
    region: wire.region ?? "",
    wallMs: countOf(wire.wall_ms),
    decidedBy: wire.decided_by ?? "",
    kept: dotOf(wire.kept),
    lost: (wire.lost ?? []).map(siblingOf),
  };
}
