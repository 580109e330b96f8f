// What a member's parts of the federation ask of its state machine, as of the moment of each call: the state in force
// may be replaced by a snapshot, and before the first configuration it is that of a region that knows nobody.
import { present } from "../base/index.ts";
import type { Key, LogTimeMs, WallMs } from "../base/index.ts";
import { CONFIG_OF_NOBODY, countOf, regionStateOf } from "../federation/index.ts";
import type {
  ConfigNews,
  DeliveryState,
  FederationConfig,
  LoadWish,
  OriginId,
  RegionState,
  Report,
  RetainedRow,
  RetentionPlan,
  RetentionQuestion,
  ServedState,
  Vector,
} from "../federation/index.ts";
import type { Machine } from "../store/index.ts";

/** Of the suffixes that a region retains for others. */
const RETAINED_BYTES_MAX = 1024 * 1024 * 1024;

export class FederatedRegion implements DeliveryState {
  readonly #machine: () => Machine;

  constructor(machine: () => Machine) {
    this.#machine = machine;
  }

  get state(): RegionState {
    return present(
      regionStateOf(this.#machine()),
      "the machine of a federated region has its state",
    );
  }

  get applied(): Vector {
    return this.state.applied;
  }

  get config(): FederationConfig {
    return this.state.config ?? CONFIG_OF_NOBODY;
  }

  get self(): OriginId | undefined {
    return this.state.self?.origin;
  }

  /** The region's own word, which is that of every member: what others may rely on. Undefined: it has no origin. */
  get report(): Report | undefined {
    const { self, config, rebirth } = this;
    return self && { origin: self, epoch: config.epoch, vector: rebirth.standing };
  }

  get forked(): ReadonlySet<OriginId> {
    return this.state.forked;
  }

  chainOf(origin: OriginId): Uint8Array | undefined {
    return this.state.chainOf(origin);
  }

  /** As it was logged; epoch 0 and no bytes: there is none yet. */
  get document(): ConfigNews {
    const { config, document = new Uint8Array(0) } = this.state;
    return { epoch: config?.epoch ?? 0, document };
  }

  get staged(): RegionState["staged"] {
    return this.state.staged;
  }

  get rebirth(): RegionState["rebirth"] {
    return this.state.rebirth;
  }

  holds(key: Key): boolean {
    return this.state.holds(key);
  }

  /** Another number after anything was applied. */
  get standing(): number {
    return this.state.standing;
  }

  /** Federated writes are refused at the retention bound. */
  get isFull(): boolean {
    return this.state.isFull;
  }

  /** Deletes, conflicts and transactions that are kept for regions that do not have them. */
  get waitingBytes(): number {
    return this.state.records.waitingBytes + this.state.retention.bytes;
  }

  /** Keys of several siblings. */
  get contested(): readonly Key[] {
    return this.state.records.contested === 0 ? [] : this.state.contested();
  }

  /** The clock as stamps take it, at that log time; undefined: nobody has set it. */
  wallMsAt(logTime: LogTimeMs): WallMs | undefined {
    return this.state.wallMsAt(logTime);
  }

  /** Of what is applied, all from here on is retained. */
  retainedFrom(origin: OriginId): number {
    const { retention, applied } = this.state;
    return retention.firstOf(origin) ?? countOf(applied, origin) + 1;
  }

  /** What of the wish is in memory, from its first on: all that the engine may not have yet. */
  recent({ origin, from, countMax, bytesMax }: LoadWish): readonly RetainedRow[] {
    const rows: RetainedRow[] = [];
    let bytes = 0;
    while (rows.length < countMax && bytes < bytesMax) {
      const sequence = from + rows.length;
      const retained = this.state.retained(origin, sequence);
      if (retained === undefined) break;
      rows.push({ sequence, ...retained });
      bytes += retained.bytes.length;
    }
    return rows;
  }

  planRetention(question: Pick<RetentionQuestion, "vectorOf" | "pinned">): RetentionPlan {
    const { config, self, applied, forked, retainedBytesMax: bytesMax } = this;
    const own = { config, self, applied, forked, bytesMax };
    return this.state.retention.plan({ ...question, ...own });
  }

  protected get retainedBytesMax(): number {
    return RETAINED_BYTES_MAX;
  }
}

/** What is served to regions that pull: one object, which is as of the moment that it is asked. */
export function servedState(region: FederatedRegion): () => ServedState {
  const served: ServedState = {
    get applied() {
      return region.rebirth.standing;
    },
    hashOf: (origin) => region.rebirth.chainOf(origin),
    retainedFrom: (origin) => region.retainedFrom(origin),
    get config() {
      return region.document;
    },
  };
  return () => served;
}
