// Federated keys that hang on leases of this region (federation 15). A lease belongs to the dot of the put that named it,
// and who owns that dot alone ends it: the region that minted it; once its origin is closed, the region as it goes on;
// once that is parted, the lowest live one, which gives it its whole time again.
import { bytesOf } from "../base/index.ts";
import type { Key, LeaseId, LogTimeMs } from "../base/index.ts";
import { NO_LEASE } from "../store/index.ts";
import type { FederatedStore, FederationOccasion } from "../store/index.ts";
import { closedOrigin, memberNamed, memberOf, standingOf } from "./config-standing.ts";
import type { FederationConfig } from "./config.ts";
import { compareDots } from "./dot.ts";
import type { Dot, OriginId } from "./dot.ts";
import { hash128 } from "./hash128.ts";
import type { RecordContent } from "./record-step.ts";
import type { KeptRecords } from "./kept-records.ts";
import type { FederationBug } from "./planted.ts";
import type { PrefixRules } from "./prefix-rules.ts";
import type { Sibling } from "./sibling.ts";

/** Adopted leases have positive ids of 63 bits, as those that clients are given. */
const LEASE_MASK = 2n ** 63n - 1n;

/** The region's state, as of the moment of each call. */
interface LeasingState {
  readonly store: FederatedStore;
  readonly records: KeptRecords;
  readonly rules: PrefixRules;
  readonly config: FederationConfig | undefined;
  /** Under which its leases are held; undefined: it never had an origin. */
  readonly lessor: OriginId | undefined;
  readonly planted: FederationBug | undefined;
  /** The entry that is being applied. */
  readonly during: FederationOccasion;
}

interface Held {
  readonly lease: LeaseId;
  readonly dot: Dot;
}

export class LeasedKeys {
  readonly #core: LeasingState;
  /** By key, what it hangs on by its siblings' word. */
  readonly #held = new Map<Key, readonly Held[]>();
  readonly #noted = new Set<Key>();

  constructor(core: LeasingState) {
    this.#core = core;
  }

  /** The lease of this region that the sibling ends with; NO_LEASE: it has none, or is not this region's to end. */
  leaseOf({ dot, lifetime }: Sibling): LeaseId {
    const { store, config, lessor, planted } = this.#core;
    if (lifetime === undefined || config === undefined || lessor === undefined) return NO_LEASE;
    const isEverywhere = planted === "ttl-expired-everywhere";
    if (!isEverywhere && ownerOf(config, dot.origin) !== lessor) return NO_LEASE;
    if (dot.origin === lessor) return lifetime.lease;
    const adopted = adoptedLease(dot.origin, lifetime.lease);
    const isKept =
      isOfMember(config, dot.origin, lessor) &&
      store.leases.get(adopted) === undefined &&
      store.leases.get(lifetime.lease) !== undefined;
    return isKept ? lifetime.lease : adopted;
  }

  /** `now` undefined: as it was before a restart. */
  #look(key: Key, now: LogTimeMs | undefined): void {
    const { records, rules, store } = this.#core;
    const { siblings } = rules.policyOf(key) === undefined ? { siblings: [] } : records.of(key);
    const before = this.#held.get(key) ?? [];
    const after = siblings.flatMap((one): readonly Held[] => {
      const lease = this.leaseOf(one);
      if (lease === NO_LEASE || one.lifetime === undefined) return [];
      if (now !== undefined && store.leases.get(lease) === undefined) {
        store.leases.grant(lease, one.lifetime.ttlMs, now);
      }
      return [{ lease, dot: one.dot }];
    });
    const shown = store.visible(key)?.lease ?? NO_LEASE;
    for (const { lease } of before) {
      const isKept = lease === shown || after.some((one) => one.lease === lease);
      if (!isKept) store.leases.move(key, lease, NO_LEASE);
    }
    for (const { lease } of after) store.leases.move(key, NO_LEASE, lease);
    if (after.length > 0) this.#held.set(key, after);
    else this.#held.delete(key);
  }

  /** Of the key, the dots that end with the lease. */
  endingWith(key: Key, lease: LeaseId): readonly Dot[] {
    const ending = (this.#held.get(key) ?? []).filter((held) => held.lease === lease);
    return ending.map(({ dot }) => dot).sort(compareDots);
  }

  /** Whether a lease of this region ends something of it. */
  holds(key: Key): boolean {
    return this.#held.has(key);
  }

  /** Its record has changed in the open revision: most keys have nothing to do with leases. */
  note(key: Key): void {
    if (this.#held.has(key) || this.#core.records.isLeased(key)) this.#noted.add(key);
  }

  /** The open revision has ended, and its versions are on their leases. */
  lookAtNoted(): void {
    if (this.#noted.size === 0) return;
    for (const key of this.#noted) this.#look(key, this.#core.during.now);
    this.#noted.clear();
  }

  /** Other regions own what they did not before, or all records are others. `now` undefined: after a restart. */
  lookAtAll(now: LogTimeMs | undefined): void {
    const keys = new Set([...this.#held.keys(), ...this.#core.records.leased()]);
    for (const key of [...keys].sort()) this.#look(key, now);
  }

  /** Of what the key shows: the lease that it hangs on here. */
  ofShown({ siblings }: RecordContent, shown: Uint8Array | undefined): LeaseId {
    const winner = siblings.find((one) => one.lifetime !== undefined && one.value === shown);
    return winner === undefined ? NO_LEASE : this.leaseOf(winner);
  }
}

/** Undefined: nobody, while no region is live. */
function ownerOf(config: FederationConfig, origin: OriginId): OriginId | undefined {
  if (memberOf(config, origin) !== undefined) return origin;
  const region = closedOrigin(config, origin)?.region;
  const heir = region === undefined ? undefined : memberNamed(config, region);
  if (heir !== undefined) return heir.origin;
  const live = config.members.filter(({ name }) => standingOf(config, name) === "live");
  return live.map((member) => member.origin).sort((left, right) => left - right)[0];
}

/** Whether the closed origin is the member's own, from before it was reincarnated. */
function isOfMember(config: FederationConfig, origin: OriginId, member: OriginId): boolean {
  return closedOrigin(config, origin)?.region === memberOf(config, member)?.name;
}

/** The same of every dot that hung on that lease of that origin. */
function adoptedLease(origin: OriginId, lease: LeaseId): LeaseId {
  const [high, low] = hash128(bytesOf(`${origin} ${lease}` as Key));
  const id = ((BigInt(high) << 32n) | BigInt(low)) & LEASE_MASK;
  return (id === 0n ? 1n : id) as LeaseId;
}
