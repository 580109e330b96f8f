// What a watch asks, what it is told, and what the store remembers of it: where it stands in the history,
// and nothing of what it has yet to be told, for that the history has.
import type { Revision } from "../base/index.ts";
import type { Span } from "./key-range.ts";
import type { KeyRange } from "./request.ts";

export interface WatchRequest extends KeyRange {
  /** The first revision it is told of; 0: the next one. */
  readonly startRevision: Revision;
  /** With each event the pair that stood there before, where compaction has left it. */
  readonly prevKv: boolean;
  readonly puts: boolean;
  readonly deletes: boolean;
}

export interface WatchEvent {
  readonly kind: "put" | "delete";
  readonly revision: Revision;
  /** The pair as mvccpb.KeyValue bytes; of a delete key and revision alone. */
  readonly kv: Uint8Array;
  readonly prevKv?: Uint8Array;
}

/** Where one watch's events go. */
export interface WatchListener {
  /**
   * Whole revisions, in order: of everything up to `upTo` it has now been told. The array is shared with
   * other watches and may be kept.
   */
  onEvents(events: readonly WatchEvent[], upTo: Revision): void;
  /** What it has yet to be told is compacted away: it has ended. `floor`: where watches can begin. */
  onCompacted(floor: Revision): void;
}

/**
 * Watches that share one way out. While it is not `ready` they are told nothing and hold nothing: they lag,
 * and catch up from the history once the hub's `resume` says that there is room.
 */
export class WatchChannel {
  readonly isReady: () => boolean;
  /** Lagging for want of room. Until they have had their turn, the others of the channel queue behind them. */
  readonly pressed = new Set<Watch>();

  constructor(isReady: () => boolean) {
    this.isReady = isReady;
  }
}

/** Watches of one range. */
export class WatchGroup {
  readonly span: Span;
  readonly watches = new Set<Watch>();
  /** Of them, those that are told the pair before. */
  prevKvCount = 0;

  constructor(span: Span) {
    this.span = span;
  }
}

/** What has a watch at a moment, and tells it its events. */
export interface WatchPlace {
  remove(watch: Watch): void;
}

export class Watch {
  readonly request: WatchRequest;
  readonly channel: WatchChannel;
  readonly listener: WatchListener;
  /** Revisions below it are none of its business, or it has been told of them. */
  cursor: number;
  /** Where its events come from at this moment; undefined while it lags or waits for its turn. */
  lane: WatchPlace | undefined;
  /** Of its range in `lane`. */
  group: WatchGroup | undefined;
  /** Counts deliveries of the hub: who was served longest ago is next. */
  servedAt = 0;
  ended = false;

  constructor(
    request: WatchRequest,
    channel: WatchChannel,
    listener: WatchListener,
    cursor: number,
  ) {
    this.request = request;
    this.channel = channel;
    this.listener = listener;
    this.cursor = cursor;
  }
}
