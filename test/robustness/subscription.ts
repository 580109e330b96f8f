// What a client wants to know, over all the streams on which it asks for it: it goes on where it was told up to,
// again and again, at whatever member it comes to.
import { assert } from "../../base/index.ts";
import { etcdserverpb } from "../../proto/index.ts";
import type { KeySpan } from "./history.ts";
import type { Told, WatchAsked, WatchRecord } from "./watch-record.ts";

export interface WatchWish extends KeySpan {
  readonly puts: boolean;
  readonly deletes: boolean;
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly withProof: boolean;
  readonly progressNotify: boolean;
}

const { NOPUT, NODELETE } = etcdserverpb.WatchCreateRequest.FilterType;

export class Subscription {
  readonly wish: WatchWish;
  readonly records: WatchRecord[] = [];
  /** The first revision that it has not been told of; 0: it begins with what comes next. */
  next: number;
  #current: { asked: WatchAsked; told: Told[]; compactedTo?: number } | undefined;

  constructor(wish: WatchWish, next: number) {
    this.wish = wish;
    this.next = next;
  }

  /** Whether a watch of it is open. */
  get isOpen(): boolean {
    return this.#current !== undefined;
  }

  get told(): number {
    return this.records.reduce((sum, { told }) => sum + told.length, 0);
  }

  create(id: number): etcdserverpb.IWatchCreateRequest {
    const { key, end, puts, deletes, prevKv, fragment, withProof, progressNotify } = this.wish;
    return {
      key: Buffer.from(key, "latin1"),
      ...(end === undefined ? {} : { range_end: Buffer.from(end, "latin1") }),
      start_revision: this.next,
      filters: [...(puts ? [] : [NOPUT]), ...(deletes ? [] : [NODELETE])],
      prev_kv: prevKv,
      progress_notify: progressNotify,
      fragment,
      watch_id: id,
      with_proof: withProof,
    };
  }

  /** A watch of it was created, at the member's `revision`. `name`: of the watch, for the report. */
  onCreated(name: string, revision: number): void {
    assert(!this.isOpen, "one watch at a time");
    if (this.next === 0) this.next = revision + 1;
    const { key, end, puts, deletes, prevKv } = this.wish;
    const span = end === undefined ? { key } : { key, end };
    const asked: WatchAsked = { name, ...span, from: this.next, puts, deletes, prevKv };
    this.#current = { asked, told: [] };
    this.records.push(this.#current);
  }

  onTold(told: Told): void {
    assert(this.#current !== undefined, "who is told has a watch");
    this.#current.told.push(told);
    if (!told.isFragment) this.next = Math.max(this.next, told.upTo + 1);
  }

  /** What it has yet to be told is gone: it goes on from where the history begins. */
  onCompacted(floor: number): void {
    assert(this.#current !== undefined, "who is ended has a watch");
    this.#current.compactedTo = floor;
    this.#current = undefined;
    this.next = Math.max(this.next, floor);
  }

  /** Its watch has ended, by whatever. */
  onEnd(): void {
    this.#current = undefined;
  }
}
