// A region's federation as its state machine holds it: what the store's port asks, and what the exchange, the
// directory's client and the services look at (federation 2). Deterministic, and equal on all members of the region.
import type { Hlc, Key, LeaseId, LogIndex, LogTimeMs, WallMs } from "../base/index.ts";
import type {
  Digest,
  FederatedStore,
  FederationAnswer,
  FederationOccasion,
  FederationPort,
  Machine,
  PutRequest,
  Refusal,
  RowSet,
} from "../store/index.ts";
import type { FederationChange } from "./change.ts";
import { decodeChange, isChangeFlaw } from "./change-codec.ts";
import type { Hash } from "./chain.ts";
import { decodeConfig } from "./config-codec.ts";
import { ConfigError } from "./config-error.ts";
import type { FederationConfig } from "./config.ts";
import type { NumberedRow } from "./conflict-log.ts";
import type { ContestedKeys } from "./contested-keys.ts";
import type { DeliveryState } from "./delivery.ts";
import { originId } from "./dot.ts";
import type { Dot, OriginId } from "./dot.ts";
import type { KeptRecord } from "./kept-record.ts";
import { lateKeys } from "./late-writes.ts";
import { LocalWrites, refusedText } from "./local-writes.ts";
import { openSettlements } from "./open-settlements.ts";
import type { FederationBug } from "./planted.ts";
import { PrefixRules } from "./prefix-rules.ts";
import { RegionChanges } from "./region-changes.ts";
import { RegionComparing } from "./region-comparing.ts";
import { RegionCore } from "./region-core.ts";
import { RegionRebirth } from "./region-rebirth.ts";
import type { Self } from "./region-core.ts";
import { RegionHead } from "./region-head.ts";
import { decodeApplied, numberOfRowKey, regionRowOf } from "./region-rows.ts";
import type { Retained } from "./retained-transactions.ts";
import type { Retention } from "./retention.ts";
import { encodeSiblingContext } from "./sibling-context.ts";
import type { Vector } from "./vector.ts";

export interface RegionStateInit {
  readonly hash: Hash;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

/** Undefined: the machine was made without one. */
export function regionStateOf(machine: Machine): RegionState | undefined {
  return machine.federation instanceof RegionState ? machine.federation : undefined;
}

export class RegionState implements FederationPort {
  readonly #core: RegionCore;
  readonly #local: LocalWrites;
  readonly #comparing: RegionComparing;
  readonly #changes: RegionChanges;
  readonly #rebirth: RegionRebirth;
  #decoded: { readonly body: Uint8Array; readonly change: FederationChange | Refusal } | undefined;
  #document: Uint8Array | undefined;
  readonly #head: RegionHead;

  constructor(store: FederatedStore, { hash, planted }: RegionStateInit) {
    this.#core = new RegionCore(store, hash, planted);
    this.#local = new LocalWrites(this.#core);
    this.#comparing = new RegionComparing(this.#core);
    this.#changes = new RegionChanges(this.#core, this.#local);
    this.#rebirth = new RegionRebirth(this.#core);
    this.#head = new RegionHead(this.#core);
  }

  /** Undefined: the region is in no federation. */
  get config(): FederationConfig | undefined {
    return this.#core.config;
  }

  /** Its bytes as they were logged. */
  get document(): Uint8Array | undefined {
    return this.#document;
  }

  /** Undefined: it mints nothing, until a configuration names its origin. */
  get self(): Self | undefined {
    return this.#core.self;
  }

  /** A value of its own: it does not move on. */
  get applied(): Vector {
    return this.#core.applied;
  }

  /** At what is applied of the origin; of an origin of which nothing is, its seed; undefined: unknown. */
  chainOf(origin: OriginId): Uint8Array | undefined {
    return this.#core.chainOf(origin);
  }

  /** What `judge` asks; undefined: the region is in no federation. */
  get delivery(): DeliveryState | undefined {
    return this.#changes.delivery;
  }

