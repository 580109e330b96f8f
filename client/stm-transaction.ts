// One run of a software transaction's body: what it has read, what it will write, and the one transaction of the
// store that commits it if nothing it rests on has changed.
import { KvError } from "../base/index.ts";
import type { KeyValue } from "./answer.ts";
import { bytesFrom, textFrom } from "./bytes.ts";
import type { Bytes } from "./bytes.ts";
import type { KeyCalls } from "./key-calls.ts";
import type { CallOptions } from "./options.ts";
import { op, when } from "./txn.ts";
import type { Condition, Operation } from "./txn.ts";

/**
 * What a body may count on:
 * - `serializable-snapshot` (default): it sees one revision, and nothing it read or wrote was changed by others
 *   since: as if it had run alone.
 * - `serializable`: it sees one revision, and nothing it read was changed; what it only writes may have been.
 * - `repeatable-reads`: what it reads stays what it was, and was not changed when it commits; two keys may be of
 *   different revisions.
 * - `read-committed`: each first read of a key is of what was committed then; nothing is checked, nothing run
 *   again.
 */
export type StmIsolation =
  "serializable-snapshot" | "serializable" | "repeatable-reads" | "read-committed";

interface Read {
  readonly key: Uint8Array;
  readonly kv: KeyValue | undefined;
  /** Of the store when it was read. */
  readonly revision: number;
}

type Write =
  | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly lease: bigint;
    }
  | { readonly kind: "delete"; readonly key: Uint8Array };

/** What a commit came to; `known`: where it conflicted, the keys as they are now, at one revision. */
type Commit =
  | { readonly succeeded: true; readonly revision: number }
  | { readonly succeeded: false; readonly known: ReadonlyMap<string, Read> };

/** What a body of `Client.stm` is given: its reads are of the store, its writes wait for the commit. */
export class StmTransaction {
  readonly #calls: KeyCalls;
  readonly #isolation: StmIsolation;
  readonly #bounds: CallOptions;
  readonly #reads = new Map<string, Read>();
  readonly #writes = new Map<string, Write>();
  /** From the run before, all of one revision. */
  readonly #known: Map<string, Read>;
  /** Reads go one after the other: the first says at which revision the others are. */
  #reading: Promise<unknown> = Promise.resolve();
  #ended = false;

