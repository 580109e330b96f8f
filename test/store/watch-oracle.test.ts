// The watch hub against the list of all writes: every watch is told each of its events once, in order, whole
// revisions at a time, whoever is slow, whatever is cached, compacted, or replaced by a snapshot's state.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { assert, present } from "../../base/index.ts";
import type { Key, Revision } from "../../base/index.ts";
import { WatchChannel, WatchHub } from "../../store/index.ts";
import type { KeyRange, Request, Watch, WatchEvent, WatchLoad } from "../../store/index.ts";
import { decodeRow, valueInRow } from "../../store/rows.ts";
import { commands } from "./arbitrary.ts";
import { Host } from "./host.ts";
import { Oracle } from "./oracle.ts";
import { compact, del, put, text } from "./requests.ts";

interface Wish {
  readonly span: KeyRange;
  /** How far back it begins; 0: with the next revision. Negative: in the future. */
  readonly back: number;
  readonly prevKv: boolean;
  readonly puts: boolean;
  readonly deletes: boolean;
  readonly channel: number;
}

type Step =
  | { readonly step: "command"; readonly command: Request }
  | { readonly step: "open"; readonly wish: Wish }
  | { readonly step: "compact"; readonly back: number }
  | { readonly step: "cancel"; readonly at: number }
  | { readonly step: "advance"; readonly deliveriesMax: number }
  | { readonly step: "drain"; readonly channel: number }
  | { readonly step: "load" | "flush" | "restart" };

const CHANNELS = 2;
/** Deliveries that a channel takes before it is full. */
const ROOM = 2;

const spans: fc.Arbitrary<KeyRange> = fc.oneof(
  fc.record({ key: fc.constantFrom("a", "ab", "b", "c").map((at) => at as Key) }),
  fc.record({
    key: fc.constantFrom("a", "b").map((at) => at as Key),
    end: fc.constantFrom("\0", "b", "bb", "d").map((at) => at as Key),
  }),
);

const wishes: fc.Arbitrary<Wish> = fc.record({
  span: spans.filter(({ key, end }) => end === undefined || end === "\0" || key < end),
  back: fc.integer({ min: -3, max: 8 }),
  prevKv: fc.boolean(),
  puts: fc.integer({ min: 0, max: 4 }).map((draw) => draw > 0),
  deletes: fc.integer({ min: 0, max: 4 }).map((draw) => draw > 0),
  channel: fc.integer({ min: 0, max: CHANNELS - 1 }),
});

/** Refused seldom, so that there is something to tell. */
const writes: fc.Arbitrary<Request> = fc
  .record({ at: fc.constantFrom("a", "ab", "b", "c"), deletes: fc.nat({ max: 3 }) })
  .map(({ at, deletes }) => (deletes === 0 ? del(at) : put(at, String(deletes))));

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: commands.map((command) => ({ step: "command" as const, command })) },
  { weight: 10, arbitrary: writes.map((command) => ({ step: "command" as const, command })) },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 5 }).map((back) => ({ step: "compact" as const, back })),
  },
  { weight: 4, arbitrary: wishes.map((wish) => ({ step: "open" as const, wish })) },
  { weight: 1, arbitrary: fc.nat({ max: 9 }).map((at) => ({ step: "cancel" as const, at })) },
  {
    weight: 6,
    arbitrary: fc
      .integer({ min: 1, max: 4 })
      .map((deliveriesMax) => ({ step: "advance" as const, deliveriesMax })),
  },
  {
    weight: 3,
    arbitrary: fc
      .nat({ max: CHANNELS - 1 })
      .map((channel) => ({ step: "drain" as const, channel })),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom("load", "load", "flush", "restart").map((step) => ({ step })),
  },
);

interface Watched {
  readonly wish: Wish;
  readonly from: number;
  readonly watch: Watch;
  readonly told: WatchEvent[];
  upTo: number;
  compactedAt: number | undefined;
}

/** A hub over a machine, driven by hand. */
class Bench {
  readonly host = new Host({ valueCacheBytesMax: 0 });
  readonly oracle = new Oracle();
  readonly hub = new WatchHub(this.host.machine.changes);
  readonly watched: Watched[] = [];
  readonly #room = Array.from({ length: CHANNELS }, () => ROOM);
  readonly #channels = this.#room.map(
    (_, at) => new WatchChannel(() => present(this.#room[at], "a channel") > 0),
  );
  #loads: WatchLoad[] = [];

  play(step: Step): void {
    switch (step.step) {
      case "command":
        this.#run(step.command);
        break;
      case "compact":
        this.#run(compact(this.host.machine.revision - step.back));
        break;
      case "open":
        this.#open(step.wish);
        break;
      case "cancel": {
        const [gone] = this.watched.splice(step.at, 1);
        if (gone !== undefined) this.hub.cancel(gone.watch);
        break;
      }
      case "advance":
        this.#loads.push(...this.hub.advance(step.deliveriesMax).loads);
        break;
      case "drain":
        this.#drain(step.channel);
        break;
      case "load":
        this.#load();
        break;
      case "flush":
        this.host.flush();
        break;
      case "restart":
        this.host.flush();
        this.host.restart();
        this.hub.replace(this.host.machine.changes);
        break;
    }
  }

  #run(command: Request): void {
    this.oracle.run(command);
    this.host.run(command);
  }