  get forked(): ReadonlySet<OriginId> {
    return this.#core.forked;
  }

  /** The latest stamp that was minted or applied. */
  get hlc(): Hlc {
    return this.#core.clock.last;
  }

  /** What its clock shows at that log time; undefined: no leader has anchored it. */
  wallMsAt(now: LogTimeMs): WallMs | undefined {
    return this.#core.clock.isAnchored ? this.#core.clock.wallMs(now) : undefined;
  }

  /** A live sibling that stands alone may leave its value to the key's version (kept-record.ts). */
  recordOf(key: Key): KeptRecord {
    return this.#core.records.of(key);
  }

  get records(): Readonly<Record<"size" | "contested" | "tombstones" | "waitingBytes", number>> {
    const { size, contested, tombstoneCount: tombstones, waitingBytes } = this.#core.records;
    return { size, contested: contested.size, tombstones, waitingBytes };
  }

  /** For who compares regions. */
  get comparing(): RegionComparing {
    return this.#comparing;
  }

  /** Every key of which something is kept, ascending: looks at all of them. */
  keys(): readonly Key[] {
    return this.#core.records.keys();
  }

  /** Open conflicts: keys of several siblings, ascending. */
  contested(): readonly Key[] {
    return this.#core.records.contested.ascending();
  }

