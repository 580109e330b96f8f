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
import type { NumberedRow, RegionState } from "../federation/index.ts";
import type {
  CallContext,
  Conflicts,
  Done,
  Header,
  OpenConflict,
  OpenConflicts,
  OpenNews,
  OpenWish,
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
    const state = this.#allowed(wish.range, context);
    if (state instanceof KvError) done({ ok: false, error: state });
    else this.#settled(state, wish, done);
  }

  openHere(wish: OpenWish, context: CallContext): OpenNews | KvError {
    const state = this.#allowed(wish.range, context);
    return state instanceof KvError ? state : newsIn(state, wish);
  }

  get openLast(): number {
    return this.#state?.contestedLast ?? 0;
  }

  get next(): number {
    return this.#state?.conflicts.next ?? 1;
  }

  whenMore(run: () => void): () => void {
    let [next, openLast] = [this.next, this.openLast];
    return this.#init.replica.onChange(() => {
      if (this.next === next && this.openLast === openLast) return;
      [next, openLast] = [this.next, this.openLast];
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
      const state = refused ?? this.#allowed(range, context);
      if (state instanceof KvError) done({ ok: false, error: state });
      else go(state);
    });
  }

  /** Judged by the state that answers. */
  #allowed(range: KeyRange, { caller }: CallContext): RegionState | KvError {
    const refused = this.#init.replica.machine.auth.refusesRead(caller, range);
    if (refused !== undefined) return new KvError(refused.code, "not-applied", refused.message);
    const state = this.#state;
    if (state?.config !== undefined) return state;
    return new KvError("federation-refused", "not-applied", "this region is in no federation");
  }

  /** What the engine may not have yet is in memory; all before that the engine has, if it is kept. */
  #settled(state: RegionState, wish: SettledWish, done: Done<SettledConflicts>): void {
    const { first: oldest, next: end, recentFrom } = state.conflicts;
    const from = Math.min(Math.max(wish.from, oldest), end);
    const answer = (numbered: readonly NumberedRow[]): void => {
      const { found, next } = picked(numbered, wish, from);
      const value = { conflicts: found, next, oldest, more: next < end };
      done({ ok: true, header: this.#init.header(), value });
    };
    const recent = state.recentConflicts(from);
    if (from >= recentFrom) {
      answer(recent);
      return;
    }
    const range = { from: conflictRowKey(from), until: conflictRowKey(recentFrom) };
    this.#init.replica.engine.scan(range, PAGE_BYTES_MAX, (failure, { rows }) => {
      if (failure === undefined) {
        const flushed = rows.map(({ key, value }) => ({
          number: numberOfRowKey(key, 0),
          row: value,
        }));
        const isWhole = flushed.at(-1)?.number === recentFrom - 1;
        answer(isWhole ? [...flushed, ...recent] : flushed);
      } else {
        const error = new KvError("unavailable", "not-applied", `hansa: ${failure.message}`);
        done({ ok: false, error });
      }
    });
  }
}

/** Those of the range, until the page is full; `next` is behind the last that was looked at. */
function picked(
  rows: readonly NumberedRow[],
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
  for (const key of openKeys(state, range.key)) {
    if (!isWithin(range, key)) break;
    if (conflicts.length >= countMax || bytes >= PAGE_BYTES_MAX) return { conflicts, next: key };
    const conflict = openAt(state, key);
    if (conflict === undefined) continue;
    conflicts.push(conflict);
    bytes += bytesOf(conflict);
  }
  return { conflicts };
}

function newsIn(state: RegionState, { range, since }: OpenWish): OpenNews {
  const { contestedLast } = state;
  const conflicts: OpenConflict[] = [];
  let bytes = 0;
  // A number from before another state took the place of this one: everything is news.
  for (const [number, key] of state.contestedSince(since > contestedLast ? 0 : since)) {
    const conflict = isWithin(range, key) ? openAt(state, key) : undefined;
    if (conflict === undefined) continue;
    conflicts.push(conflict);
    bytes += bytesOf(conflict);
    if (bytes >= PAGE_BYTES_MAX) return { conflicts, last: number };
  }
  return { conflicts, last: contestedLast };
}

/** Undefined: it is what is left of a prefix that is leaving the federation. */
function openAt(state: RegionState, key: Key): OpenConflict | undefined {
  const kept = siblingsIn(state, key)?.(undefined);
  return kept && { key, siblings: { ...kept, siblings: kept.siblings.map(shortened) } };
}

function bytesOf({ siblings: { siblings } }: OpenConflict): number {
  return siblings.reduce((sum, { value }) => sum + ENTRY_BYTES + (value?.length ?? 0), 0);
}

/** Of several siblings, or of one that its home wrote too late to be shown; ascending. */
function openKeys(state: RegionState, from: Key): Iterable<Key> {
  const late = state.late().filter((key) => key >= from);
  const contested = state.contestedFrom(from);
  return late.length === 0 ? contested : [...contested, ...late].sort();
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
