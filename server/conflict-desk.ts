// Conflicts of the federation as this member's state has them: keys of several siblings, and the record of what was
// settled, in pages of bounded size (federation 5).
import { KvError } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import {
  conflictRowKey,
  decodeConflict,
  numberOfRowKey,
  originId,
  regionOf,
  regionStateOf,
} from "../federation/index.ts";
import type { RegionState } from "../federation/index.ts";
import type {
  CallContext,
  Conflicts,
  Done,
  Header,
  OpenConflict,
  OpenConflicts,
  SettledConflict,
  SettledConflicts,
  SettledWish,
  ShownSibling,
} from "../rpc/index.ts";
import type { Engine, KeyRange } from "../store/index.ts";
import { siblingsIn } from "./key-siblings.ts";
import type { Reader } from "./reader.ts";
import type { Replica } from "./replica.ts";

/** Of one page, about. */
const PAGE_BYTES_MAX = 1024 * 1024;
/** Of a sibling's value in a list. */
const SHOWN_BYTES_MAX = 4096;
/** Of an entry beside its values. */
const ENTRY_BYTES = 256;

export interface ConflictDeskInit {
  readonly replica: Pick<Replica, "machine" | "onChange"> & {
    readonly engine: Pick<Engine, "scan">;
  };
  readonly reader: Pick<Reader, "moment">;
  readonly header: () => Header;
}

export class ConflictDesk implements Conflicts {
  readonly #init: ConflictDeskInit;

  constructor(init: ConflictDeskInit) {
    this.#init = init;
  }

  open(range: KeyRange, countMax: number, context: CallContext, done: Done<OpenConflicts>): void {
    this.#inMoment(range, context, done, (state) => {
      const { header } = this.#init;
      done({ ok: true, header: header(), value: openIn(state, range, countMax) });
    });
  }

  settled(wish: SettledWish, context: CallContext, done: Done<SettledConflicts>): void {
    this.#inMoment(wish.range, context, done, (state) => this.#settled(state, wish, done));
  }

  settledHere(wish: SettledWish, context: CallContext, done: Done<SettledConflicts>): void {
    const state = this.#allowed(wish.range, context, done);
    if (state !== undefined) this.#settled(state, wish, done);
  }

  get next(): number {
    return this.#state?.conflicts.next ?? 1;
  }

  whenMore(run: () => void): () => void {
    let told = this.next;
    return this.#init.replica.onChange(() => {
      if (this.next === told) return;
      told = this.next;
      run();
    });
  }

  regionOf(origin: number): string {
    const config = this.#state?.config;
    return (config && regionOf(config, originId(origin))) ?? "";
  }

  get #state(): RegionState | undefined {
    return regionStateOf(this.#init.replica.machine);
  }

  #inMoment<T>(
    range: KeyRange,
    context: CallContext,
    done: Done<T>,
    go: (state: RegionState) => void,
  ): void {
    this.#init.reader.moment("index", context, (refused) => {
      if (refused !== undefined) {
        done({ ok: false, error: refused });
        return;
      }
      const state = this.#allowed(range, context, done);
      if (state !== undefined) go(state);
    });
  }

  /** Undefined: `done` was told why not. */
  #allowed<T>(range: KeyRange, { caller }: CallContext, done: Done<T>): RegionState | undefined {
    const { auth } = this.#init.replica.machine;
    const refused = auth.refusesRead(caller, range);
    const state = this.#state;
    if (refused === undefined && state?.config !== undefined) return state;
    const error =
      refused === undefined
        ? new KvError("federation-refused", "not-applied", "this region is in no federation")
        : new KvError(refused.code, "not-applied", refused.message);
    done({ ok: false, error });
    return undefined;
  }

  /** What the engine may not have yet is in memory; all before that the engine has, if it is kept. */
  #settled(state: RegionState, wish: SettledWish, done: Done<SettledConflicts>): void {
    const { first: oldest, next: end } = state.conflicts;
    const from = Math.min(Math.max(wish.from, oldest), end);
    const answer = (numbered: readonly Numbered[]): void => {
      const { found, next } = picked(numbered, wish, from);
      const value = { conflicts: found, next, oldest, more: next < end };
      done({ ok: true, header: this.#init.header(), value });
    };
    const recent = state.recentConflicts(from);
    if (recent !== undefined || from === end) {
      answer((recent ?? []).map((row, at) => ({ number: from + at, row })));
      return;
    }
    const range = { from: conflictRowKey(from), until: conflictRowKey(end) };
    this.#init.replica.engine.scan(range, PAGE_BYTES_MAX, (failure, { rows }) => {
      if (failure === undefined) {
        answer(rows.map(({ key, value }) => ({ number: numberOfRowKey(key, 0), row: value })));
      } else {
        const error = new KvError("unavailable", "not-applied", `hansa: ${failure.message}`);
        done({ ok: false, error });
      }
    });
  }
}

interface Numbered {
  readonly number: number;
  readonly row: Uint8Array;
}

/** Those of the range, until the page is full; `next` is behind the last that was looked at. */
function picked(
  rows: readonly Numbered[],
  { range, countMax }: SettledWish,
  from: number,
): { readonly found: readonly SettledConflict[]; readonly next: number } {
  const found: SettledConflict[] = [];
  let next = from;
  let bytes = 0;
  for (const { number, row } of rows) {
    if (found.length >= countMax || bytes >= PAGE_BYTES_MAX) break;
    next = number + 1;
    bytes += row.length;
    const record = decodeConflict(row);
    if (isWithin(range, record.key)) found.push({ number, record });
  }
  return { found, next };
}

function openIn(state: RegionState, range: KeyRange, countMax: number): OpenConflicts {
  const conflicts: OpenConflict[] = [];
  let bytes = 0;
  for (const key of state.contested()) {
    if (!isWithin(range, key)) continue;
    if (conflicts.length >= countMax || bytes >= PAGE_BYTES_MAX) return { conflicts, next: key };
    const kept = siblingsIn(state, key)?.(undefined);
    // What is left of a prefix that is leaving the federation.
    if (kept === undefined) continue;
    const siblings = kept.siblings.map(shortened);
    conflicts.push({ key, siblings: { ...kept, siblings } });
    bytes += siblings.reduce((sum, { value }) => sum + ENTRY_BYTES + (value?.length ?? 0), 0);
  }
  return { conflicts };
}

function shortened(sibling: ShownSibling): ShownSibling {
  const { value } = sibling;
  return value === undefined ? sibling : { ...sibling, value: value.subarray(0, SHOWN_BYTES_MAX) };
}

/** An end of one zero byte is no end. */
function isWithin({ key, end }: KeyRange, one: Key): boolean {
  if (end === undefined) return one === key;
  return one >= key && (end === "\0" || one < end);
}
