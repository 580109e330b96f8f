// The changes that a region's log asks of its federation, one by one (federation 4 to 11). Each is judged where it is
// applied, on the state of that moment, so that a leader may propose it again without knowing what became of it.
import { unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { Digest } from "../store/index.ts";
import type { FederationAnswer, Refusal, RowSet } from "../store/index.ts";
import type { BootstrapChange } from "./bootstrap-change-codec.ts";
import { isBootstrapChange, needBootstrapChange, runBootstrapChange } from "./bootstrap-changes.ts";
import type { FederationChange } from "./change.ts";
import type { FederationConfig } from "./config.ts";
import { judge } from "./delivery.ts";
import type { DeliveryState } from "./delivery.ts";
import { dotText, sameDot } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import { NO_RECORD } from "./kept-record.ts";
import { refusedText } from "./local-writes.ts";
import type { LocalWrites } from "./local-writes.ts";
import { OTHER_SIBLINGS, showMade } from "./made-showing.ts";
import { openSettlements } from "./open-settlements.ts";
import { expanded, repeat } from "./planted-acts.ts";
import { purged } from "./purge.ts";
import { adoptConfig, adoptSelf, keysOfNews } from "./reconfiguration.ts";
import { needRepair, repairRecord } from "./record-repair.ts";
import type { RegionCore } from "./region-core.ts";
import { mayDrop, resolutionOf } from "./settlement.ts";
import type { Shipped } from "./transaction-codec.ts";
import type { Operation } from "./transaction.ts";
import { shared } from "./vector.ts";

/** Of one entry: keys that are purged, re-issued or let go. */
const PURGED_MAX = 4096;
const REISSUED_MAX = 256;
const REISSUED_BYTES_MAX = 1024 * 1024;
const RELEASED_MAX = 4096;

type Change<Name extends FederationChange["change"]> = Extract<
  FederationChange,
  { readonly change: Name }
>;
/** What is not told is none. */
type Counts = Partial<FederationAnswer>;

export class RegionChanges {
  readonly #core: RegionCore;
  readonly #local: LocalWrites;

  constructor(core: RegionCore, local: LocalWrites) {
    this.#core = core;
    this.#local = local;
  }

  /** Names the versions whose values `run` compares or keeps. */
  need(change: FederationChange, rows: RowSet): void {
    const { store } = this.#core;
    const want = (key: Key): void => {
      const version = store.visible(key);
      if (version !== undefined) rows.want(version);
    };
    if (change.change === "apply" || change.change === "apply-staged") {
      for (const { transaction } of this.#shippedIn(change)) {
        if (transaction.sequence <= this.#core.appliedOf(transaction.origin)) continue;
        for (const { key } of transaction.operations) want(key);
      }
    } else if (change.change === "import") {
      for (const key of this.#residents(change)) want(key);
    } else if (change.change === "configure") {
      for (const key of keysOfNews(this.#core, change.document)) want(key);
    } else if (change.change === "repair") {
      needRepair(this.#core, change, rows);
    } else if (isBootstrapChange(change)) {
      needBootstrapChange(this.#core, change, rows);
    }
  }

  run(change: FederationChange): FederationAnswer | Refusal {
    const mintedBefore = this.#local.minted;
    const counts = this.#run(change);
    if ("kind" in counts) return counts;
    const minted = this.#local.minted - mintedBefore;
    const { self } = this.#core;
    const own = self === undefined ? 0 : this.#core.appliedOf(self.origin);
    const none = { applied: 0, duplicates: 0, held: 0, more: false };
    return { ...none, ...counts, minted, own };
  }

  #run(change: FederationChange): Counts | Refusal {
    switch (change.change) {
      case "apply":
      case "apply-staged":
        return this.#apply(change);
      case "stage":
        return this.#stage(change);
      case "anchor":
        this.#core.clock.anchorAt({ wallMs: change.wallMs, atMs: this.#core.during.now });
        return {};
      case "collect":
        return this.#collect(change);
      case "settle":
        return this.#settle(change);
      case "resolve":
        return this.#resolve(change);
      case "show":
        return showMade(this.#core, change);
      case "operate":
        return this.#minting(() => {
          for (const { key, asked } of change.operations) this.#local.operate(key, asked);
        });
      case "import":
        return this.#import(change);
      case "release":
        return this.#release(change);
      case "mark":
        return this.#inEpoch(change.epoch) ?? this.#minting(() => this.#local.mark());
      case "repair":
        return repairRecord(this.#core, change) ?? {};
      case "forked":
        this.#core.noteFork(change.origin);
        return {};
      case "rolled-back":
        if (this.#core.appliedOf(change.origin) < change.sequence) {
          this.#core.noteFork(change.origin);
        }
        return {};
      case "allocate":
        return this.#allocate(change);
      case "bootstrap":
      case "install":
      case "unstage":
      case "draw":
      case "discard":
        return this.#bootstrap(change);
      case "configure":
        return {};
      default:
        return unreachable(change);
    }
  }

  /** `config`: what the change's document says. */
  configure(change: Change<"configure">, config: FederationConfig): FederationAnswer | Refusal {
    const core = this.#core;
    const { federationId, epoch } = core.config ?? config;
    if (config.federationId !== federationId) {
      const text = `a document of federation ${config.federationId}, expected ${federationId}`;
      return refusedText(`hansa: ${text}`);
    }
    if (!core.clock.isAnchored) {
      core.clock.anchorAt({ wallMs: change.wallMs, atMs: core.during.now });
    }
    if (core.config === undefined || config.epoch > epoch) {
      adoptConfig(core, config, change.document);
      core.settleForks();
      core.note(new Digest().restart(core.standing).count(config.epoch));
    }
    if (change.self !== undefined && adoptSelf(core, change.self)) this.#local.onOthersApplied();
    core.leased.lookAtAll(core.during.now);
    return this.run(change);
  }

  /** What `judge` asks of a region; undefined: it is in no federation. */
  get delivery(): DeliveryState | undefined {
    const { applied, config, self, forked } = this.#core;
    if (config === undefined) return undefined;
    const chainOf = (origin: OriginId): Uint8Array | undefined => this.#core.chainOf(origin);
    return { applied, config, self: self?.origin, forked, chainOf };
  }

  /** Of one that is staged: it, or nothing. */
  #shippedIn(change: Change<"apply" | "apply-staged">): readonly Shipped[] {
    if (change.change === "apply") return change.transactions;
    const whole = this.#core.chunks.whole(change.dot);
    return whole === undefined ? [] : [whole];
  }

  #bootstrap(change: BootstrapChange): Counts | Refusal {
    const result = runBootstrapChange(this.#core, change);
    this.#local.onOthersApplied();
    return result;
  }

  #stage({ chunk }: Change<"stage">): Counts | Refusal {
    const { outcome } = this.#core.chunks.stage(chunk);
    if (outcome === "kept" || outcome === "duplicate") return {};
    return refusedText(`hansa: a chunk of ${dotText(chunk.dot)} at ${chunk.offset} is ${outcome}`);
  }

  #apply(change: Change<"apply" | "apply-staged">): Counts | Refusal {
    if (this.#core.config === undefined) return NO_FEDERATION;
    const transactions = this.#shippedIn(change);
    if (change.change === "apply-staged" && transactions.length === 0) return { held: 1 };
    let applied = 0;
    let duplicates = 0;
    for (const shipped of transactions) {
      const verdict = this.#applyOne(shipped);
      if (verdict === "apply") applied += 1;
      else if (verdict === "duplicate") duplicates += 1;
    }
    const held = transactions.length - applied - duplicates;
    if (change.change === "apply-staged" && held === 0) this.#core.chunks.clear();
    return { applied, duplicates, held };
  }

  /** Tested again here, whoever proposed it: exactly once (federation 4). */
  #applyOne(shipped: Shipped): ReturnType<typeof judge>["verdict"] {
    const core = this.#core;
    const { transaction, bytes } = shipped;
    const { origin, operations } = transaction;
    const { delivery } = this;
    const chain = core.chainOf(origin);
    if (delivery === undefined || chain === undefined) return "unknown-origin";
    const filtered = core.planted === "blind-own-origin-filter" && core.disowned.has(origin);
    if (filtered) return "duplicate";
    const { verdict } = judge(delivery, shipped, core.planted);
    if (verdict === "forked" || verdict === "rolled-back") core.noteFork(origin);
    if (verdict === "duplicate" && core.planted !== undefined) repeat(core, transaction);
    if (verdict !== "apply") return verdict;
    this.#reissueBefore(operations);
    core.store.begin();
    const all = core.planted === undefined ? operations : expanded(core, operations);
    for (const operation of all) {
      core.step(transaction, operation);
      if (core.planted === "txn-torn") {
        core.store.commit();
        core.store.begin();
      }
    }
    core.append(transaction, bytes, chain);
    core.store.commit();
    this.#local.onOthersApplied();
    return verdict;
  }

  /** A key that is there without a dot would be overwritten by a write that never saw it: it gets one first. */
  #reissueBefore(operations: readonly Operation[]): void {
    const keys = operations.map(({ key }) => key).filter((key) => this.#isResident(key));
    if (keys.length > 0 && this.#local.bar === undefined) this.#reissue(keys, Infinity);
  }

  #isResident(key: Key): boolean {
    const { records, rules, store } = this.#core;
    const policy = rules.policyOf(key);
    if (policy === undefined || policy.kind !== undefined || records.has(key)) return false;
    return store.visible(key) !== undefined;
  }

  /** Under one dot, up to about `bytesMax` bytes. Returns the last key that it looked at. */
  #reissue(keys: readonly Key[], bytesMax: number): Key | undefined {
    const { store } = this.#core;
    let last: Key | undefined;
    let bytes = 0;
    store.begin();
    for (const key of keys) {
      last = key;
      const value = this.#isResident(key) ? this.#core.shownValue(key) : undefined;
      if (value === undefined) continue;
      this.#local.reissue(key, value);
      bytes += key.length + value.length;
      if (bytes >= bytesMax) break;
    }
    store.commit();
    return last;
  }

  #residents({ prefix, after }: Change<"import">): readonly Key[] {
    const keys = this.#core.store.keysUnder(prefix, after, REISSUED_MAX);
    return keys.filter((key) => this.#isResident(key));
  }

  #import(change: Change<"import">): Counts | Refusal {
    const { bar } = this.#local;
    if (bar !== undefined) return bar;
    const looked = this.#core.store.keysUnder(change.prefix, change.after, REISSUED_MAX);
    const last = this.#reissue(looked, REISSUED_BYTES_MAX);
    if (last === undefined) return {};
    const isAll = looked.length < REISSUED_MAX && last === looked.at(-1);
    return isAll ? {} : { more: true, after: last };
  }

  #collect({ epoch, cut, through, full }: Change<"collect">): Counts | Refusal {
    const fault = this.#inEpoch(epoch);
    if (fault !== undefined) return fault;
    const { records, retained, applied, forked, store, planted } = this.#core;
    const stable = shared(cut, applied);
    const keys = planted === undefined ? records.buriedWithin(stable, PURGED_MAX) : records.keys();
    for (const key of keys) {
      const record = records.of(key);
      const siblings = purged(record.siblings, stable, planted);
      if (siblings !== record.siblings) records.set(key, { ...record, siblings });
    }
    records.commit(store.writes);
    this.#core.full = full;
    // Of two histories this one may be the only copy, whatever others report of the numbers.
    const dropped = [...shared(through, applied)].filter(([origin]) => !forked.has(origin));
    const leavesRows = retained.drop(new Map(dropped));
    return { more: leavesRows || keys.length === PURGED_MAX };
  }

  #settle({ epoch, stable, keys }: Change<"settle">): Counts | Refusal {
    const fault = this.#inEpoch(epoch);
    if (fault !== undefined) return fault;
    if (this.#core.self === undefined) return NO_FEDERATION;
    return this.#minting(() => {
      const operations = openSettlements(this.#core, stable, keys);
      for (const operation of operations) this.#local.decide(operation);
    });
  }

  #resolve({ epoch, stable, key, dots, resolution }: Change<"resolve">): Counts | Refusal {
    const fault = this.#inEpoch(epoch);
    if (fault !== undefined) return fault;
    const { applied, planted, records } = this.#core;
    const { siblings } = records.of(key);
    const isAsSeen =
      siblings.length === dots.length &&
      siblings.every(({ dot }) => dots.some((seen) => sameDot(seen, dot)));
    if (!isAsSeen || siblings.length < 2) return OTHER_SIBLINGS;
    const operation = resolutionOf(key, siblings, resolution);
    if (operation === undefined) return {};
    if (!mayDrop(operation, siblings, shared(stable, applied), planted)) return NOT_EVERYWHERE;
    return this.#minting(() => this.#local.decide(operation));
  }

  /** Under the region's own origin, which nobody else ever has; frozen or not. */
  #allocate({ count }: Change<"allocate">): Counts | Refusal {
    const { self, clock, during, ids, forked } = this.#core;
    if (self === undefined || !clock.isAnchored) return NO_FEDERATION;
    if (forked.has(self.origin)) {
      return refusedText(`hansa: origin ${self.origin} has two histories, of which this is one`);
    }
    const block = ids.take(self.origin, clock.wallMs(during.now), count);
    if ("refused" in block) return refusedText(`hansa: ${block.refused}`);
    return { firstId: block.first };
  }

  #release({ prefix, after }: Change<"release">): Counts | Refusal {
    const { records, rules, store } = this.#core;
    const policy = rules.policyOf(prefix);
    if (policy?.progress.stage !== "closed" || policy.prefix !== prefix) {
      return refusedText("hansa: only what is kept of a closed prefix is let go");
    }
    const under = records
      .keys()
      .filter((key) => rules.policyOf(key) === policy && (after === undefined || key > after));
    const keys = under.slice(0, RELEASED_MAX);
    for (const key of keys) {
      records.set(key, NO_RECORD);
      this.#core.leased.note(key);
    }
    this.#core.leased.lookAtNoted();
    records.commit(store.writes);
    const last = keys.at(-1);
    return last !== undefined && keys.length < under.length ? { more: true, after: last } : {};
  }

  /** All of it under one dot, or nothing. */
  #minting(write: () => void): Counts | Refusal {
    const { store } = this.#core;
    const { bar } = this.#local;
    if (bar !== undefined) return bar;
    store.begin();
    write();
    const { fault } = this.#local;
    if (fault === undefined) store.commit();
    else store.rollback();
    return fault ?? {};
  }

  #inEpoch(epoch: number): Refusal | undefined {
    const { config } = this.#core;
    if (config === undefined) return NO_FEDERATION;
    if (config.epoch === epoch) return undefined;
    return refusedText(`hansa: of epoch ${epoch}, expected the one in force, ${config.epoch}`);
  }
}

const NOT_EVERYWHERE = refusedText("hansa: not every region has the siblings that are let go");
const NO_FEDERATION = refusedText("hansa: this region is in no federation");
