// All watches of one member, and the order in which they are told. A watch that has nobody to tell, or lacks a
// value that is not in memory, falls behind and catches up from the history: nothing waits for it, and nothing
// is kept for it but its place. Its owner calls `advance` outside of apply, and loads what that asks for.
import { assert } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import type { Changes } from "./changes.ts";
import { Watch } from "./watch.ts";
import type { WatchChannel, WatchGroup, WatchListener, WatchRequest } from "./watch.ts";
import { WatchLane } from "./watch-lane.ts";
import type { StepBounds } from "./watch-step.ts";

/** Of one step: what one turn of the event loop spends on the history. */
const STEP_BOUNDS_DEFAULT: Omit<StepBounds, "rowsMax"> = {
  changesMax: 2_048,
  bytesMax: 1024 * 1024,
};
/** A new one begins while a long one runs, so that who is a little behind need not wait for it. */
const CATCH_UP_LANES_MAX = 4;

/** Rows that a lane needs before it goes on; given back by `supply` in the order of `keys`. */
export interface WatchLoad {
  readonly lane: WatchLane;
  readonly keys: readonly Uint8Array[];
}

export interface WatchAdvance {
  readonly loads: readonly WatchLoad[];
  /** There is more to do in a later turn. */
  readonly more: boolean;
}

export class WatchHub {
  readonly #bounds: Omit<StepBounds, "rowsMax">;
  #changes: Changes;
  #live: WatchLane;
  #catchingUp: WatchLane[] = [];
  /** Behind, and ready to be told: the members of the next lane. */
  readonly #waiting = new Set<Watch>();
  #count = 0;
  #servedCount = 0;

  constructor(changes: Changes, bounds: Partial<StepBounds> = {}) {
    this.#bounds = { ...STEP_BOUNDS_DEFAULT, ...bounds };
    this.#changes = changes;
    this.#live = new WatchLane(changes, changes.revision + 1);
  }

  get count(): number {
    return this.#count;
  }

  /** Those that do not keep pace, for want of room or of values. */
  get behindCount(): number {
    return this.#count - this.#live.index.count;
  }

