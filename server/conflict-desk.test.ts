// Conflicts for clients, over a region's real state: pages with a bound, for who may read the keys; the record from
// memory and from the engine; and the stream of it, which waits for its reader (federation 5).
import { describe, expect, test } from "@jest/globals";
import { KvError, assert, compareBytes } from "../base/index.ts";
import type { Key, MonotonicMs } from "../base/index.ts";
import { hansa } from "../proto/index.ts";
import { ConflictStream } from "../rpc/conflict-stream.ts";
import type {
  Answer,
  Call,
  CallContext,
  Header,
  OpenConflicts,
  OpenNews,
  SettledConflicts,
} from "../rpc/index.ts";
import { NOBODY } from "../store/index.ts";
import type { AuthChange, Caller, EngineRange, KeyRange } from "../store/index.ts";
import { policy } from "../test/federation/document.ts";
import { configOf, exchange, regions } from "../test/federation/region.ts";
import type { Region } from "../test/federation/region.ts";
import { put } from "../test/store/requests.ts";
import { ConflictDesk } from "./conflict-desk.ts";

const HEADER: Header = {
  clusterId: 1n as Header["clusterId"],
  memberId: 2n as Header["memberId"],
  revision: 1 as Header["revision"],
  raftTerm: 1,
  region: "east",
};
const ALL: KeyRange = { key: "\0" as Key, end: "\0" as Key };
const { signal } = new AbortController();

function contextOf(caller: Caller = NOBODY): CallContext {
  return { deadlineAtMs: 1_000 as MonotonicMs, signal, caller };
}

type Scan = ConstructorParameters<typeof ConflictDesk>[0]["replica"]["engine"]["scan"];

/** Two regions that have written the same keys without having seen each other. */
class Bench {
  readonly east: Region;
  readonly desk: ConflictDesk;
  readonly #watchers = new Set<() => void>();
  scans = 0;

