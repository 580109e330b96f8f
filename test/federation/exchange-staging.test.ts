// What comes by the exchange and is too large for one entry goes into the log in chunks, whoever leads meanwhile, and is
// seen whole (federation 3, scenario 43); and an origin of which two histories were seen is asked for once more when
// another document may have closed it (federation 1).
import { describe, expect, test } from "@jest/globals";
import { compareBytes, present } from "../../base/index.ts";
import type { WallMs } from "../../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ExchangePuller,
  ReportBook,
  chunksOf,
  helloOf,
  originId,
  sequence,
} from "../../federation/index.ts";
import type { FederationBug, FederationConfig, PullEffect } from "../../federation/index.ts";
import { ComingParts, PART_BYTES_MAX, messagesOf } from "../../federation/exchange-parts.ts";
import type { Part } from "../../federation/index.ts";
import { op, txn } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, configOf, hash } from "./region.ts";

/** Three of them take two chunks. */
const VALUE_BYTES = 180 * 1024;
const LIMITS = { ...EXCHANGE_LIMITS_DEFAULT, applyBytesMax: 64 * 1024 };
const KEYS = ["p/a", "p/b", "p/c"] as const;
const CONFIG = configOf(2, [policy("p/")]);

/** One transaction of three keys. */
function minted(valueBytes = VALUE_BYTES): Region {
  const region = new Region(1);
  region.configure(CONFIG);
  region.run(
    txn(
      [],
      KEYS.map((key, at) => op.put(key, String(at).repeat(valueBytes))),
    ),
  );
  return region;
}

/** The leader of a region that pulls; what it proposes is applied at once, until it leads no more. */
class Leader {
  readonly region: Region;
  readonly puller: ExchangePuller;
  readonly proposed: string[] = [];
  readonly wanted: number[][] = [];
  entriesLeft = Number.POSITIVE_INFINITY;
  nowMs = 0;

  constructor(region: Region) {
    this.region = region;
    this.puller = new ExchangePuller({
      state: () => {
        const { state } = region;
        const { config, document = new Uint8Array(0) } = state;
        const delivery = present(state.delivery, "a region of a federation");
        const news = { epoch: config?.epoch ?? 0, document };
        return { ...delivery, document: news, staged: state.staged };
      },
      wallMs: () => (2 ** 47) as WallMs,
      reports: new ReportBook(),
      limits: LIMITS,
      hash,
    });
  }

  /** A stream to `from`, all of which is told and sent. */
  hear(from: Region): void {
    const { origin } = from;
    const config = present(from.state.config, "a region of a federation");
    const hello = present(helloOf(config, origin, this.region.origin, true), "a member");
    this.act(this.puller.onOpened(origin, hello, this.nowMs));
    const report = { origin, epoch: config.epoch, vector: from.state.applied };
    this.act(this.puller.onMessage(origin, { kind: "reports", reports: [report] }, this.nowMs));
    const transactions = from.shipped().map(({ bytes }) => bytes);
    const chain = present(from.state.chainOf(origin), "its chain");
    const rows = transactions.map((bytes, at) => ({ sequence: at + 1, bytes, hash: chain }));
    for (const message of messagesOf(origin, rows, LIMITS.batchBytesMax)) {
      this.act(this.puller.onMessage(origin, message, this.nowMs));
    }
  }

  later(): void {
    this.nowMs += 1_000;
    this.act(this.puller.onTime(this.nowMs));
  }

  act(effects: readonly PullEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "send" && effect.message.kind === "want") {
        this.wanted.push(effect.message.positions.map(({ origin }) => origin));
      }
      if (effect.kind === "stage") {
        this.#end(effect.chunk.offset === 0 ? "first" : "chunk", () => {
          const done = this.region.change({ change: "stage", chunk: effect.chunk });
          return "kind" in done ? 0 : 1;
        });
      } else if (effect.kind === "apply-staged") {
        this.#end("apply", () => {
          const dot = effect.shipped.transaction;
          const done = this.region.change({ change: "apply-staged", dot });
          return "kind" in done ? 0 : done.applied;
        });
      }
    }
  }

  #end(what: string, apply: () => number): void {
    if (this.entriesLeft === 0) return;
    this.entriesLeft -= 1;
    this.proposed.push(what);
    const applied = apply();
    this.act(this.puller.onNews(this.nowMs));
    this.act(this.puller.onProposed(applied, this.nowMs));
  }
}

