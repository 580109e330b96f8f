// Who is there, while regions are to be parted by themselves (federation 10). Each region's leader keeps a key in the
// directory group under a lease, and in it whom it has not heard of for too long. Whom the directory does not hear of,
// nor any region that it hears of, is parted in the transaction that finds all of this to be so.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { when } from "../client/index.ts";
import type { CallOptions, Condition, KeptLease, KeyValue, PutOptions } from "../client/index.ts";
import { regionsToPart } from "../federation/index.ts";
import type { Attendance, FederationConfig, OriginId, Report } from "../federation/index.ts";
import { Chores, lookEvery } from "./chores.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { FederationDirectory } from "./federation-directory.ts";
import type { Clock, Journal } from "./ports.ts";

type Granted = Pick<KeptLease, "id" | "ttlS">;
type Kept = Granted & Pick<KeptLease, "lost" | "stop">;

/** Of its group: keys that hang on leases. */
interface PresenceClient {
  range(
    of: { readonly prefix: string },
    options: CallOptions,
  ): Promise<{ readonly kvs: readonly KeyValue[] }>;
  put(key: string, value: string, options: PutOptions): Promise<unknown>;
  readonly leases: {
    grant(ttlS: number, options: CallOptions): Promise<Granted>;
    keepAlive(lease: Granted): Kept;
  };
}

export interface FederationAttendanceInit {
  readonly directory: Pick<FederationDirectory, "change"> & { readonly client: PresenceClient };
  readonly state: Pick<FederatedRegion, "config" | "self" | "waitingBytes">;
  readonly leads: () => boolean;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Asks those regions, by whatever way, what they have; `done` for each that answers. */
  readonly ask: (
    wanted: Iterable<OriginId>,
    done: (report: Pick<Report, "origin">) => void,
  ) => void;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
}

const LOOK_EVERY_MS = 2_000;
const CALL_MS = 5_000;
/** Regions are asked so often in the time after which they are missed, and at least every so many milliseconds. */
const ASKED_PER_SPAN = 5;
const ASK_MS_MAX = 30_000;
/** Of the key: who is slow for longer is taken to be away by the directory, though not by those who hear of it. */
const PRESENCE_S = 5;
const PRESENCE = "/hansa/federation-presence/";

export class FederationAttendance {
  readonly #init: FederationAttendanceInit;
  /** When each other region was last heard of; from when this member began to lead. */
  readonly #heardAtMs = new Map<OriginId, MonotonicMs>();
  #askAtMs = -Infinity;
  #kept: Kept | undefined;
  readonly #chores: Chores<"attend">;

