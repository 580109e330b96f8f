// Keys that are more than bytes (federation 9): counters, bounded counters, sets, maps, registers, flags. What regions do
// to one at the same time is kept, and comes to the same everywhere. With sessions (the default) each operation takes
// effect once, however often it has to be repeated.
import { KvError } from "../base/index.ts";
import type { GetAnswer, PutAnswer, ReadAnswer } from "./answer.ts";
import type { Bytes } from "./bytes.ts";
import { operation } from "./kind-operation.ts";
import type { KindOperation } from "./kind-operation.ts";
import type { CallOptions, KeyReadOptions } from "./options.ts";
import type { RegionWriteOptions } from "./regions.ts";

/** How an operation is done. */
export type OperateOptions = CallOptions & RegionWriteOptions;

/** How a key of a kind is read. */
export type KindReadOptions = Omit<KeyReadOptions, "siblings">;

/** What the kinds need of the keys of a namespace. */
export interface KindKeys {
  operate(key: Bytes, operation: KindOperation, options: OperateOptions): Promise<PutAnswer>;
  get(key: Bytes, options: KeyReadOptions): Promise<GetAnswer>;
}

/** Of a counter: 0n while nobody has counted. */
export interface CounterAnswer extends ReadAnswer {
  readonly value: bigint;
}

/** Of a bounded counter. */
export interface BoundedCounterAnswer extends CounterAnswer {
  /** What the region that answered may take, or hand on to another. */
  readonly rights: bigint;
}

/** Of a set. */
export interface SetAnswer extends ReadAnswer {
  /** In byte order. */
  readonly elements: ReadonlySet<string>;
}

/** Of a map. */
export interface MapAnswer extends ReadAnswer {
  readonly fields: ReadonlyMap<string, string>;
}

/** Of a register. */
export interface RegisterAnswer extends ReadAnswer {
  /** The last that was written; absent: nobody has written, or it was deleted. */
  readonly value?: Uint8Array;
  /** All that was written without having seen another; the next write replaces those it has seen. */
  readonly values: readonly Uint8Array[];
}

/** Of a flag: false while nobody has written it. */
export interface FlagAnswer extends ReadAnswer {
  readonly enabled: boolean;
}

/** Handles of keys; nothing is asked before something is done with one. Deleting is `Client.delete`. */
export class Kinds {
  readonly #keys: KindKeys;

  /** Is `Namespace.kinds`. */
  constructor(keys: KindKeys) {
    this.#keys = keys;
  }