function puller(planted?: FederationBug): Region {
  const region = new Region(2, planted);
  region.configure(CONFIG);
  return region;
}

function isWhole(region: Region): boolean {
  return KEYS.every((key, at) => region.get(key) === String(at).repeat(VALUE_BYTES));
}

describe("a transaction that is too large for one entry", () => {
  test("comes in chunks and shows in one revision", () => {
    const [from, to] = [minted(), puller()];
    const { revision } = to;
    const leader = new Leader(to);
    leader.hear(from);
    expect(leader.proposed).toEqual(["first", "chunk", "apply"]);
    expect([isWhole(to), to.revision, to.state.staged]).toEqual([true, revision + 1, undefined]);
    expect(to.events(0).map((event) => event.split(" ")[0])).toEqual(["2", "2", "2"]);
  });

  test("goes on where the leader before it was, after a restart too", () => {
    const [from, to] = [minted(), puller()];
    const first = new Leader(to);
    first.entriesLeft = 1;
    first.hear(from);
    to.restart();
    const second = new Leader(to);
    second.hear(from);
    expect([first.proposed, second.proposed, isWhole(to)]).toEqual([
      ["first"],
      ["chunk", "apply"],
      true,
    ]);
  });

  test("begins anew where something else is staged under its dot", () => {
    const [from, to] = [minted(), puller()];
    const dot = from.transaction(from.origin, 1).transaction;
    const [other] = chunksOf(dot, hash(new Uint8Array(1)), new Uint8Array(2 * 1024 * 1024));
    to.change({ change: "stage", chunk: present(other, "a chunk") });
    const leader = new Leader(to);
    leader.hear(from);
    expect([leader.proposed, isWhole(to)]).toEqual([["chunk"], false]);
    leader.later();
    expect(leader.proposed.slice(1)).toEqual(["first", "chunk", "apply"]);
    expect(isWhole(to)).toBe(true);
  });

  test("would be seen in parts without the guard (txn-torn, trap 12)", () => {
    const [from, to] = [minted(), puller("txn-torn")];
    new Leader(to).hear(from);
    expect(new Set(to.events(0).map((event) => event.split(" ")[0])).size).toBe(3);
  });
});