  constructor(init: FederationAttendanceInit) {
    this.#init = init;
    const { journal, onBug } = init;
    this.#chores = new Chores({
      onRefused: (_, reason) => {
        journal.warn("the attendance is not seen to", { reason });
      },
      onBug,
    });
  }

  /** @returns the way to end it: the key goes with its lease, or stays under the next leader's. */
  follow(): () => void {
    const unlook = lookEvery(LOOK_EVERY_MS, () => this.look());
    return () => {
      unlook();
      this.#rest();
    };
  }

  /** Of that timer. */
  look(): void {
    const { leads, state } = this.#init;
    const { self, config } = state;
    const { autoPart } = config;
    if (!leads() || self === undefined || autoPart === undefined) {
      this.#rest();
      return;
    }
    this.#hear(config, self, autoPart.afterS * 1_000);
    this.#chores.run("attend", () => this.#attend(config, self, autoPart));
  }

  #rest(): void {
    this.#kept?.stop();
    this.#kept = undefined;
    this.#heardAtMs.clear();
    this.#askAtMs = -Infinity;
  }

  #hear({ members }: FederationConfig, self: OriginId, afterMs: number): void {
    const { clock, ask } = this.#init;
    const others = members.map(({ origin }) => origin).filter((origin) => origin !== self);
    const now = clock.monotonicMs();
    for (const origin of [...this.#heardAtMs.keys()]) {
      if (!others.includes(origin)) this.#heardAtMs.delete(origin);
    }
    for (const origin of others) {
      if (!this.#heardAtMs.has(origin)) this.#heardAtMs.set(origin, now);
    }
    if (now < this.#askAtMs) return;
    this.#askAtMs = now + Math.min(ASK_MS_MAX, afterMs / ASKED_PER_SPAN);
    ask(others, ({ origin }) => {
      if (this.#heardAtMs.has(origin)) this.#heardAtMs.set(origin, clock.monotonicMs());
    });
  }

  async #attend(
    config: FederationConfig,
    self: OriginId,
    { afterS, bytes }: NonNullable<FederationConfig["autoPart"]>,
  ): Promise<void> {
    const { directory, state, clock } = this.#init;
    const { kvs } = await directory.client.range({ prefix: PRESENCE }, options());
    const now = clock.monotonicMs();
    const missed = [...this.#heardAtMs].flatMap(([origin, heardAtMs]) =>
      now - heardAtMs >= afterS * 1_000 ? [origin] : [],
    );
    const word = textOf(missed);
    const own = kvs.find((kv) => kv.keyText() === keyOf(self));
    if (own === undefined || own.text() !== word || own.lease !== this.#kept?.id) {
      await this.#say(self, word);
    } else if (missed.length > 0 && state.waitingBytes >= bytes) {
      await this.#part(config, new Map(kvs.map((kv) => [kv.keyText(), kv.text()])));
    }
  }

  async #say(self: OriginId, word: string): Promise<void> {
    const { client } = this.#init.directory;
    const known = this.#kept;
    const { id, ttlS } = known ?? (await client.leases.grant(PRESENCE_S, options()));
    await client.put(keyOf(self), word, { ...options(), lease: id });
    if (known !== undefined || !this.#init.leads()) return;
    const kept = client.leases.keepAlive({ id, ttlS });
    this.#kept = kept;
    kept.lost
      .then(() => {
        if (this.#kept === kept) this.#kept = undefined;
      })
      .catch(this.#init.onBug);
  }

  /** `words`: of every region that the directory hears of, by its key. */
  async #part(config: FederationConfig, words: ReadonlyMap<string, string>): Promise<void> {
    const { directory, journal } = this.#init;
    const regions = regionsToPart(config, attendanceOf(config, words));
    if (regions.length === 0) return;
    const stands = config.members.map(({ origin }): Condition => {
      const word = words.get(keyOf(origin));
      const key = keyOf(origin);
      return word === undefined ? when.missing(key) : when.value(key, "=", word);
    });
    const isFor = ({ epoch }: FederationConfig): boolean => epoch === config.epoch;
    const beside = { isFor, if: stands, then: () => [] };
    const change = await directory.change({ command: "part", regions }, options(), beside);
    const about = { regions: regions.join(), afterS: config.autoPart?.afterS };
    if (change.outcome === "changed") {
      journal.warn("regions that nobody hears of are parted", about);
    } else if (change.outcome === "refused") {
      const why = `${about.regions} cannot be parted: ${change.why}`;
      throw new KvError("federation-refused", "not-applied", why);
    }
  }
}

function attendanceOf(
  { members }: FederationConfig,
  words: ReadonlyMap<string, string>,
): Attendance {
  const origins = members.map(({ origin }) => origin);
  return new Map(
    origins.flatMap((origin): [OriginId, ReadonlySet<OriginId>][] => {
      const missed = words.get(keyOf(origin))?.split(",");
      if (missed === undefined) return [];
      return [[origin, new Set(origins.filter((other) => missed.includes(String(other))))]];
    }),
  );
}

function textOf(missed: readonly OriginId[]): string {
  return [...missed].sort((left, right) => left - right).join();
}

function keyOf(origin: OriginId): string {
  return `${PRESENCE}${origin}`;
}

function options(): { readonly deadlineMs: number } {
  return { deadlineMs: CALL_MS };
}
