// Leased homes as a region's leader holds and inherits them (federation 12). A lease is one of the directory group's
// own, with a key beside the document: while that key is there, nobody takes the home over. Whoever takes it changes
// the document in the same transaction that finds the key to be gone.
import { bytesOf } from "../base/index.ts";
import type { Key, MonotonicMs } from "../base/index.ts";
import { op, textFrom, when } from "../client/index.ts";
import type { Client, KeptLease } from "../client/index.ts";
import { HeldHome, countOf, hasAllLeftBy, memberNamed, toldEnough } from "../federation/index.ts";
import type { FederationConfig, Home, OriginId, Report } from "../federation/index.ts";
import { Chores, lookEvery } from "./chores.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { FederationDirectory } from "./federation-directory.ts";
import type { Clock, Journal } from "./ports.ts";

/** Of its group: leases, and keys that hang on them. */
interface LeasingClient extends Pick<Client, "get" | "range"> {
  readonly leases: Pick<Client["leases"], "grant" | "keepAlive" | "revoke" | "state">;
}

export interface FederationHomeLeasesInit {
  readonly directory: Pick<FederationDirectory, "change" | "changeBeside"> & {
    readonly client: LeasingClient;
  };
  readonly state: FederatedRegion;
  readonly region: string;
  readonly leads: () => boolean;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly clockDriftMax: number;
  /** Asks every region what it has, by whatever way; `done` for each that answers. */
  readonly ask: (done: (report: Report) => void) => void;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
}

const LOOK_EVERY_MS = 500;
const CALL_MS = 5_000;
/** From finding a lease to have ended: its home may just be slow, and comes first; then each heir after the other. */
const GRACE_MS = 2_000;

interface Holding {
  /** The home's, for which it is held. */
  readonly epoch: number;
  readonly held: HeldHome;
  readonly kept: KeptLease;
}

interface Inheriting {
  readonly epoch: number;
  readonly sinceMs: MonotonicMs;
  /** What each region that was heard of since has of the old home's transactions. */
  readonly heard: Map<OriginId, number>;
}

export class FederationHomeLeases {
  readonly #init: FederationHomeLeasesInit;
  readonly #holdings = new Map<Key, Holding>();
  readonly #inheriting = new Map<Key, Inheriting>();
  /** One thing at a time for each home. */
  readonly #chores: Chores<Key>;

