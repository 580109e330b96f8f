// Leaders that keep their keys in one directory while regions come and go: who is parted, on what that rests, and who
// stays (federation 10).
import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, expect, test } from "@jest/globals";
import { KvError, assert } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { KeyValue } from "../client/index.ts";
import type { Condition, LeaseLoss } from "../client/index.ts";
import { changeConfig, originId } from "../federation/index.ts";
import type { ConfigChange, FederationConfig, OriginId } from "../federation/index.ts";
import { documentOf } from "../test/federation/document.ts";
import { FederationAttendance } from "./federation-attendance.ts";
import type { FederationAttendanceInit } from "./federation-attendance.ts";

type DirectoryOf = FederationAttendanceInit["directory"];

const AFTER_S = 10;
const LOOK_MS = 2_000;
const [A, B, C] = [originId(1), originId(2), originId(3)];

/** One for all regions, with the keys that their leaders keep there. */
class World {
  nowMs = 0;
  config = autoParting(0);
  readonly keys = new Map<string, { readonly text: string; readonly lease: bigint }>();
  readonly leases = new Map<bigint, (loss: LeaseLoss) => void>();
  /** By now it does not answer. */
  isAway = false;
  /** Comes to pass between what a leader finds and what it does. */
  meanwhile: () => void = () => undefined;
  #leaseLast = 0n;

  readonly directory: DirectoryOf = {
    change: (command, _, beside) => {
      this.meanwhile();
      const isSo =
        beside?.isFor?.(this.config) !== false && beside?.if.every((one) => this.#is(one));
      if (!isSo) return Promise.resolve<ConfigChange>({ outcome: "refused", why: "not so" });
      const change = changeConfig(this.config, command);
      if (change.outcome === "changed") this.config = change.config;
      return Promise.resolve(change);
    },
    client: {
      range: ({ prefix }) => {
        if (this.isAway) return Promise.reject(new KvError("unavailable", "not-applied", "away"));
        const found = [...this.keys].filter(([key]) => key.startsWith(prefix));
        const kvs = found.map(
          ([key, { text, lease }]) =>
            new KeyValue({ key: Buffer.from(key), value: Buffer.from(text), lease }),
        );
        return Promise.resolve({ kvs });
      },
      put: (key, value, { lease = 0n }) => {
        this.keys.set(key, { text: String(value), lease });
        return Promise.resolve();
      },
      leases: {
        grant: (ttlS) => Promise.resolve({ id: (this.#leaseLast += 1n), ttlS }),
        keepAlive: ({ id, ttlS }) => {
          const lost = new Promise<LeaseLoss>((resolve) => this.leases.set(id, resolve));
          return { id, ttlS, lost, stop: () => this.end(id, "stopped") };
        },
      },
    },
  };

  readonly leaders = [A, B, C].map((self) => new Leader(this, self));

  leader(self: OriginId): Leader {
    const leader = this.leaders.find((one) => one.self === self);
    assert(leader !== undefined, "one of the three");
    return leader;
  }

  /** A region that is gone: its key goes with its lease, and nobody hears of it. */
  lose(self: OriginId): void {
    const lost = this.leader(self);
    lost.leads = false;
    for (const leader of this.leaders) leader.hears.delete(self);
    lost.attendance.look();
  }

  end(id: bigint, reason: LeaseLoss["reason"]): void {
    this.leases.get(id)?.({ reason });
    this.leases.delete(id);
    for (const [key, { lease }] of this.keys) if (lease === id) this.keys.delete(key);
  }

  /** All look as often as their timers would have them. */
  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += LOOK_MS;
      for (const { attendance } of this.leaders) {
        attendance.look();
        await turn();
      }
    }
  }

  /** What every region that is there says, by its origin. */
  get words(): string {
    const words = [...this.keys].map(([key, { text }]) => `${key.split("/").pop() ?? ""}:${text}`);
    return words.sort().join(" ");
  }

  /** Regions that are being parted. */
  get parted(): readonly string[] {
    return this.config.freeze?.closing.map(({ region }) => region) ?? [];
  }

  #is({ wire: { key, value } }: Condition): boolean {
    const found = this.keys.get(Buffer.from(key ?? []).toString());
    return value ? found?.text === Buffer.from(value).toString() : found === undefined;
  }
}

class Leader {
  readonly self: OriginId;
  readonly attendance: FederationAttendance;
  readonly hears = new Set([A, B, C]);
  readonly told: string[] = [];
  readonly bugs: unknown[] = [];
  leads = true;
  waitingBytes = 0;
  asked = 0;

  constructor(world: World, self: OriginId) {
    this.self = self;
    const tell = (message: string, { reason = "" }: Readonly<Record<string, unknown>>): void => {
      this.told.push(`${message} ${String(reason)}`.trim());
    };

    this.attendance = new FederationAttendance({
      directory: world.directory,
      state: this.#state(world),
      leads: () => this.leads,
      clock: { monotonicMs: () => world.nowMs as MonotonicMs },
      ask: (wanted, done) => {
        this.asked += 1;
        for (const origin of wanted) if (this.hears.has(origin)) done({ origin });
      },
      journal: { info: tell, warn: tell, error: tell },
      onBug: (bug) => this.bugs.push(bug),
    });
  }

