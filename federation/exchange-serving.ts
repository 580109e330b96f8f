// The serving side of one stream: each origin from what is retained here, each from where the puller left off, in
// batches within a window of each origin (federation 4). Messages and loaded rows in, effects out. A window an
// origin, never one for all: transactions that wait for another origin's must not hold those up.
import { compareBytes } from "../base/index.ts";
import type { Epoch } from "./config.ts";
import type { OriginId } from "./dot.ts";
import type { ExchangeLimits } from "./exchange-limits.ts";
import type { ConfigNews, Position, ServeMessage } from "./exchange-message.ts";
import { messagesOf } from "./exchange-parts.ts";
import type { ReportBook } from "./exchange-reports.ts";
import type { FederationBug } from "./planted.ts";
import { VECTOR_ZERO, countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";

/** One transaction as it is retained, with its chain's hash behind it. */
export interface RetainedRow {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

/** The applied state of this member, as of the moment it is asked. */
export interface ServedState {
  readonly applied: Vector;
  /** The chain's hash at `applied`; of an origin of which nothing is applied, its seed, if that is known. */
  hashOf(origin: OriginId): Uint8Array | undefined;
  /** Of what is applied, all from here on is retained; one more than that: none of it. */
  retainedFrom(origin: OriginId): number;
  readonly config: ConfigNews;
}

/** Rows of `origin` from `from` on, about `bytesMax` bytes and at most `countMax`; answered by `onLoaded`. */
export interface LoadWish {
  readonly origin: OriginId;
  readonly from: number;
  readonly countMax: number;
  readonly bytesMax: number;
}

export type ServeEffect =
  | { readonly kind: "send"; readonly message: ServeMessage }
  | { readonly kind: "load"; readonly wish: LoadWish }
  /** The puller's history of the origin is not the one here (federation 1). */
  | { readonly kind: "forked"; readonly theirs: Position };

interface Sent {
  readonly sequence: number;
  readonly bytes: number;
  /** Of the chain behind it. */
  readonly hash: Uint8Array;
}

interface Wanted {
  position: Position;
  /** The puller's history at `position` was found to be ours. */
  checked: boolean;
  /** The last that was sent. */
  sent: number;
  /** Sent and not yet taken. */
  underWay: Sent[];
  underWayBytes: number;
  /** It is gone here, or the histories differ: not served until it is wanted anew. */
  refused: boolean;
}

export interface ServingInit {
  readonly state: () => ServedState;
  readonly reports: ReportBook;
  readonly limits: ExchangeLimits;
  /** Whether a write of `origin` may wait for this region's word, and that goes this way (federation 13); absent: all do. */
  readonly isAwaited?: (origin: OriginId) => boolean;
  /** Whether the puller hears of the region of `origin` from that region itself; absent: of none. */
  readonly hears?: (origin: OriginId) => boolean;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

export class ExchangeServing {
  readonly #init: ServingInit;
  readonly #wanted = new Map<OriginId, Wanted>();
  #loading: LoadWish | undefined;
  #blocked = false;
  /** Who was served last: origins are served in turns. */
  #servedLast = 0;
  #reportsSent = 0;
  #reportedAtMs = -Infinity;
  /** What was applied here when reports were sent last. */
  #reportedOf: Vector = VECTOR_ZERO;
  #epochTold: Epoch;

  /** `epoch`: of the puller's hello. */
  constructor(init: ServingInit, epoch: Epoch) {
    this.#init = init;
    this.#epochTold = epoch;
  }

  /** When `onTime` has something to do, if nothing else comes before. */
  get dueAtMs(): number {
    return this.#reportedAtMs + this.#waitMs;
  }

  get #waitMs(): number {
    const { limits, reports, hears = () => false } = this.#init;
    if (!this.#hasReports) return limits.heartbeatMs;
    if (this.#hasAwaited) return limits.reportMs;
    return reports.everySince(this.#reportsSent, hears) ? limits.restMs : limits.relayMs;
  }

  /** Of what was applied since the last reports, something may be waited for by who hears of it here. */
  get #hasAwaited(): boolean {
    const { state, isAwaited = () => true } = this.#init;
    const { applied } = state();
    const before = this.#reportedOf;
    if (applied === before) return false;
    for (const [origin, count] of applied) {
      if (count > countOf(before, origin) && isAwaited(origin)) return true;
    }
    return false;
  }

  get #hasReports(): boolean {
    return this.#init.reports.changes > this.#reportsSent;
  }

  onWant(positions: readonly Position[]): readonly ServeEffect[] {
    const asked = new Map(positions.map((position) => [position.origin, position]));
    for (const origin of [...this.#wanted.keys()]) {
      if (!asked.has(origin)) this.#wanted.delete(origin);
    }
    for (const position of asked.values()) this.#want(position);
    return this.#serve();
  }

  #want(position: Position): void {
    const wanted = this.#wanted.get(position.origin);
    if (wanted === undefined) {
      const sent = position.sequence;
      const fresh = { checked: false, underWay: [], underWayBytes: 0, refused: false };
      this.#wanted.set(position.origin, { position, sent, ...fresh });
      return;
    }
    const taken = wanted.underWay.filter(({ sequence }) => sequence <= position.sequence);
    // What was sent may have come a second time, of another history: every pull states its own (federation 1).
    const known = taken.at(-1) ?? wanted.position;
    const isKnown = known.sequence === position.sequence && this.#isSame(known.hash, position.hash);
    if (!isKnown) wanted.checked = false;
    wanted.position = position;
    // More than was sent: it came by another way.
    wanted.sent = Math.max(wanted.sent, position.sequence);
    for (const { bytes } of taken) wanted.underWayBytes -= bytes;
    wanted.underWay = wanted.underWay.slice(taken.length);
  }

  /** More is applied here, or a newer configuration. */
  onNews(): readonly ServeEffect[] {
    return this.#serve();
  }

  /** Reports that are due, or a sign of life. */
  onTime(nowMs: number): readonly ServeEffect[] {
    return nowMs < this.dueAtMs ? [] : [this.#report(nowMs)];
  }

  /** Something is sent in this turn: reports that wait go with it, sooner than they would by themselves. */
  onSent(nowMs: number): readonly ServeEffect[] {
    const isDue = nowMs - this.#reportedAtMs >= this.#init.limits.besideMs;
    return this.#hasReports && isDue ? [this.#report(nowMs)] : [];
  }

  #report(nowMs: number): ServeEffect {
    const { reports, state } = this.#init;
    const news = reports.since(this.#reportsSent);
    this.#reportsSent = reports.changes;
    this.#reportedAtMs = nowMs;
    this.#reportedOf = state().applied;
    return { kind: "send", message: { kind: "reports", reports: news } };
  }

  /** The way out is full: nothing more is asked for until it is not. */
  onBlocked(): void {
    this.#blocked = true;
  }

  onDrained(): readonly ServeEffect[] {
    this.#blocked = false;
    return this.#serve();
  }

  /** Consecutive rows from the wish's first on; none: it is retained no more. */
  onLoaded(wish: LoadWish, rows: readonly RetainedRow[]): readonly ServeEffect[] {
    this.#loading = undefined;
    const wanted = this.#wanted.get(wish.origin);
    if (wanted === undefined || wanted.refused) return this.#serve();
    const effects = this.#deliver(wanted, wish, rows);
    return [...effects, ...this.#serve()];
  }

  #deliver(wanted: Wanted, wish: LoadWish, rows: readonly RetainedRow[]): readonly ServeEffect[] {
    const { position } = wanted;
    const [first] = rows;
    if (first?.sequence !== wish.from) return [this.#refuseGone(wish.origin, wanted)];
    if (!wanted.checked && first.sequence === position.sequence) {
      if (!this.#isSame(first.hash, position.hash)) {
        return this.#refuseFork(wanted, first.hash);
      }
      wanted.checked = true;
    }
    // Further on the hash behind each batch tells the puller.
    const fresh = rows.filter(({ sequence }) => sequence > wanted.sent);
    const last = fresh.at(-1);
    // Wanted anew from another place while it was loaded: what fits no more is loaded again.
    if (last === undefined || fresh[0]?.sequence !== wanted.sent + 1) return [];
    for (const { sequence, bytes, hash } of fresh) {
      wanted.underWay.push({ sequence, bytes: bytes.length, hash });
      wanted.underWayBytes += bytes.length;
    }
    wanted.sent = last.sequence;
    const { batchBytesMax, partBytesMax } = this.#init.limits;
    // A last row that overshoots a little is no reason for parts.
    const messages = messagesOf(wish.origin, fresh, 2 * batchBytesMax, partBytesMax);
    return messages.map((message) => ({ kind: "send", message }));
  }

  #refuseGone(origin: OriginId, wanted: Wanted): ServeEffect {
    wanted.refused = true;
    const retainedFrom = this.#init.state().retainedFrom(origin);
    return { kind: "send", message: { kind: "gone", origin, retainedFrom } };
  }

  #refuseFork(wanted: Wanted, ours: Uint8Array): readonly ServeEffect[] {
    wanted.refused = true;
    const { position: theirs } = wanted;
    return [
      { kind: "send", message: { kind: "forked", theirs, ours } },
      { kind: "forked", theirs },
    ];
  }

  #serve(): readonly ServeEffect[] {
    const state = this.#init.state();
    const effects: ServeEffect[] = [...this.#tellConfig(state)];
    if (!this.#hasWork(state)) return effects;
    for (const [origin, wanted] of this.#inTurn()) {
      if (wanted.refused) continue;
      const applied = countOf(state.applied, origin);
      const faults = this.#faultsAt(origin, wanted, applied, state);
      if (faults.length > 0) effects.push(...faults);
      else if (
        this.#loading === undefined &&
        !this.#blocked &&
        this.#asksForRows(origin, wanted, applied)
      ) {
        effects.push(this.#load(origin, wanted));
      }
    }
    return effects;
  }

  /** Something is wanted that was not sent, or its history was not compared yet. */
  #hasWork({ applied }: ServedState): boolean {
    for (const [origin, { refused, checked, position, sent }] of this.#wanted) {
      const count = countOf(applied, origin);
      if (!refused && (sent < count || (!checked && position.sequence <= count))) return true;
    }
    return false;
  }

  /** What can be told without a row. */
  #faultsAt(
    origin: OriginId,
    wanted: Wanted,
    applied: number,
    state: ServedState,
  ): readonly ServeEffect[] {
    const { position } = wanted;
    if (!wanted.checked && position.sequence === applied) {
      const ours = state.hashOf(origin);
      if (ours !== undefined && !this.#isSame(ours, position.hash)) {
        return this.#refuseFork(wanted, ours);
      }
      wanted.checked = ours !== undefined;
    }
    const isGone = wanted.sent < applied && wanted.sent + 1 < state.retainedFrom(origin);
    return isGone ? [this.#refuseGone(origin, wanted)] : [];
  }

  /** Whether two histories are one, up to where these are the chain's hashes (federation 1). */
  #isSame(ours: Uint8Array, theirs: Uint8Array): boolean {
    return this.#init.planted === "fork-undetected" || compareBytes(ours, theirs) === 0;
  }

  #asksForRows(origin: OriginId, wanted: Wanted, applied: number): boolean {
    const { checked, position, sent, underWayBytes } = wanted;
    const hasRoom = sent < applied && underWayBytes < this.#init.limits.windowBytes;
    return hasRoom || (!checked && position.sequence < sent && this.#retains(origin, position));
  }

  /** The row at the position tells whether the histories are one. */
  #retains(origin: OriginId, { sequence }: Position): boolean {
    return sequence >= this.#init.state().retainedFrom(origin);
  }

  #load(origin: OriginId, wanted: Wanted): ServeEffect {
    const { batchBytesMax, batchCountMax } = this.#init.limits;
    const { position, checked, sent } = wanted;
    const checks = !checked && this.#retains(origin, position);
    const from = checks ? position.sequence : sent + 1;
    this.#servedLast = origin;
    const wish = { origin, from, countMax: batchCountMax, bytesMax: batchBytesMax };
    this.#loading = wish;
    return { kind: "load", wish };
  }

  #inTurn(): readonly (readonly [OriginId, Wanted])[] {
    const all = [...this.#wanted].sort(([left], [right]) => left - right);
    const next = all.findIndex(([origin]) => origin > this.#servedLast);
    return next < 0 ? all : [...all.slice(next), ...all.slice(0, next)];
  }

  #tellConfig({ config }: ServedState): readonly ServeEffect[] {
    if (config.epoch <= this.#epochTold) return [];
    this.#epochTold = config.epoch;
    return [{ kind: "send", message: { kind: "config", config } }];
  }
}