  constructor(init: FederationHomeLeasesInit) {
    this.#init = init;
    const { journal, onBug } = init;
    this.#chores = new Chores({
      onRefused: (prefix, reason) => {
        journal.warn("a leased home is not seen to", { prefix, reason });
      },
      onBug,
    });
  }

  /** @returns the way to end it: what is held runs out by itself, or goes on under the next leader. */
  follow(): () => void {
    const unlook = lookEvery(LOOK_EVERY_MS, () => this.look());
    return () => {
      unlook();
      this.#rest();
    };
  }

  /** Undefined: this member does not hold it. */
  heldOf({ prefix, epoch }: Home): HeldHome | undefined {
    const holding = this.#holdings.get(prefix);
    return holding?.epoch === epoch ? holding.held : undefined;
  }

  /** A region without an origin, restored or wiped, takes no write: it holds no home that an heir could have. */
  look(): void {
    const { leads, state, region } = this.#init;
    if (!leads() || state.self === undefined) {
      this.#rest();
      return;
    }
    const leased = state.config.homes.filter(({ lease }) => lease !== undefined);
    const own = new Set(leased.filter((home) => home.region === region).map(holdingName));
    for (const [prefix, { epoch }] of [...this.#holdings]) {
      if (!own.has(holdingName({ prefix, epoch })))
        this.#chores.run(prefix, () => this.#giveUp(prefix));
    }
    for (const home of leased) {
      if (home.region === region) this.#chores.run(home.prefix, () => this.#hold(home));
    }
    const others = leased.filter((home) => home.region !== region);
    const inherited = others.filter(({ lease }) => lease?.heirs.includes(region));
    if (inherited.length > 0) this.#chores.run(ALL_INHERITED, () => this.#inherit(inherited));
  }

  /** A follower holds nothing; the lease stays for whoever leads next. */
  #rest(): void {
    for (const prefix of [...this.#holdings.keys()]) this.#drop(prefix);
    this.#inheriting.clear();
  }

  #drop(prefix: Key): void {
    const holding = this.#holdings.get(prefix);
    this.#holdings.delete(prefix);
    holding?.held.lost();
    holding?.kept.stop();
  }

  /** The home has moved, or is leased no more: the next one need not wait for the end of the lease. */
  async #giveUp(prefix: Key): Promise<void> {
    const id = this.#holdings.get(prefix)?.kept.id;
    this.#drop(prefix);
    if (id !== undefined) await this.#init.directory.client.leases.revoke(id, options());
  }

  async #hold(home: Home): Promise<void> {
    const { directory, state } = this.#init;
    this.#inheriting.delete(home.prefix);
    if (this.heldOf(home) !== undefined || home.lease === undefined) return;
    const { client } = directory;
    const { kv } = await client.get(leaseKeyOf(home), options());
    if (kv !== undefined) {
      // Of a leader before this one, or of a region that has lost the home: that one ends first.
      if (textFrom(kv.value) === String(state.self)) await this.#keep(home, kv.lease);
      return;
    }
    const { id } = await client.leases.grant(home.lease.ttlS, options());
    const isHeld = await directory.changeBeside(
      {
        isFor: (config) => isStill(config, home),
        if: [when.missing(leaseKeyOf(home))],
        then: () => this.#taking(home, home.epoch, id),
      },
      options(),
    );
    if (isHeld) await this.#keep(home, id);
    else await client.leases.revoke(id, options());
  }

  /** It is held once the directory has answered a renewal. */
  async #keep(home: Home, id: bigint): Promise<void> {
    const { directory, clock, clockDriftMax, journal } = this.#init;
    const { grantedTtlS: ttlS } = await directory.client.leases.state(id, options());
    const kept = directory.client.leases.keepAlive({ id, ttlS });
    const held = new HeldHome({ clockDriftMax });
    kept.onRenewed = (renewedS) => {
      const ttlMs = renewedS * 1000;
      const sinceMs = ttlMs - kept.standsMs;
      held.renewed((clock.monotonicMs() - sinceMs) as MonotonicMs, ttlMs);
    };
    const { prefix, epoch } = home;
    const holding = { epoch, held, kept };
    this.#holdings.set(prefix, holding);
    journal.info("a home is held by lease", { prefix, epoch, ttlS });
    kept.lost
      .then(({ reason }) => {
        if (this.#holdings.get(prefix) !== holding) return;
        this.#drop(prefix);
        journal.warn("a home's lease is lost", { prefix, epoch, reason });
      })
      .catch(this.#init.onBug);
  }

  /** An heir looks at all at once which are held. */
  async #inherit(homes: readonly Home[]): Promise<void> {
    const { kvs } = await this.#init.directory.client.range({ prefix: LEASES }, options());
    const held = new Set(kvs.map((kv) => kv.keyText()));
    for (const home of homes) {
      if (held.has(leaseKeyOf(home))) this.#inheriting.delete(home.prefix);
      else await this.#inheritOne(home);
    }
  }

  /** Once the lease has ended, and enough regions have said what they have of the old home. */
  async #inheritOne(home: Home): Promise<void> {
    const { clock, ask, state } = this.#init;
    const { prefix, lease, epoch } = home;
    if (lease === undefined) return;
    const known = this.#inheriting.get(prefix);
    const now = clock.monotonicMs();
    const inheriting =
      known?.epoch === epoch ? known : { epoch, sinceMs: now, heard: new Map<OriginId, number>() };
    this.#inheriting.set(prefix, inheriting);
    const { self, config } = state;
    const old = memberNamed(config, home.region)?.origin;
    if (self === undefined) return;
    ask(({ origin, vector }) => {
      if (origin !== old)
        inheriting.heard.set(origin, old === undefined ? 0 : countOf(vector, old));
    });
    const rank = lease.heirs.filter((heir) => heir !== home.region).indexOf(this.#init.region);
    if (now - inheriting.sinceMs < GRACE_MS * (1 + rank)) return;
    const heard = new Set([self, ...inheriting.heard.keys()]);
    if (!toldEnough(config, prefix, lease.writeRegions, heard)) return;
    // Of a region that is parted its cut says more than anybody's word.
    if (old === undefined && !hasAllLeftBy(home.region, config, state.applied)) return;
    const applied = old === undefined ? 0 : countOf(state.applied, old);
    if ([...inheriting.heard.values()].every((count) => count <= applied)) await this.#take(home);
  }

  async #take(home: Home): Promise<void> {
    const { directory, state, region, journal } = this.#init;
    const { prefix, lease, epoch } = home;
    if (lease === undefined) return;
    const { client } = directory;
    const { id } = await client.leases.grant(lease.ttlS, options());
    const command = { command: "home-taken", prefix, region, from: home.region } as const;
    const change = await directory.change({ ...command, known: [...state.applied] }, options(), {
      // Held once under this epoch, so the old home has logged that it needs a lease; and held no more.
      if: [when.missing(leaseKeyOf(home)), when.value(epochKeyOf(home), "=", String(epoch))],
      then: (config) => this.#taking(home, config.epoch, id),
    });
    if (change.outcome === "changed") {
      journal.warn("a home is taken over: its lease has ended", { prefix, from: home.region });
      return;
    }
    await client.leases.revoke(id, options());
    if (change.outcome === "refused") {
      journal.warn("a home is not taken over", { prefix, reason: change.why });
    }
  }

  /** `epoch`: the home's, from then on. */
  #taking(
    { prefix }: Pick<Home, "prefix">,
    epoch: number,
    lease: bigint,
  ): ReturnType<typeof op.put>[] {
    const self = String(this.#init.state.self);
    return [
      op.put(leaseKeyOf({ prefix }), self, { lease }),
      op.put(epochKeyOf({ prefix }), String(epoch)),
    ];
  }
}

/** Stands for the homes of other regions, which are looked at together. */
const ALL_INHERITED = "" as Key;
const LEASES = "/hansa/federation-homes/lease/";
const EPOCHS = "/hansa/federation-homes/epoch/";

function options(): { readonly deadlineMs: number } {
  return { deadlineMs: CALL_MS };
}

function holdingName({ prefix, epoch }: Pick<Home, "prefix" | "epoch">): string {
  return `${epoch} ${prefix}`;
}

function isStill({ homes }: FederationConfig, { prefix, epoch, region }: Home): boolean {
  return homes.some(
    (home) => home.prefix === prefix && home.epoch === epoch && home.region === region,
  );
}

/** There while the home is held, by the origin that it names. */
function leaseKeyOf({ prefix }: Pick<Home, "prefix">): string {
  return `${LEASES}${Buffer.from(bytesOf(prefix)).toString("hex")}`;
}

/** The home's epoch under which it was last held. */
function epochKeyOf({ prefix }: Pick<Home, "prefix">): string {
  return `${EPOCHS}${Buffer.from(bytesOf(prefix)).toString("hex")}`;
}