describe("the parts in which it travels", () => {
  const origin = minted(1).origin;
  const bytes = Uint8Array.from({ length: 2 * PART_BYTES_MAX + 5 }, (_, at) => at % 251);
  const row = (at: number, size: number) => ({
    ...{ sequence: at, bytes: bytes.subarray(0, size) },
    hash: hash(Uint8Array.of(at)),
  });
  const rows = [row(1, 10), row(2, 20), row(3, bytes.length), row(4, 30)];
  const messages = messagesOf(origin, rows, 100);
  const parts = messages.flatMap((message) => (message.kind === "part" ? [message.part] : []));

  test("come between batches of those that are small, and are it again", () => {
    expect(messages.map(({ kind }) => kind)).toEqual(["batch", "part", "part", "part", "batch"]);
    const coming = new ComingParts();
    const taken = parts.map((part) => coming.take(part));
    expect(taken.slice(0, 2)).toEqual([undefined, undefined]);
    const whole = taken[2];
    if (typeof whole !== "object") throw new Error("three parts are the whole");
    const [transaction] = whole.transactions;
    expect(compareBytes(transaction ?? new Uint8Array(), bytes)).toBe(0);
    expect([whole.from, whole.hash]).toEqual([3, row(3, 0).hash]);
  });

  test("keep their way: what comes slowly is not looked for elsewhere", () => {
    const to = new Region(2);
    const config = configOf(3, [policy("p/")]);
    to.configure(config);
    const leader = new Leader(to);
    for (const neighbour of [origin, originId(3)]) {
      const hello = present(helloOf(config, neighbour, to.origin, true), "a member");
      leader.act(leader.puller.onOpened(neighbour, hello, 0));
      const report = { origin: neighbour, epoch: 1, vector: new Map([[origin, sequence(1)]]) };
      leader.act(leader.puller.onMessage(neighbour, { kind: "reports", reports: [report] }, 0));
    }
    const large = messagesOf(origin, [row(1, bytes.length)], 100);
    for (const message of large.slice(0, 2)) {
      leader.nowMs += LIMITS.stallMs * 0.75;
      leader.act(leader.puller.onMessage(origin, message, leader.nowMs));
      leader.act(leader.puller.onTime(leader.nowMs));
      expect(leader.puller.routes.get(origin)?.neighbour).toBe(origin);
    }
    for (let round = 0; round < 3; round += 1) {
      leader.nowMs += LIMITS.stallMs * 0.75;
      leader.act(leader.puller.onTime(leader.nowMs));
    }
    expect(leader.puller.routes.get(origin)?.neighbour).toBe(3);
  });

  test.each<readonly [string, Partial<Part>]>([
    ["is of another transaction", { sequence: 4 }],
    ["leaves something out", { offset: PART_BYTES_MAX + 1 }],
    ["says another size of the whole", { totalBytes: bytes.length - 1 }],
    ["is empty", { bytes: new Uint8Array() }],
    ["reaches beyond the whole", { bytes: new Uint8Array(2 * PART_BYTES_MAX) }],
    ["begins what is beyond the bound", { offset: 0, totalBytes: 2 ** 31 }],
  ])("one that %s is told by name", (_, wrong) => {
    const coming = new ComingParts();
    const [first, second] = parts;
    expect(first && coming.take(first)).toBeUndefined();
    expect(second && typeof coming.take({ ...second, ...wrong })).toBe("string");
  });
});

describe("an origin of which two histories were seen", () => {
  test("is wanted again under another document, once it is closed in the log's word too", () => {
    const [from, to] = [minted(1), puller()];
    const leader = new Leader(to);
    leader.hear(from);
    const { origin } = from;
    const position = { origin, sequence: 1, hash: new Uint8Array(32) };
    const fork = { kind: "forked", theirs: position, ours: new Uint8Array(32) } as const;
    leader.act(leader.puller.onMessage(origin, fork, leader.nowMs));
    leader.later();
    expect(leader.wanted.at(-1)).toEqual([]);
    to.change({ change: "forked", origin });
    to.configure({ ...CONFIG, epoch: 2 });
    leader.act(leader.puller.onNews(leader.nowMs));
    leader.later();
    expect(leader.wanted.at(-1)).toEqual([]);
    to.configure(closedAfter(3));
    leader.act(leader.puller.onNews(leader.nowMs));
    leader.later();
    expect(leader.wanted.at(-1)).toEqual([origin]);
  });

  test("is wanted again where the log never heard of the other history", () => {
    const [from, to] = [minted(1), puller()];
    const leader = new Leader(to);
    leader.hear(from);
    const position = { origin: from.origin, sequence: 1, hash: new Uint8Array(32) };
    const fork = { kind: "forked", theirs: position, ours: new Uint8Array(32) } as const;
    leader.act(leader.puller.onMessage(from.origin, fork, leader.nowMs));
    to.configure({ ...CONFIG, epoch: 2 });
    leader.act(leader.puller.onNews(leader.nowMs));
    leader.later();
    expect(leader.wanted.at(-1)).toEqual([from.origin]);
  });
});

/** The first region is parted; others have more of it than this one. */
function closedAfter(epoch: number): FederationConfig {
  const [gone, ...members] = CONFIG.members;
  const { origin, incarnation, name: region } = present(gone, "a member");
  return {
    ...CONFIG,
    epoch,
    members,
    closed: [{ origin, incarnation, region, cut: 9, closed: epoch }],
  };
}
