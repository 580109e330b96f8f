// The state that a region's federation consists of, and the one step that changes it: a transaction, whoever minted it,
// applied to the keys it names and appended to its origin's stream (federation 2, 5, 6).
import { present } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { Digest } from "../store/index.ts";
import type { FederatedStore, FederationOccasion } from "../store/index.ts";
import { BootstrapStaging } from "./bootstrap-staging.ts";
import { chainNext, chainSeed } from "./chain.ts";
import type { Hash } from "./chain.ts";
import { closedOrigin, memberOf } from "./config-standing.ts";
import type { FederationConfig, Identity } from "./config.ts";
import { ConflictLog } from "./conflict-log.ts";
import { conflictOf } from "./conflict-record.ts";
import type { ConflictRecord } from "./conflict-record.ts";
import { sameDot, sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import { changeOf } from "./event-rule.ts";
import type { Change } from "./event-rule.ts";
import { HASH128_ZERO } from "./hash128.ts";
import type { Hash128 } from "./hash128.ts";
import { carried, hydrated, keptOf } from "./kept-record.ts";
import type { KeptRecord } from "./kept-record.ts";
import { KeptRecords } from "./kept-records.ts";
import { IdBlocks } from "./id-blocks.ts";
import type { KindName, KindState } from "./kind.ts";
import { emptyState, kindChangeOf, valueOfKind } from "./kind-rules.ts";
import type { FederationBug } from "./planted.ts";
import { encodeKindState } from "./kind-state-codec.ts";
import { LeasedKeys } from "./leased-keys.ts";
import { rulesWith } from "./made-view.ts";
import { PrefixRules } from "./prefix-rules.ts";
import { steppedRecord } from "./record-step.ts";
import type { RecordContent } from "./record-step.ts";
import { RegionClock } from "./region-clock.ts";
import { encodeMadeView } from "./made-view-codec.ts";
import { encodeApplied, vectorRowKey } from "./region-rows.ts";
import type { Applied } from "./region-rows.ts";
import { RetainedTransactions } from "./retained-transactions.ts";
import { isLive } from "./sibling.ts";
import { StagedChunks } from "./staged-chunks.ts";
import { isCounted, straysOf } from "./strays.ts";
import type { Stray } from "./strays.ts";
import type { Operation, Transaction } from "./transaction.ts";
import type { Vector } from "./vector.ts";
import { viewOf } from "./view.ts";

/** Under which a region mints. */
export interface Self {
  readonly origin: OriginId;
  readonly incarnation: Identity;
}

export class RegionCore {
  readonly store: FederatedStore;
  readonly planted: FederationBug | undefined;
  readonly records = new KeptRecords();
  readonly retained: RetainedTransactions;
  readonly conflicts: ConflictLog;
  readonly chunks: StagedChunks;
  readonly bootstrap: BootstrapStaging;
  readonly clock = new RegionClock();
  readonly leased = new LeasedKeys(this);
  readonly ids = new IdBlocks();
  /** Origins of which two histories were seen: nothing more of them is applied (federation 1). */
  readonly forked = new Set<OriginId>();
  /** Incarnations that this region's own log drew, the oldest first. */
  drawn: readonly Identity[] = [];
  /** Under which this state minted before it began another cluster (federation 1, trap 1). */
  readonly disowned = new Set<OriginId>();
  rules = new PrefixRules(undefined);
  config: FederationConfig | undefined;
  self: Self | undefined;
  /** At the retention bound (federation 10). */
  full = false;
  /** A running hash of all that was applied. */
  standing = 0;
  occasion: FederationOccasion | undefined;
  readonly hash: Hash;
  readonly #positions = new Map<OriginId, Applied>();
  /** Origins whose row is to be written with the next batch. */
  readonly #moved = new Set<OriginId>();
  #applied: Vector | undefined;
  #strays: { readonly config: FederationConfig; readonly all: readonly Stray[] } | undefined;

  constructor(store: FederatedStore, hash: Hash, planted: FederationBug | undefined) {
    this.store = store;
    this.planted = planted;
    this.hash = hash;
    this.retained = new RetainedTransactions(store.writes);
    this.conflicts = new ConflictLog(store.writes);
    this.chunks = new StagedChunks(store.writes, hash);
    this.bootstrap = new BootstrapStaging(store.writes, hash);
  }

  /** Under which it minted last: a region that was restored may not end its leases, and keeps them. */
  get lessor(): OriginId | undefined {
    return this.self?.origin ?? ascending(this.disowned).at(-1);
  }

  /** A value of its own: it does not move on. */
  get applied(): Vector {
    this.#applied ??= new Map(
      [...this.#positions].map(([origin, { sequence: at }]) => [origin, at] as const),
    );
    return this.#applied;
  }

  appliedOf(origin: OriginId): number {
    return this.#positions.get(origin)?.sequence ?? 0;
  }

  /** At what is applied of the origin; undefined: nobody has told of such an origin. */
  chainOf(origin: OriginId): Uint8Array | undefined {
    return this.#positions.get(origin)?.hash ?? this.seedOf(origin);
  }

  /** Of its chain; undefined: nobody has told of such an origin. */
  seedOf(origin: OriginId): Uint8Array | undefined {
    const incarnation = this.#incarnationOf(origin);
    return incarnation && chainSeed(this.hash, incarnation);
  }

  /** Of which this state has what nobody is to have. */
  get strays(): readonly Stray[] {
    const { config } = this;
    if (config === undefined) return [];
    // On the path of every federated write: looked for only where the document or a closed origin has moved.
    if (this.#strays?.config !== config) this.#strays = { config, all: straysOf(config, this) };
    return this.#strays.all;
  }

  /** Two histories of the origin were seen. */
  noteFork(origin: OriginId): void {
    if (!this.#hasAllOf(origin)) this.forked.add(origin);
  }

  /** Of a closed origin whose history is applied here as it counts, the other one does not matter any more. */
  settleForks(): void {
    for (const origin of [...this.forked]) {
      if (this.#hasAllOf(origin)) this.forked.delete(origin);
    }
  }

  #hasAllOf(origin: OriginId): boolean {
    const closed = this.config && closedOrigin(this.config, origin);
    if (closed === undefined || this.appliedOf(origin) !== closed.cut) return false;
    return isCounted(closed, this.chainOf(origin));
  }

  #incarnationOf(origin: OriginId): Identity | undefined {
    if (this.self?.origin === origin) return this.self.incarnation;
    if (this.config === undefined) return undefined;
    const known = memberOf(this.config, origin) ?? closedOrigin(this.config, origin);
    return known?.incarnation;
  }

  restorePosition(origin: OriginId, position: Applied): void {
    this.#place(origin, position);
  }

  #place(origin: OriginId, position: Applied | undefined): void {
    if (position === undefined) this.#positions.delete(origin);
    else this.#positions.set(origin, position);
    this.#applied = undefined;
    if (this.config === undefined || closedOrigin(this.config, origin) !== undefined) {
      this.#strays = undefined;
    }
  }

  get positions(): ReadonlyMap<OriginId, Applied> {
    return this.#positions;
  }

  /** Another state takes the place of this one: how far each origin is applied in it. */
  replacePositions(positions: ReadonlyMap<OriginId, Applied>): void {
    for (const origin of [...this.#positions.keys()]) {
      if (positions.has(origin)) continue;
      this.#place(origin, undefined);
      this.#moved.delete(origin);
      this.store.writes.delete(vectorRowKey(origin));
    }
    for (const [origin, position] of positions) {
      this.#place(origin, position);
      this.#moved.add(origin);
    }
  }

  /** What a client sees of the key by the rules in force; `record` with the values of its siblings. */
  shownOf(key: Key, record: KeptRecord, rules: PrefixRules = this.rules): Uint8Array | undefined {
    const kind = rules.policyOf(key)?.kind;
    if (kind !== undefined) return valueOfKind(stateOf(record, kind));
    return viewOf(rulesWith(rules.viewOf(key), record.made), key, record.siblings)?.value;
  }

  /** With the values of its siblings. What is left to the version was asked for in `need`. */
  loaded(key: Key, record: KeptRecord): KeptRecord {
    const siblings = hydrated(record.siblings, () =>
      present(this.shownValue(key), "a value that is left to a version"),
    );
    return { ...record, siblings };
  }

  shownValue(key: Key): Uint8Array | undefined {
    const version = this.store.visible(key);
    return version && this.store.valueOf(version, this.during.rows);
  }

  /** One operation of a transaction that no client of this region waits for, in the open revision. */
  step(transaction: Transaction, operation: Operation): void {
    const { key } = operation;
    const kept = this.records.of(key);
    // Where all of it ends no value is looked at: whoever ends a lease has none at hand.
    const before = endsAll(operation, kept) ? kept : this.loaded(key, kept);
    const after = carried(before, steppedRecord(before, transaction, operation, this.planted));
    const shown = this.shownOf(key, after);
    const change = this.#changeOf(key, before, after);
    const lease = this.leased.ofShown(after, shown);
    const isMoved = shown !== undefined && this.store.visible(key)?.lease !== lease;
    if (change !== "none" || isMoved) this.store.show(key, shown, lease);
    this.records.set(key, keptOf(key, after, shown));
  }

  /** What the key shows of `record`, on the lease that it hangs on here. */
  show(key: Key, record: RecordContent, shown: Uint8Array | undefined): void {
    this.store.show(key, shown, this.leased.ofShown(record, shown));
  }

  #changeOf(key: Key, before: KeptRecord, after: KeptRecord): Change {
    const kind = this.rules.policyOf(key)?.kind;
    if (kind !== undefined && this.records.has(key)) {
      return kindChangeOf(stateOf(before, kind), stateOf(after, kind));
    }
    const { policy } = this.rules.viewOf(key);
    // What is shown of a key without a record is what was there before it was federated.
    const isKept = this.records.has(key);
    const shownBefore = isKept ? this.shownOf(key, before) : this.shownValue(key);
    const shownAfter = this.shownOf(key, after);
    return changeOf(
      policy,
      { siblings: before.siblings, ...(shownBefore && { value: shownBefore }) },
      { siblings: after.siblings, ...(shownAfter && { value: shownAfter }) },
      { local: false, ...(this.planted && { planted: this.planted }) },
    );
  }

  /** Its operations are done: it is the next of its origin's stream. */
  append(transaction: Transaction, bytes: Uint8Array, chain: Uint8Array): void {
    const { origin, hlc, operations } = transaction;
    const hash = chainNext(this.hash, chain, bytes);
    this.#place(origin, { sequence: transaction.sequence, hash });
    this.#moved.add(origin);
    this.retained.add(transaction, { hash, bytes }, this.during.index);
    if (this.forked.size > 0) this.settleForks();
    for (const operation of operations) {
      const record = conflictOf(transaction, operation);
      if (record !== undefined) this.#recorded(record);
      this.leased.note(operation.key);
    }
    this.records.commit(this.store.writes);
    this.clock.saw(hlc);
    this.note(new Digest().restart(this.standing).bytes(hash));
  }

  #recorded(record: ConflictRecord): void {
    this.conflicts.add(record, this.during.index, this.rules.policyOf(record.key)?.prefix);
  }

  /** Goes on with the running hash. */
  note(digest: Digest): void {
    this.standing = digest.value();
  }

  get during(): FederationOccasion {
    return present(this.occasion, "the entry that is being applied");
  }

  /** The number of this region's next transaction. */
  nextOf({ origin }: Self): Sequence {
    return sequence(this.appliedOf(origin) + 1);
  }

  /** Rows of the origins that moved since the last batch. */
  writePositions(): void {
    for (const origin of this.#moved) {
      const position = this.#positions.get(origin);
      if (position !== undefined) {
        this.store.writes.put(vectorRowKey(origin), encodeApplied(position));
      }
    }
    this.#moved.clear();
  }

  /** Everything that decides a later answer. */
  addTo(digest: Digest): void {
    digest.flag(this.self !== undefined).count(this.self?.origin ?? 0);
    digest
      .count(this.config?.epoch ?? 0)
      .flag(this.full)
      .wide(this.clock.last);
    digest.count(this.clock.anchor.wallMs).count(this.clock.anchor.atMs);
    const positions = [...this.#positions].sort(([left], [right]) => left - right);
    for (const [origin, { sequence: at, hash }] of positions) {
      digest.count(origin).count(at).bytes(hash);
    }
    digest.count(this.conflicts.first).count(this.conflicts.next).count(this.standing);
    digest.count(this.ids.next);
    digest.count(this.chunks.staged?.bytes ?? 0).count(this.records.size);
    digest.count(this.bootstrap.staged?.bytes ?? 0).count(this.drawn.length);
    const { retention } = this.retained;
    for (const origins of [this.forked, this.disowned, retention.aside]) {
      digest.count(origins.size);
      for (const origin of ascending(origins)) digest.count(origin);
    }
    for (const key of this.records.keys()) addRecord(digest, key, this.records.of(key));
    addHash(digest, this.records.tree?.root ?? HASH128_ZERO);
  }
}

export function ascending(origins: ReadonlySet<OriginId>): readonly OriginId[] {
  return [...origins].sort((left, right) => left - right);
}

/** Of a key in a prefix of that kind. */
export function stateOf({ kinds }: KeptRecord, kind: KindName): KindState {
  return kinds.find((state) => state.kind === kind) ?? emptyState(kind);
}

function endsAll(operation: Operation, { siblings }: KeptRecord): boolean {
  if (operation.action !== "expire") return false;
  return siblings.every((one) => operation.dots.some((dot) => sameDot(dot, one.dot)));
}

function addRecord(digest: Digest, key: Key, record: KeptRecord): void {
  const { siblings, kinds, made, digest: kept } = record;
  digest.text(key).count(siblings.length).count(kinds.length);
  for (const sibling of siblings) {
    const { dot, hlc, epoch, value } = sibling;
    digest.count(dot.origin).count(dot.sequence).wide(hlc).count(epoch).flag(isLive(sibling));
    if (value !== undefined) digest.bytes(value);
  }
  for (const state of kinds) digest.bytes(encodeKindState(state));
  if (made !== undefined) digest.bytes(encodeMadeView(made));
  addHash(digest, kept?.hash ?? HASH128_ZERO);
}

function addHash(digest: Digest, hash: Hash128): void {
  for (const word of hash) digest.count(word);
}
