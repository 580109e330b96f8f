// What a member's parts of the federation ask of its state machine.
import type { Key, LogTimeMs, WallMs } from "../base/index.ts";
import type {
  ConfigNews,
  DeliveryState,
  LoadWish,
  OriginId,
  RetainedRow,
  RetentionPlan,
  RetentionQuestion,
} from "../federation/index.ts";

export interface FederatedRegion extends DeliveryState {
  /** As it was logged; epoch 0 and no bytes: there is none yet. */
  readonly document: ConfigNews;
  /** Whether the key is of a federated prefix. */
  holds(key: Key): boolean;
  /** Another number after anything was applied. */
  readonly standing: number;
  /** Federated writes are refused at the retention bound. */
  readonly full: boolean;
  /** The clock as stamps take it, at that log time. */
  wallAt(logTime: LogTimeMs): WallMs;
  /** Of what is applied, all from here on is retained. */
  retainedFrom(origin: OriginId): number;
  /** What of the wish is in memory, from its first on: all that the engine may not have yet. */
  recent(wish: LoadWish): readonly RetainedRow[];
  planRetention(question: Pick<RetentionQuestion, "vectorOf">): RetentionPlan;
}