  /** Made by `Client.stm`, one for each run. */
  constructor(
    calls: KeyCalls,
    isolation: StmIsolation,
    bounds: CallOptions,
    known: ReadonlyMap<string, Pick<Read, "kv" | "revision">> | undefined,
  ) {
    this.#calls = calls;
    this.#isolation = isolation;
    this.#bounds = bounds;
    this.#known = new Map(
      [...(known ?? [])].map(([name, read]) => [name, { ...read, key: keyNamed(name) }]),
    );
  }

  /**
   * The value of one key, as this run has written it, or else as its isolation has it read. Undefined: there is no
   * such key.
   *
   * @throws {KvError} those of every read; `invalid-argument` once the run has ended
   */
  async get(key: Bytes): Promise<Uint8Array | undefined> {
    const [value] = await this.getAll([key]);
    return value;
  }

  /** The same as UTF-8. @throws {KvError} as `get` */
  async text(key: Bytes): Promise<string | undefined> {
    const value = await this.get(key);
    return value === undefined ? undefined : textFrom(value);
  }

  /** Several keys in one round trip, in their order. @throws {KvError} as `get` */
  async getAll(keys: readonly Bytes[]): Promise<(Uint8Array | undefined)[]> {
    this.#check();
    const wanted = keys.map(bytesFrom);
    const read = this.#reading.then(() =>
      this.#fetch(wanted.filter((key) => !this.#writes.has(nameOf(key)))),
    );
    // A read that fails is its own caller's to hear of; the next one is asked all the same.
    this.#reading = read.catch(() => undefined);
    await read;
    return wanted.map((key) => this.#valueOf(nameOf(key)));
  }

  /** The revision of a key's last change as this run has read it; 0: there is none. @throws {KvError} as `get` */
  async modRevision(key: Bytes): Promise<number> {
    this.#check();
    const wanted = bytesFrom(key);
    const read = this.#reading.then(() => this.#fetch([wanted]));
    this.#reading = read.catch(() => undefined);
    await read;
    return this.#reads.get(nameOf(wanted))?.kv?.modRevision ?? 0;
  }

  /** Sets a key at the commit. @throws {KvError} `key-not-provided`; `invalid-argument` once the run has ended */
  put(key: Bytes, value: Bytes, options: { readonly lease?: bigint } = {}): void {
    const named = this.#written(key);
    const write = { kind: "put", key: named, value: bytesFrom(value), lease: options.lease ?? 0n };
    this.#writes.set(nameOf(named), write as Write);
  }

  /** Deletes a key at the commit. @throws {KvError} as `put` */
  delete(key: Bytes): void {
    const named = this.#written(key);
    this.#writes.set(nameOf(named), { kind: "delete", key: named });
  }

  /** Called once, by who runs the body. @throws {KvError} as `Client.txn` */
  async commit(): Promise<Commit> {
    this.#check();
    await this.#reading;
    const keys = [...this.#reads.values()].map(({ key }) => key);
    const answer = await this.#calls.txn(
      {
        if: this.#conditions(),
        then: [...this.#writes.values()].map(operationOf),
        else: keys.map((key) => op.get(key)),
      },
      this.#bounds,
    );
    const { revision } = answer;
    if (answer.succeeded) return { succeeded: true, revision };
    const { results } = answer;
    const known = keys.map((key, at): [string, Read] => {
      return [nameOf(key), { key, kv: results[at], revision }];
    });
    return { succeeded: false, known: new Map(known) };
  }

  /** The run is over: what the body has kept of it is of no more use. */
  end(): void {
    this.#ended = true;
  }

  get #isSnapshot(): boolean {
    return this.#isolation === "serializable" || this.#isolation === "serializable-snapshot";
  }

  /** Of the first read, which the others are read at. */
  get #base(): number | undefined {
    const [first] = this.#reads.values();
    return first?.revision;
  }

  /** Reads what has not been read; of the run before, what is known of the same revision. */
  async #fetch(keys: readonly Uint8Array[]): Promise<void> {
    for (const key of keys) this.#recall(nameOf(key));
    const unread = keys.filter((key) => !this.#reads.has(nameOf(key)));
    if (unread.length === 0) return;
    const at = this.#isSnapshot ? this.#base : undefined;
    const options = at === undefined ? {} : { revision: at };
    const { results, revision } = await this.#calls.txn(
      { then: unread.map((key) => op.get(key, options)) },
      this.#bounds,
    );
    unread.forEach((key, index) => {
      this.#reads.set(nameOf(key), { key, kv: results[index], revision: at ?? revision });
    });
  }

  /** Takes what the conflict before has shown, unless this run reads at another revision already. */
  #recall(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined || this.#reads.has(name)) return;
    this.#known.delete(name);
    const base = this.#base;
    if (this.#isSnapshot && base !== undefined && base !== known.revision) return;
    this.#reads.set(name, known);
  }

  #valueOf(name: string): Uint8Array | undefined {
    const write = this.#writes.get(name);
    if (write !== undefined) return write.kind === "put" ? write.value : undefined;
    return this.#reads.get(name)?.kv?.value;
  }

  /** What must not have changed. */
  #conditions(): Condition[] {
    if (this.#isolation === "read-committed") return [];
    const read = [...this.#reads.values()].map(({ key, kv }) =>
      when.modRevision(key, "=", kv?.modRevision ?? 0),
    );
    const base = this.#base;
    if (this.#isolation !== "serializable-snapshot" || base === undefined) return read;
    const written = [...this.#writes.values()].map(({ key }) =>
      when.modRevision(key, "<", base + 1),
    );
    return [...read, ...written];
  }

  #written(key: Bytes): Uint8Array {
    this.#check();
    if (key.length > 0) return bytesFrom(key);
    throw new KvError("key-not-provided", "not-applied", "the key is empty");
  }

  #check(): void {
    if (!this.#ended) return;
    const text = "this run of the transaction has ended; its reads and writes belong in the body";
    throw new KvError("invalid-argument", "not-applied", text);
  }
}

function operationOf(write: Write): Operation<unknown> {
  if (write.kind === "delete") return op.delete(write.key);
  return op.put(write.key, write.value, { lease: write.lease });
}

/** A key as a name in a map: one unit a byte. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

function keyNamed(name: string): Uint8Array {
  return Buffer.from(name, "latin1");
}