  /** Of `keys` those that this region has to settle, if every member has what `stable` says. */
  toSettle(stable: Vector, keys: readonly Key[]): readonly Key[] {
    return openSettlements(this.#core, stable, keys).map(({ key }) => key);
  }

  /** The same from a key on, one at a time: to be read before anything else is applied. */
  contestedFrom(key: Key): Iterable<Key> {
    return this.#core.records.contested.from(key);
  }

  /** The same in the order in which they became so, and the number of the last; both are this process's own. */
  contestedSince(number: number): ReturnType<ContestedKeys["since"]> {
    return this.#core.records.contested.since(number);
  }

  get contestedLast(): number {
    return this.#core.records.contested.last;
  }

  /** Keys whose one write came too late to be shown, ascending (federation 12). */
  late(): readonly Key[] {
    return lateKeys(this.#core.records, this.#core.rules);
  }

  /** What the configuration says of keys. */
  get rules(): PrefixRules {
    return this.#core.rules;
  }

  /** Numbers of the settled conflicts that are recorded: rows `conflictRowKey`, read by `decodeConflict`. */
  get conflicts(): Readonly<Record<"first" | "next" | "recentFrom", number>> {
    const { first, next, recentFrom } = this.#core.conflicts;
    return { first, next, recentFrom };
  }

  /** Writes that lost, by prefix, since this process has the state. */
  get lost(): ReadonlyMap<Key, number> {
    return this.#core.conflicts.lost;
  }

  /** Records from that number on, of those in memory; the engine has what is kept below `conflicts.recentFrom`. */
  recentConflicts(from: number): readonly NumberedRow[] {
    return this.#core.conflicts.recent(from);
  }

  get retention(): Retention {
    return this.#core.retained.retention;
  }

  /** One of the newest; undefined: the engine has it at `transactionRowKey`, if it is retained. */
  retained(origin: OriginId, sequence: number): Retained | undefined {
    return this.#core.retained.recent(origin, sequence);
  }

  /** The large transaction that is being staged, and how many of its bytes. */
  get staged(): { readonly dot: Dot; readonly bytes: number } | undefined {
    return this.#core.chunks.staged;
  }

  /** What the region does to take another's state in the place of its own, and to give it. */
  get rebirth(): RegionRebirth {
    return this.#rebirth;
  }

  /** Of all siblings that the key has: what a client hands back that has read them. */
  siblingContextOf(key: Key): Uint8Array {
    return encodeSiblingContext(this.recordOf(key).siblings.map(({ dot }) => dot));
  }

  /** Why this region mints nothing at all; undefined: it may. */
  get bar(): Refusal | undefined {
    return this.#local.bar;
  }

  /** At the retention bound: clients' federated writes are refused. */
  get isFull(): boolean {
    return this.#core.full;
  }

  holds(key: Key): boolean {
    return this.#core.rules.policyOf(key) !== undefined;
  }

  enter(occasion: FederationOccasion): void {
    this.#core.occasion = occasion;
  }

  put(request: PutRequest, value: Uint8Array): void {
    this.#local.put(request, value);
  }

  delete(key: Key, siblingContext: Uint8Array | undefined): void {
    this.#local.delete(key, siblingContext);
  }

  expire(key: Key, lease: LeaseId): void {
    this.#local.expire(key, lease);
  }

  barsExpiry(keys: Iterable<Key>): Refusal | undefined {
    return this.#local.barsExpiry(keys);
  }

  committed(): void {
    this.#core.leased.lookAtNoted();
  }

  get fault(): Refusal | undefined {
    return this.#local.fault;
  }

  commit(): void {
    if (this.#local.commit()) this.#head.moved();
  }

  rollback(): void {
    this.#local.rollback();
  }

  need(body: Uint8Array, rows: RowSet): void {
    const change = this.#changeIn(body);
    if ("change" in change) this.#changes.need(change, rows);
  }

  run(body: Uint8Array): FederationAnswer | Refusal {
    const change = this.#changeIn(body);
    this.#decoded = undefined;
    this.#head.moved();
    if (!("change" in change)) return change;
    if (change.change !== "configure") return this.#changes.run(change);
    try {
      const config = decodeConfig(change.document);
      const answer = this.#changes.configure(change, config);
      if (this.#core.config === config) this.#document = change.document.slice();
      return answer;
    } catch (error) {
      if (error instanceof ConfigError) return refusedText(`hansa: ${error.message}`);
      throw error;
    }
  }

  /** What cannot be read is refused, the same everywhere; it was checked before it was logged. */
  #changeIn(body: Uint8Array): FederationChange | Refusal {
    if (this.#decoded?.body !== body) this.#decoded = { body, change: readChange(body) };
    return this.#decoded.change;
  }

  beforeBatch(): void {
    this.#head.write();
  }

  flushed(upTo: LogIndex): void {
    this.#core.retained.flushed(upTo);
    this.#core.conflicts.flushed(upTo);
    this.#core.bootstrap.flushed(upTo);
  }

  restore(key: Uint8Array, value: Uint8Array): void {
    const core = this.#core;
    switch (regionRowOf(key)) {
      case "bootstrap":
        core.bootstrap.restore(value);
        break;
      case "chunk":
        core.chunks.restore(key, value);
        break;
      case "config":
        core.config = decodeConfig(value);
        core.rules = new PrefixRules(core.config);
        this.#document = value;
        break;
      case "head":
        this.#head.restore(value);
        break;
      case "key":
        core.records.restore(key, value);
        break;
      case "record":
        core.conflicts.restore(key, value);
        break;
      case "transaction":
        core.retained.restore(key, value);
        break;
      case "vector":
        core.restorePosition(originId(numberOfRowKey(key, 0)), decodeApplied(value));
        break;
    }
  }

  restored(): void {
    this.#core.records.restored();
    this.#core.leased.lookAtAll(undefined);
    this.#local.onOthersApplied();
  }

  disown(): void {
    const { self, disowned } = this.#core;
    if (self !== undefined) disowned.add(self.origin);
    this.#core.self = undefined;
    this.#core.drawn = [];
    this.#head.moved();
    this.#head.write();
  }

  get standing(): number {
    return this.#core.standing;
  }

  addTo(digest: Digest): void {
    this.#core.addTo(digest);
  }
}

function readChange(body: Uint8Array): FederationChange | Refusal {
  try {
    return decodeChange(body);
  } catch (error) {
    if (isChangeFlaw(error)) {
      return { kind: "refused", code: "invalid-argument", message: `hansa: ${error.message}` };
    }
    throw error;
  }
}
