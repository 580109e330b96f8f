// The donor's side of a snapshot: this member's federated state at one entry of the log, read out page by page while the
// state goes on (federation 11, trap 28). What is kept of keys is shared with the state, which replaces records and never
// changes them; values that are left to versions are read as of the cut.
import type { Key } from "../base/index.ts";
import type { FederatedView } from "../store/index.ts";
import { assert } from "../base/index.ts";
import { conflictsPart, headPart, recordsPart, vectorOf } from "./bootstrap-part.ts";
import type { BootstrapHead } from "./bootstrap-part.ts";
import { IN_VERSION } from "./kept-record.ts";
import type { KeptRecord } from "./kept-record.ts";
import { conflictRowKey } from "./region-rows.ts";
import type { Vector } from "./vector.ts";

/** Of one page: as many values may have to be loaded at once. */
const PAGE_KEYS = 32;

export interface BootstrapPage {
  /** Rows of the engine that are wanted. */
  readonly missing: readonly Uint8Array[];
  /** The page's part of the snapshot; `loaded` in the order of `missing`. Undefined: what is wanted is there no more. */
  part(loaded: readonly (Uint8Array | undefined)[]): Uint8Array | undefined;
}

export interface BootstrapCutInit {
  readonly head: BootstrapHead;
  readonly records: readonly (readonly [Key, KeptRecord])[];
  /** The settled conflicts that are recorded, from number `first` to before `next`; the last of them are `recent`. */
  readonly conflicts: {
    readonly first: number;
    readonly next: number;
    readonly recent: readonly Uint8Array[];
  };
  readonly view: FederatedView;
}

export class BootstrapCut {
  readonly #init: BootstrapCutInit;
  #headGiven = false;
  #records = 0;
  #conflict: number;

  constructor(init: BootstrapCutInit) {
    this.#init = init;
    this.#conflict = init.conflicts.first;
  }

  /** V: what the snapshot has. */
  get vector(): Vector {
    return vectorOf(this.#init.head.positions);
  }

  /** Values of old versions are gone: begin anew. */
  get expired(): boolean {
    return this.#init.view.expired;
  }

  release(): void {
    this.#init.view.release();
  }

  /** Undefined: that was all. */
  next(): BootstrapPage | undefined {
    const { head, records, conflicts } = this.#init;
    if (!this.#headGiven) {
      this.#headGiven = true;
      return { missing: [], part: () => headPart(head) };
    }
    if (this.#records < records.length) return this.#recordsPage();
    return this.#conflict < conflicts.next ? this.#conflictsPage() : undefined;
  }

  #recordsPage(): BootstrapPage {
    const { records, view } = this.#init;
    const page = records.slice(this.#records, this.#records + PAGE_KEYS);
    this.#records += page.length;
    const missing: Uint8Array[] = [];
    const looked = page.map(([key, record]) => {
      if (record.siblings[0]?.value !== IN_VERSION) return undefined;
      const found = view.look(key);
      if (found !== undefined && "rowKey" in found) missing.push(found.rowKey);
      return found;
    });
    return {
      missing,
      part: (loaded) => {
        let taken = 0;
        const whole: (readonly [Key, KeptRecord])[] = [];
        for (const [at, [key, record]] of page.entries()) {
          const found = looked[at];
          let value: Uint8Array | undefined;
          if (found !== undefined && "value" in found) value = found.value;
          else if (found !== undefined) {
            const row = loaded[taken];
            taken += 1;
            value = row && view.valueIn(row);
          }
          const loadedRecord = withValue(record, value);
          if (loadedRecord === undefined) return undefined;
          whole.push([key, loadedRecord]);
        }
        return recordsPart(whole);
      },
    };
  }

  /** Records of conflicts may be forgotten meanwhile, the oldest first: those are left out. */
  #conflictsPage(): BootstrapPage {
    const { next, recent } = this.#init.conflicts;
    const inEngine = next - recent.length;
    if (this.#conflict >= inEngine) {
      const rows = recent.slice(this.#conflict - inEngine, this.#conflict - inEngine + PAGE_KEYS);
      this.#conflict += rows.length;
      return { missing: [], part: () => conflictsPart(rows) };
    }
    const until = Math.min(this.#conflict + PAGE_KEYS, inEngine);
    const missing: Uint8Array[] = [];
    for (; this.#conflict < until; this.#conflict += 1)
      missing.push(conflictRowKey(this.#conflict));
    return {
      missing,
      part: (loaded) => conflictsPart(loaded.flatMap((row) => (row === undefined ? [] : [row]))),
    };
  }
}

/** Undefined: it has left its value to a version that is not to be had. */
function withValue(record: KeptRecord, value: Uint8Array | undefined): KeptRecord | undefined {
  const [only] = record.siblings;
  if (only?.value !== IN_VERSION) return record;
  assert(record.siblings.length === 1, "a value is left to the version where it stands alone");
  return value && { ...record, siblings: [{ ...only, value }] };
}