  /** Everybody has room, and everything is loaded, until there is nothing left to do. */
  settle(): void {
    for (let turns = 0; turns < 10_000; turns += 1) {
      const { loads, more } = this.hub.advance(100);
      this.#loads.push(...loads);
      const loading = this.#loads.length > 0;
      this.#load();
      const full = this.#room.flatMap((room, at) => (room > 0 ? [] : [at]));
      for (const at of full) this.#drain(at);
      if (!more && !loading && full.length === 0) return;
    }
    throw new Error("the hub does not come to rest");
  }

  #open(wish: Wish): void {
    const { revision } = this.host.machine;
    const start = wish.back === 0 ? 0 : Math.max(1, revision + 1 - wish.back);
    if (start !== 0 && start < this.hub.floor) return;
    const { span, prevKv, puts, deletes, channel } = wish;
    const told: WatchEvent[] = [];
    const from = start === 0 ? revision + 1 : start;
    const request = { ...span, prevKv, puts, deletes, startRevision: start as Revision };
    const watch = this.hub.open(request, present(this.#channels[channel], "a channel"), {
      onEvents: (events, upTo) => {
        assert(events.length > 0, "what is delivered has events");
        assert(this.#takeRoom(channel), "a full channel is told nothing");
        assert(upTo > watched.upTo, "the place in the history moves on");
        for (const { revision: at } of events) {
          assert(at > watched.upTo && at <= upTo, "an event lies behind what was told before");
        }
        told.push(...events);
        watched.upTo = upTo;
      },
      onCompacted: (floor) => {
        watched.compactedAt = floor;
      },
    });
    const watched: Watched = {
      wish,
      from,
      watch,
      told,
      upTo: from - 1,
      compactedAt: undefined,
    };
    this.watched.push(watched);
  }

  #takeRoom(channel: number): boolean {
    const room = present(this.#room[channel], "a channel");
    this.#room[channel] = room - 1;
    return room > 0;
  }

  #drain(channel: number): void {
    this.#room[channel] = ROOM;
    this.hub.resume(present(this.#channels[channel], "a channel"));
  }

  #load(): void {
    const loads = this.#loads;
    this.#loads = [];
    for (const load of loads) this.hub.supply(load, this.host.load(load.keys));
  }
}

function holds({ key, end }: KeyRange, at: Key): boolean {
  if (end === undefined) return at === key;
  return at >= key && (end === "\0" || at < end);
}

/** What a watch should have been told up to `upTo`, as text. */
function expectedOf(oracle: Oracle, { wish, from }: Watched, upTo: number): string[] {
  return oracle.writes.flatMap(({ main, key, kv }) => {
    if (main < from || main > upTo || !holds(wish.span, key)) return [];
    if (!(kv === undefined ? wish.deletes : wish.puts)) return [];
    return [`${main} ${key} ${kv === undefined ? "gone" : `${kv.version}=${text(kv.value)}`}`];
  });
}

function shownOf(events: readonly WatchEvent[]): string[] {
  return events.map(({ kind, kv }) => {
    const { key, mod, count } = decodeRow(kv);
    return `${mod} ${key} ${kind === "delete" ? "gone" : `${count}=${text(valueInRow(kv))}`}`;
  });
}

/** The pair before is right wherever it is told, and told wherever compaction has not taken it. */
function checkPrevious(oracle: Oracle, { wish, told }: Watched): void {
  for (const { revision, kv, prevKv } of told) {
    const { key } = decodeRow(kv);
    const before = oracle.writes.filter((write) => write.key === key && write.main < revision);
    const last = before.at(-1)?.kv;
    if (prevKv !== undefined) {
      expect(decodeRow(prevKv).mod).toBe(last?.modRevision);
      expect(text(valueInRow(prevKv))).toBe(text(present(last, "a pair before").value));
    } else if (wish.prevKv && last !== undefined) {
      expect(revision).toBeLessThanOrEqual(oracle.floor);
    }
  }
}

/** A transaction may delete a range and put into it again: then it has its own pair before. */
function writesAKeyTwice(oracle: Oracle): boolean {
  const written = oracle.writes.map(({ main, key }) => `${main} ${key}`);
  return new Set(written).size < written.length;
}

test("each watch is told its events, once, in order, and all of them in the end", () => {
  fc.assert(
    fc.property(fc.array(steps, { minLength: 5, maxLength: 150, size: "max" }), (script) => {
      const bench = new Bench();
      for (const step of script) bench.play(step);
      bench.settle();
      const { oracle, watched, hub } = bench;
      fc.pre(!writesAKeyTwice(oracle));
      for (const one of watched) {
        const upTo = one.compactedAt === undefined ? oracle.revision : one.upTo;
        expect(shownOf(one.told)).toEqual(expectedOf(oracle, one, upTo));
        checkPrevious(oracle, one);
        expect(hub.toldUpTo(one.watch)).toBe(
          one.compactedAt === undefined ? oracle.revision : undefined,
        );
      }
      expect(hub.count).toBe(watched.filter((one) => one.compactedAt === undefined).length);
    }),
    { numRuns: 800 },
  );
});
