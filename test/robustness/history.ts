// What really happened to the keys, revision by revision: what watches and leases are judged by. The simulator
// writes it from the committed entries, the real-process harness from what all members were heard to say.
import { assert, present } from "../../base/index.ts";

export interface Pair {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** 0: none. */
  readonly lease: bigint;
}

/** `value` undefined: the key is deleted. */
export interface Write {
  readonly key: string;
  readonly value: string | undefined;
  readonly lease: bigint;
}

export interface Change {
  readonly revision: number;
  readonly key: string;
  /** Undefined: deleted. */
  readonly pair: Pair | undefined;
  /** What stood there until then. */
  readonly before: Pair | undefined;
}

/** [key, end); `end` absent: the one key; `end` "\0": every key from `key` on. */
export interface KeySpan {
  readonly key: string;
  readonly end?: string;
}

export function spans({ key, end }: KeySpan, candidate: string): boolean {
  if (end === undefined) return candidate === key;
  return candidate >= key && (end === "\0" || candidate < end);
}

export class History {
  readonly #changes: Change[] = [];
  readonly #latest = new Map<string, Pair>();
  /** Where the changes of revision `r` begin, at `r` - 2: the first write is revision 2. */
  readonly #begins: number[] = [];

  /** Of the last write; 1: nothing was written. */
  get revision(): number {
    return this.#begins.length + 1;
  }

  /** All at the next revision, in order. */
  commit(writes: readonly Write[]): void {
    assert(writes.length > 0, "a revision has a write");
    const revision = this.revision + 1;
    this.#begins.push(this.#changes.length);
    for (const { key, value, lease } of writes) {
      const before = this.#latest.get(key);
      const pair: Pair | undefined =
        value === undefined
          ? undefined
          : {
              key,
              value,
              createRevision: before?.createRevision ?? revision,
              modRevision: revision,
              version: (before?.version ?? 0) + 1,
              lease,
            };
      if (pair === undefined) this.#latest.delete(key);
      else this.#latest.set(key, pair);
      this.#changes.push({ revision, key, pair, before });
    }
  }

  /** Revisions `from` to `upTo`, both included. */
  changesIn(from: number, upTo: number): readonly Change[] {
    if (upTo < from) return [];
    return this.#changes.slice(this.#beginOf(from), this.#beginOf(upTo + 1));
  }

  /** The last one of this key within a revision that has one. */
  changeOf(revision: number, key: string, deleted: boolean): Change | undefined {
    return this.changesIn(revision, revision).find((change) => {
      return change.key === key && (change.pair === undefined) === deleted;
    });
  }

  latest(key: string): Pair | undefined {
    return this.#latest.get(key);
  }

  /** Every pair that stands, in no order. */
  pairs(): Iterable<Pair> {
    return this.#latest.values();
  }

  #beginOf(revision: number): number {
    if (revision <= 2) return 0;
    if (revision > this.revision) return this.#changes.length;
    return present(this.#begins[revision - 2], `the changes of revision ${revision}`);
  }
}