  /** As of each moment. */
  #state(world: World): FederationAttendanceInit["state"] {
    const waitingBytes = (): number => this.waitingBytes;
    return {
      self: this.self,
      get config() {
        return world.config;
      },
      get waitingBytes() {
        return waitingBytes();
      },
    };
  }
}

function autoParting(bytes: number): FederationConfig {
  const regions = ["a", "b", "c"].map((name) => ({ name }));
  return documentOf(regions, { autoPart: { afterS: AFTER_S, bytes } });
}

let world: World;

beforeEach(() => {
  world = new World();
});

test("each leader keeps a key of its own; it goes when it leads no more, and where nobody is to be parted", async () => {
  await world.pass(LOOK_MS);
  expect(world.words).toBe("1: 2: 3:");
  expect(world.leases.size).toBe(3);
  world.lose(C);
  expect(world.words).toBe("1: 2:");
  const { autoPart: _, ...config } = world.config;
  world.config = config;
  await world.pass(LOOK_MS);
  expect([world.words, world.leases.size]).toEqual(["", 0]);
});

test("whom nobody has heard of for so long is parted, and nobody sooner", async () => {
  await world.pass(LOOK_MS);
  world.lose(C);
  await world.pass(AFTER_S * 1_000 - LOOK_MS);
  expect([world.words, world.parted]).toEqual(["1: 2:", []]);
  await world.pass(2 * LOOK_MS);
  expect([world.words, world.parted]).toEqual(["1:3 2:3", ["c"]]);
  expect(world.leaders.flatMap(({ told }) => told)).toEqual([
    "regions that nobody hears of are parted",
  ]);
});

test("who is lost to the directory alone stays, and who is heard of by one region", async () => {
  await world.pass(LOOK_MS);
  world.lose(C);
  for (const leader of world.leaders) leader.hears.add(C);
  await world.pass(5 * AFTER_S * 1_000);
  expect([world.words, world.parted]).toEqual(["1: 2:", []]);
  world.leader(A).hears.delete(C);
  await world.pass(5 * AFTER_S * 1_000);
  expect([world.words, world.parted]).toEqual(["1:3 2:", []]);
});

test("a region is parted only once so much waits for it", async () => {
  world.config = autoParting(1_000);
  for (const leader of world.leaders) leader.waitingBytes = 999;
  await world.pass(LOOK_MS);
  world.lose(C);
  await world.pass(5 * AFTER_S * 1_000);
  expect([world.words, world.parted]).toEqual(["1:3 2:3", []]);
  world.leader(A).waitingBytes = 1_000;
  await world.pass(LOOK_MS);
  expect(world.parted).toEqual(["c"]);
});

test("a new leader counts the time anew", async () => {
  await world.pass(LOOK_MS);
  world.lose(C);
  await world.pass(AFTER_S * 1_000 - LOOK_MS);
  const a = world.leader(A);
  a.leads = false;
  a.attendance.look();
  a.leads = true;
  await world.pass(2 * LOOK_MS);
  expect([world.words, world.parted]).toEqual(["1: 2:3", []]);
  await world.pass(AFTER_S * 1_000);
  expect(world.parted).toEqual(["c"]);
});

test.each<[string, () => void]>([
  ["the region is there again", () => world.keys.set(keyOf(C), { text: "", lease: 0n })],
  ["another one hears of it", () => world.keys.set(keyOf(B), { text: "", lease: 0n })],
  [
    "the document is another one",
    () => (world.config = { ...world.config, epoch: world.config.epoch + 1 }),
  ],
])("nobody is parted where by then %s", async (_, meanwhile) => {
  await world.pass(LOOK_MS);
  world.lose(C);
  world.meanwhile = meanwhile;
  await world.pass(AFTER_S * 1_000 + LOOK_MS);
  expect(world.parted).toEqual([]);
  expect(world.leader(A).told).toEqual([
    "the attendance is not seen to c cannot be parted: not so",
  ]);
});

test("a key whose lease is lost is put under another one", async () => {
  await world.pass(LOOK_MS);
  const before = world.keys.get(keyOf(A))?.lease ?? 0n;
  world.end(before, "gone");
  expect(world.words).toBe("2: 3:");
  await world.pass(LOOK_MS);
  expect(world.words).toBe("1: 2: 3:");
  expect(world.keys.get(keyOf(A))?.lease).not.toBe(before);
});

test("a directory that does not answer is told of once, and tried again", async () => {
  world.isAway = true;
  await world.pass(3 * LOOK_MS);
  const a = world.leader(A);
  expect([a.told, a.bugs]).toEqual([["the attendance is not seen to away"], []]);
  world.isAway = false;
  await world.pass(LOOK_MS);
  expect(world.words).toBe("1: 2: 3:");
  world.isAway = true;
  await world.pass(LOOK_MS);
  expect(a.told).toHaveLength(2);
});

test("regions are asked five times in the time after which they are missed, and every half a minute", async () => {
  const a = world.leader(A);
  await world.pass(5 * AFTER_S * 1_000);
  expect(a.asked).toBe(25);
  world.config = { ...world.config, autoPart: { afterS: 86_400, bytes: 0 } };
  await world.pass(120_000);
  expect(a.asked).toBe(29);
});

function keyOf(origin: OriginId): string {
  return `/hansa/federation-presence/${origin}`;
}