  /** Revisions that those who keep pace have yet to be told of. */
  get pendingRevisions(): number {
    return Math.max(0, this.#changes.revision + 1 - this.#live.next);
  }

  /** Of the state that the watches are told of. */
  get revision(): Revision {
    return this.#changes.revision;
  }

  /** Where a watch that begins at a given revision can begin at the earliest. */
  get floor(): Revision {
    return this.#changes.floor;
  }

  /** `request.startRevision` is 0, or not below the floor. It is told of nothing inside this call. */
  open(request: WatchRequest, channel: WatchChannel, listener: WatchListener): Watch {
    const { startRevision } = request;
    assert(startRevision === 0 || startRevision >= this.floor, "a watch begins in the history");
    const next = this.#changes.revision + 1;
    const cursor = startRevision === 0 ? next : startRevision;
    const watch = new Watch(request, channel, listener, cursor);
    this.#count += 1;
    if (cursor >= next) this.#live.add(watch);
    else this.#waiting.add(watch);
    return watch;
  }

  cancel(watch: Watch): void {
    if (watch.ended) return;
    watch.ended = true;
    this.#count -= 1;
    watch.lane?.remove(watch);
    this.#waiting.delete(watch);
    watch.channel.pressed.delete(watch);
  }

  /** There is room on `channel` again. */
  resume(channel: WatchChannel): void {
    for (const watch of channel.pressed) if (watch.lane === undefined) this.#waiting.add(watch);
  }

  /**
   * The last revision up to which `watch` was told everything, if nothing is on its way: undefined while it
   * is behind.
   */
  toldUpTo(watch: Watch): Revision | undefined {
    if (watch.lane !== this.#live || !this.#live.isAtHead) return undefined;
    return this.#changes.revision;
  }

  /** Another state took the place of the one before; it has all that was told so far, and maybe more. */
  replace(changes: Changes): void {
    const lanes = [this.#live, ...this.#catchingUp];
    this.#catchingUp = [];
    this.#changes = changes;
    this.#live = new WatchLane(changes, changes.revision + 1);
    for (const lane of lanes) this.#disperse(lane);
    if (changes.planted !== "watch-skips-over-snapshot") return;
    for (const watch of this.#waiting) watch.cursor = Math.max(watch.cursor, changes.revision + 1);
  }

  /** Whether `advance` has something to do, loads under way aside. */
  get isBehind(): boolean {
    const mayBegin = this.#waiting.size > 0 && this.#catchingUp.length < CATCH_UP_LANES_MAX;
    return !this.#live.isAtHead || mayBegin || this.#catchingUp.some(({ loading }) => !loading);
  }

  /** Goes on in bounded steps, with about `deliveriesMax` deliveries. */
  advance(deliveriesMax: number): WatchAdvance {
    let left = deliveriesMax - this.#advanceLive(deliveriesMax);
    this.#openLane();
    const loads: WatchLoad[] = [];
    for (const lane of [...this.#catchingUp]) {
      if (lane.loading) continue;
      if (lane.underWay === undefined && !this.#beginStep(lane, loads)) continue;
      left -= this.#deliver(lane, left);
    }
    return { loads, more: this.isBehind };
  }

  /** The rows of a load; ignored if its lane has ended meanwhile. */
  supply({ lane }: WatchLoad, loaded: readonly (Uint8Array | undefined)[]): void {
    if (!this.#catchingUp.includes(lane)) return;
    if (lane.expired) this.#end(lane);
    else lane.supply(loaded, this.#bounds.bytesMax);
  }

  /** The rows of a load cannot be had: its watches try again. */
  abandon({ lane }: WatchLoad): void {
    if (this.#catchingUp.includes(lane)) this.#end(lane);
  }

  #advanceLive(deliveriesMax: number): number {
    if (this.#live.expired) {
      const lane = this.#live;
      this.#live = new WatchLane(this.#changes, this.#changes.revision + 1);
      this.#disperse(lane);
    }
    let delivered = 0;
    while (!this.#live.isAtHead && delivered < deliveriesMax) {
      const lane = this.#live;
      if (lane.underWay === undefined) {
        if (lane.index.count === 0) {
          lane.next = this.#changes.revision + 1;
          lane.finish();
          break;
        }
        lane.begin(this.#bounds);
      }
      delivered += this.#deliver(lane, deliveriesMax - delivered);
    }
    return delivered;
  }

  /** Those that wait walk together from where the last of them stands. */
  #openLane(): void {
    if (this.#waiting.size === 0 || this.#catchingUp.length >= CATCH_UP_LANES_MAX) return;
    const members: Watch[] = [];
    let next = Infinity;
    const { planted } = this.#changes;
    for (const watch of [...this.#waiting]) {
      this.#waiting.delete(watch);
      const isGone = watch.cursor < this.floor && planted !== "watch-outlives-compaction";
      if (isGone) this.#endCompacted(watch);
      else {
        members.push(watch);
        const first = members.length === 1;
        const skips = planted === "watch-skips-on-catch-up" && !first;
        next = skips ? Math.max(next, watch.cursor) : Math.min(next, watch.cursor);
      }
    }
    if (members.length === 0) return;
    const lane = new WatchLane(this.#changes, next);
    for (const watch of members) lane.add(watch);
    this.#catchingUp.push(lane);
  }

  /** @returns false when there is nothing to deliver at this moment. */
  #beginStep(lane: WatchLane, loads: WatchLoad[]): boolean {
    if (lane.expired || lane.index.count === 0 || lane.isAtHead) {
      this.#end(lane);
      return false;
    }
    const step = lane.begin(this.#bounds);
    const keys = step.missing;
    if (keys.length === 0) return true;
    lane.loading = true;
    loads.push({ lane, keys });
    return false;
  }

  /** Those who are told everything join the live lane, the others wait for another. */
  #end(lane: WatchLane): void {
    this.#catchingUp = this.#catchingUp.filter((other) => other !== lane);
    if (lane.expired || !lane.isAtHead) {
      this.#disperse(lane);
      return;
    }
    lane.index.each((watch) => {
      lane.remove(watch);
      watch.channel.pressed.delete(watch);
      this.#live.add(watch);
    });
    lane.close();
  }

  #disperse(lane: WatchLane): void {
    lane.index.each((watch) => {
      lane.remove(watch);
      this.#fallBehind(watch);
    });
    lane.close();
  }

  /** @returns how many were looked at. */
  #deliver(lane: WatchLane, deliveriesMax: number): number {
    const { underWay } = lane;
    if (underWay === undefined) return 0;
    for (let looked = 0; looked < deliveriesMax; looked += 1) {
      const next = underWay.at.next();
      if (next.done === true) {
        lane.finish();
        return looked;
      }
      const [group, watch] = next.value;
      if (watch.lane === lane && watch.group === group) this.#tell(lane, group, watch);
    }
    return deliveriesMax;
  }

  #tell(lane: WatchLane, group: WatchGroup, watch: Watch): void {
    const { channel, listener } = watch;
    const step = lane.underWay?.step;
    assert(step !== undefined, "events come from a step");
    const events = step.eventsFor(watch, group);
    if (events?.length === 0) {
      watch.cursor = Math.max(watch.cursor, step.until);
      return;
    }
    const mustQueue = lane === this.#live && channel.pressed.size > 0;
    if (events === undefined || mustQueue || !channel.isReady()) {
      lane.remove(watch);
      if (events !== undefined) channel.pressed.add(watch);
      this.#fallBehind(watch);
      return;
    }
    watch.cursor = step.until;
    this.#servedCount += 1;
    watch.servedAt = this.#servedCount;
    channel.pressed.delete(watch);
    listener.onEvents(events, (step.until - 1) as Revision);
  }

  /** It waits for a lane, or for room on its channel. */
  #fallBehind(watch: Watch): void {
    if (!watch.channel.pressed.has(watch) || watch.channel.isReady()) this.#waiting.add(watch);
  }

  #endCompacted(watch: Watch): void {
    this.cancel(watch);
    watch.listener.onCompacted(this.floor);
  }
}