  /** Additions of all regions count. */
  counter(key: Bytes): Counter {
    return new Counter(this.#keys, key);
  }

  /** Never below 0, however many regions take from it at once. */
  boundedCounter(key: Bytes): BoundedCounter {
    return new BoundedCounter(this.#keys, key);
  }

  /** Of text; who adds an element wins over who removes it without having seen that. */
  set(key: Bytes): SetKey {
    return new SetKey(this.#keys, key);
  }

  /** From text to text; of each field the last write. */
  map(key: Bytes): MapKey {
    return new MapKey(this.#keys, key);
  }

  /** Keeps what was written at the same time, side by side. */
  register(key: Bytes): Register {
    return new Register(this.#keys, key);
  }

  /** Who enables wins over who disables without having seen that. */
  flag(key: Bytes): Flag {
    return new Flag(this.#keys, key);
  }
}

class KeyOfKind {
  readonly #keys: KindKeys;
  readonly key: Bytes;

  constructor(keys: KindKeys, key: Bytes) {
    this.#keys = keys;
    this.key = key;
  }

  protected operate(asked: KindOperation, options: OperateOptions): Promise<PutAnswer> {
    return this.#keys.operate(this.key, asked, options);
  }

  protected read(options: KeyReadOptions): Promise<GetAnswer> {
    return this.#keys.get(this.key, options);
  }
}

/** A sum of 64 bits with a sign, which saturates. */
export class Counter extends KeyOfKind {
  /**
   * Any number but 0.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  async add(amount: bigint, options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.addToCounter(amount), options);
  }

  /**
   * To 0; what other regions add meanwhile stays.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  reset(options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.resetCounter(), options);
  }

  /**
   * What it has come to.
   *
   * @throws {KvError} `invalid-argument` if the key holds something else, and those of every read
   */
  async get(options: KindReadOptions = {}): Promise<CounterAnswer> {
    const answer = await this.read(options);
    return { ...answerOf(answer), value: numberIn(answer) };
  }
}

/** A sum that never falls below 0: each region takes out of rights of its own. */
export class BoundedCounter extends KeyOfKind {
  /**
   * At least 1n; the region that is asked may take as much again.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  async add(amount: bigint, options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.addToBoundedCounter(amount), options);
  }

  /** @throws {KvError} `federation-refused` where the region has not the rights; others may have */
  async take(amount: bigint, options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.takeFromBoundedCounter(amount), options);
  }

  /**
   * Hands rights of the region that is asked to another.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  async transfer(
    amount: bigint,
    toRegion: string,
    options: OperateOptions = {},
  ): Promise<PutAnswer> {
    return this.operate(operation.transferRights(amount, toRegion), options);
  }

  /**
   * What it has come to, and what the region that is asked may take of it.
   *
   * @throws {KvError} `invalid-argument` if the key holds something else, and those of every read
   */
  async get(options: KindReadOptions = {}): Promise<BoundedCounterAnswer> {
    const answer = await this.read({ ...options, siblings: true });
    const rights = answer.siblings?.rights ?? 0n;
    return { ...answerOf(answer), value: numberIn(answer), rights };
  }
}

/** A set of text. */
export class SetKey extends KeyOfKind {
  /**
   * Puts elements in.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  add(elements: readonly string[], options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.changeSet({ add: elements }), options);
  }

  /**
   * Takes out what the region that is asked has seen of them.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  remove(elements: readonly string[], options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.changeSet({ remove: elements }), options);
  }

  /**
   * What is in it.
   *
   * @throws {KvError} `invalid-argument` if the key holds something else, and those of every read
   */
  async get(options: KindReadOptions = {}): Promise<SetAnswer> {
    const answer = await this.read(options);
    const elements = jsonIn(answer, "a set", isTextList) ?? [];
    return { ...answerOf(answer), elements: new Set(elements) };
  }
}

/** A map from text to text. */
export class MapKey extends KeyOfKind {
  /**
   * Writes fields; the others stay.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  put(
    fields: Readonly<Record<string, string>> | ReadonlyMap<string, string>,
    options: OperateOptions = {},
  ): Promise<PutAnswer> {
    return this.operate(operation.changeMap({ put: fields }), options);
  }

  /**
   * Takes fields out, as far as the region that is asked has seen them.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  remove(fields: readonly string[], options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.changeMap({ remove: fields }), options);
  }

  /**
   * Its fields.
   *
   * @throws {KvError} `invalid-argument` if the key holds something else, and those of every read
   */
  async get(options: KindReadOptions = {}): Promise<MapAnswer> {
    const answer = await this.read(options);
    const fields = jsonIn(answer, "a map", isTextRecord) ?? {};
    return { ...answerOf(answer), fields: new Map(Object.entries(fields)) };
  }
}

/** Bytes, and all that was written to them at the same time. */
export class Register extends KeyOfKind {
  /**
   * Writes it, in place of all that the region that is asked has seen.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  write(value: Bytes, options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.writeRegister(value), options);
  }

  /**
   * What was written last, and what was written at the same time.
   *
   * @throws {KvError} `invalid-argument` if the key holds something else, and those of every read
   */
  async get(options: KindReadOptions = {}): Promise<RegisterAnswer> {
    const answer = await this.read({ ...options, siblings: true });
    const { kv, siblings } = answer;
    const values = (siblings?.siblings ?? []).flatMap(({ value }) =>
      value === undefined ? [] : [value],
    );
    return { ...answerOf(answer), values, ...(kv === undefined ? {} : { value: kv.value }) };
  }
}

/** On or off. */
export class Flag extends KeyOfKind {
  /**
   * Turns it on.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  enable(options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.writeFlag(true), options);
  }

  /**
   * Turns it off, as far as the region that is asked has seen who turned it on.
   *
   * @throws {KvError} `federation-refused` with the reason, and those of every write
   */
  disable(options: OperateOptions = {}): Promise<PutAnswer> {
    return this.operate(operation.writeFlag(false), options);
  }

  /**
   * Whether it is on.
   *
   * @throws {KvError} `invalid-argument` if the key holds something else, and those of every read
   */
  async get(options: KindReadOptions = {}): Promise<FlagAnswer> {
    const answer = await this.read(options);
    const text = answer.kv?.text() ?? "false";
    if (text !== "true" && text !== "false") throw notOfKind(answer, "a flag");
    return { ...answerOf(answer), enabled: text === "true" };
  }
}

function answerOf({ header, revision, proof }: GetAnswer): ReadAnswer {
  return { header, revision, ...(proof === undefined ? {} : { proof }) };
}

function numberIn(answer: GetAnswer): bigint {
  const text = answer.kv?.text() ?? "0";
  if (!/^-?\d+$/.test(text)) throw notOfKind(answer, "a counter");
  return BigInt(text);
}

function jsonIn<T>(
  answer: GetAnswer,
  what: string,
  isOne: (value: unknown) => value is T,
): T | undefined {
  if (answer.kv === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(answer.kv.text());
    if (isOne(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw notOfKind(answer, what);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject && Object.values(value).every((one) => typeof one === "string");
}

function notOfKind({ kv }: GetAnswer, what: string): KvError {
  const message = `the key ${JSON.stringify(kv?.keyText() ?? "")} does not hold ${what}`;
  return new KvError("invalid-argument", "not-applied", message);
}