  constructor(keys: readonly string[], value = "east") {
    const policies = [policy("s/", { policy: "siblings" })];
    const [east, north] = regions(configOf(2, policies));
    assert(east !== undefined && north !== undefined, "two regions");
    for (const key of keys) {
      east.run(put(key, value));
      north.run(put(key, "north"));
    }
    exchange([east, north]);
    this.east = east;
    const scan = (range: EngineRange, bytesMax: number, done: Parameters<Scan>[2]): void => {
      this.scans += 1;
      const rows = east.host.sortedRows().filter(({ key }) => {
        return compareBytes(key, range.from) >= 0 && compareBytes(key, range.until) < 0;
      });
      expect(bytesMax).toBeGreaterThan(0);
      done(undefined, { rows });
    };
    this.desk = new ConflictDesk({
      replica: {
        machine: east.host.machine,
        engine: { scan },
        onChange: (run) => {
          this.#watchers.add(run);
          return () => this.#watchers.delete(run);
        },
      },
      reader: { moment: (_mode, _context, done) => done(undefined) },
      header: () => HEADER,
    });
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** A client of this region has read the siblings and writes in their place. */
  resolve(key: string): void {
    const siblingContext = this.east.state.siblingContextOf(key as Key);
    expect(this.east.run(put(key, "both", { siblingContext })).kind).toBe("put");
    for (const run of [...this.#watchers]) run();
  }

  open(range: KeyRange, countMax = 1_000, caller: Caller = NOBODY): OpenConflicts {
    return valueOf<OpenConflicts>((done) => {
      this.desk.open(range, countMax, contextOf(caller), done);
    });
  }

  settled(from: number, countMax = 1_000, range = ALL, caller?: Caller): SettledConflicts {
    return valueOf<SettledConflicts>((done) => {
      this.desk.settled({ range, from, countMax }, contextOf(caller), done);
    });
  }
}

function valueOf<T>(ask: (done: (answer: Answer<T>) => void) => void): T {
  const answers: Answer<T>[] = [];
  ask((answer) => answers.push(answer));
  const [answer] = answers;
  assert(answer !== undefined && answers.length === 1, "one answer");
  if (!answer.ok) throw answer.error;
  return answer.value;
}

describe("open conflicts", () => {
  test("are listed by range and page, with the context that resolves them, values cut short", () => {
    const bench = new Bench(["s/a", "s/b", "s/c"], "v".repeat(10_000));
    const first = bench.open({ key: "s/" as Key, end: "s0" as Key }, 2);
    expect(first.conflicts.map(({ key }) => key)).toEqual(["s/a", "s/b"]);
    expect(first.next).toBe("s/c");
    const rest = bench.open({ key: "s/c" as Key, end: "\0" as Key });
    expect(rest.conflicts.map(({ key }) => key)).toEqual(["s/c"]);
    expect(rest.next).toBeUndefined();
    expect(bench.open({ key: "s/b" as Key }).conflicts).toHaveLength(1);
    const { siblings } = first.conflicts[0] ?? {};
    expect(siblings?.policy).toBe("siblings");
    const lengths = siblings?.siblings.map(({ value, valueBytes }) => [value?.length, valueBytes]);
    expect(lengths).toEqual([
      [4_096, 10_000],
      [5, 5],
    ]);
    expect(siblings?.siblings.map(({ region }) => region)).toEqual(["east", "north"]);
    expect(siblings?.context).toEqual(bench.east.state.siblingContextOf("s/a" as Key));
  });

  test("are for who may read the range, and in a federation alone", () => {
    const bench = new Bench(["s/a"]);
    const auth = (change: AuthChange): void => {
      expect(bench.east.run({ kind: "auth", change }).kind).toBe("auth");
    };
    const permission = { key: "s/" as Key, end: "s0" as Key, kind: "read" } as const;
    auth({ kind: "role-add", role: "root" });
    auth({ kind: "role-add", role: "reader" });
    auth({ kind: "role-grant", role: "reader", permission });
    for (const user of ["root", "reader"]) {
      auth({ kind: "user-add", user, passwordHash: "" });
      auth({ kind: "user-grant", user, role: user });
    }
    auth({ kind: "enable" });
    const caller = { kind: "user", name: "reader", authRevision: 100 } as const;
    expect(bench.open({ key: "s/" as Key, end: "s0" as Key }, 9, caller).conflicts).toHaveLength(1);
    expect(() => bench.open(ALL, 9, caller)).toThrow(/permission denied/);
    expect(() => bench.settled(0, 9, ALL, caller)).toThrow(/permission denied/);
    expect(() => bench.open(ALL)).toThrow(/user name is empty/);
  });
});

test("the record is paged by number, from memory and then from the engine, and filtered by key", () => {
  const bench = new Bench(["s/a", "s/b", "s/c"]);
  for (const key of ["s/a", "s/b"]) bench.resolve(key);
  const numbersIn = ({ conflicts }: SettledConflicts): number[] => {
    return conflicts.map(({ number }) => number);
  };
  expect(numbersIn(bench.settled(0))).toEqual([1, 2]);
  expect(bench.scans).toBe(0);
  bench.east.host.flush();
  bench.resolve("s/c");
  const page = bench.settled(0, 1);
  expect([numbersIn(page), page.next, page.more]).toEqual([[1], 2, true]);
  // What the engine does not have yet is of the same page.
  const both = bench.settled(page.next);
  expect([numbersIn(both), both.next, both.more]).toEqual([[2, 3], 4, false]);
  expect(bench.scans).toBe(2);
  const memory = bench.settled(3);
  expect([numbersIn(memory), memory.next, memory.more]).toEqual([[3], 4, false]);
  expect(bench.scans).toBe(2);
  const one = bench.settled(0, 9, { key: "s/b" as Key });
  expect([numbersIn(one), one.next]).toEqual([[2], 4]);
  expect(bench.settled(99)).toMatchObject({ conflicts: [], next: 4, more: false });
  const [first] = page.conflicts;
  expect(first?.record).toMatchObject({ key: "s/a", decidedBy: "put" });
  expect(first?.record.lost).toHaveLength(2);
});

test("keys in conflict are told of at first, and again once they have other siblings", () => {
  const bench = new Bench(["s/a", "s/b"]);
  const newsSince = (since: number): OpenNews => {
    const news = bench.desk.openHere({ range: ALL, since }, contextOf());
    if (news instanceof KvError) throw news;
    return news;
  };
  const all = newsSince(0);
  expect(all.conflicts.map(({ key }) => key)).toEqual(["s/a", "s/b"]);
  expect(newsSince(all.last).conflicts).toEqual([]);
  bench.resolve("s/b");
  expect(newsSince(all.last).conflicts).toEqual([]);
  expect(newsSince(0).conflicts.map(({ key }) => key)).toEqual(["s/a"]);
  // Another state took the place of the one that gave the number out.
  expect(newsSince(all.last + 9).conflicts.map(({ key }) => key)).toEqual(["s/a"]);
});

test("a stream tells from a number on, waits for its reader, and ends with its right", () => {
  const bench = new Bench(["s/a", "s/b", "s/c"]);
  bench.resolve("s/a");
  const told: (readonly (number | string)[])[] = [];
  const ends: (KvError | undefined)[] = [];
  let room = true;
  const sink = {
    write: (message: Uint8Array): boolean => {
      const { open, settled } = hansa.v1.ConflictEvents.decode(message);
      told.push([
        ...open.map(({ key }) => Buffer.from(key ?? []).toString()),
        ...settled.map(({ number }) => Number(number)),
      ]);
      return room;
    },
    end: (error?: unknown) => {
      ends.push(error instanceof KvError ? error : undefined);
    },
    pause: () => undefined,
    resume: () => undefined,
  };
  let closed = 0;
  const call = { ...contextOf(), forwarded: false, header: () => undefined } as Call;
  const stream = new ConflictStream(bench.desk, sink, call, () => (closed += 1));
  stream.onMessage(hansa.v1.ConflictWatchRequest.encode({ from: 1, open: true }).finish());
  expect(told).toEqual([["s/b", "s/c", 1]]);
  told.length = 0;
  room = false;
  bench.resolve("s/b");
  bench.resolve("s/c");
  expect(told).toEqual([[2]]);
  room = true;
  stream.onDrain();
  expect(told).toEqual([[2], [3]]);
  expect(() => stream.onMessage(new Uint8Array(0))).toThrow(/asked for once/);
  for (const change of [
    { kind: "role-add", role: "root" },
    { kind: "user-add", user: "root", passwordHash: "" },
    { kind: "user-grant", user: "root", role: "root" },
    { kind: "enable" },
  ] as const) {
    bench.east.run({ kind: "auth", change });
  }
  const late = new ConflictStream(bench.desk, sink, call, () => (closed += 1));
  late.onMessage(new Uint8Array(0));
  expect(ends.map((error) => error?.code)).toEqual(["user-empty"]);
  expect(bench.watcherCount).toBe(2);
  stream.onClose();
  late.onClose();
  late.onClose();
  expect([bench.watcherCount, closed]).toEqual([0, 2]);
});
