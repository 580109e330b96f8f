// Each validator, on a record that keeps every promise and on copies of it that break one.
import { describe, expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import { lockFindings } from "./fencing.ts";
import type { FencedWrite, Holding } from "./fencing.ts";
import { History } from "./history.ts";
import {
  endedFindings,
  extendedFindings,
  heldFindings,
  keysFindings,
  renewedFindings,
} from "./lease-guarantees.ts";
import type { LeaseRecord } from "./lease-record.ts";
import { watchFindings } from "./watch-guarantees.ts";
import type { Told, ToldEvent, WatchRecord } from "./watch-record.ts";

const NO_LEASE = 0n;

function historyOf(...revisions: readonly string[]): History {
  const history = new History();
  for (const writes of revisions) {
    history.commit(
      writes.split(" ").map((write) => {
        const [key = "", value] = write.split("=");
        return { key, value, lease: NO_LEASE };
      }),
    );
  }
  return history;
}

/** Revisions 2 to 7. */
const HISTORY = historyOf("a=1", "a=2 b=1", "c=1", "a", "a=3", "b a");

function eventsAt(...revisions: readonly number[]): ToldEvent[] {
  return revisions.flatMap((revision) =>
    HISTORY.changesIn(revision, revision)
      .filter(({ key }) => key < "c")
      .map(({ key, pair, before }) => ({
        kind: pair === undefined ? ("delete" as const) : ("put" as const),
        revision,
        key,
        ...(pair === undefined ? {} : { pair }),
        ...(before === undefined ? {} : { before }),
      })),
  );
}

function answer(upTo: number, ...revisions: readonly number[]): Told {
  return { upTo, events: eventsAt(...revisions), isFragment: false };
}

/** Of a and b from revision 2 on. */
function record(...told: readonly Told[]): WatchRecord {
  const span = { key: "a", end: "c" };
  return { asked: { name: "w", ...span, from: 2, puts: true, deletes: true, prevKv: true }, told };
}

const RIGHT = record(answer(3, 2, 3), answer(4), answer(5, 5), answer(7, 6, 7));

function guaranteesOf(watched: WatchRecord, compacted = 0): readonly string[] {
  return [...new Set(watchFindings(HISTORY, compacted, watched).map(({ guarantee }) => guarantee))];
}

/** `RIGHT`, with the first event of its answer `at` changed. */
function changed(at: number, change: (event: ToldEvent) => ToldEvent): WatchRecord {
  const told = RIGHT.told.map((each, index) => {
    const [first, ...others] = each.events;
    if (index !== at) return each;
    return { ...each, events: [change(present(first, "an event")), ...others] };
  });
  return { ...RIGHT, told };
}

describe("a watch", () => {
  test("that was told everything, once, in order, is right", () => {
    expect(guaranteesOf(RIGHT)).toEqual([]);
    expect(guaranteesOf(record())).toEqual([]);
  });

  test("is told of its keys and kinds only", () => {
    const narrow = { ...RIGHT.asked, key: "a", end: "b" };
    expect(guaranteesOf({ ...RIGHT, asked: narrow })).toEqual(["watch-filter"]);
    const putsOnly = { ...RIGHT.asked, deletes: false };
    expect(guaranteesOf({ ...RIGHT, asked: putsOnly })).toEqual(["watch-filter"]);
    const later = { ...RIGHT.asked, from: 3 };
    expect(guaranteesOf({ ...RIGHT, asked: later })).toEqual(["watch-filter"]);
  });

  test("is told of no event twice, and of none after a later one", () => {
    expect(guaranteesOf(record(answer(3, 2, 3), answer(3, 3)))).toContain("watch-unique");
    expect(guaranteesOf(record(answer(3, 3, 2)))).toEqual(["watch-ordered"]);
  });

  test("is told one revision in one answer, or in fragments that say so", () => {
    const [first, second] = eventsAt(3);
    const part = (isFragment: boolean): Told => {
      return { upTo: 3, events: [present(first, "an event")], isFragment };
    };
    const rest = { upTo: 3, events: [present(second, "another")], isFragment: false };
    expect(guaranteesOf(record(answer(2, 2), part(false), rest))).toContain("watch-atomic");
    expect(guaranteesOf(record(answer(2, 2), part(true), rest))).toEqual([]);
    // The rest never came: the client has not been told up to 3.
    expect(guaranteesOf(record(answer(2, 2), part(true)))).toEqual([]);
  });

  test("is told no progress beyond what it was told (etcd#15220)", () => {
    expect(guaranteesOf(record(answer(3), answer(3, 2, 3)))).toEqual(["watch-bookmarkable"]);
    expect(guaranteesOf(record(answer(3, 2, 3), answer(2)))).toEqual(["watch-bookmarkable"]);
    expect(guaranteesOf(record(answer(2, 2, 3)))).toContain("watch-bookmarkable");
  });

  test("misses nothing, neither after it resumed nor later (etcd#19179)", () => {
    expect(guaranteesOf(record(answer(3, 3)))).toEqual(["watch-resumable"]);
    expect(guaranteesOf(record(answer(3, 2, 3), answer(6, 6)))).toEqual(["watch-reliable"]);
    expect(guaranteesOf(record(answer(4)))).toEqual(["watch-resumable"]);
  });

  test("is told what happened", () => {
    const lie = changed(0, (event) => ({ ...event, key: "b" }));
    expect(guaranteesOf(lie)).toContain("watch-true");
    const value = changed(0, (event) => {
      return { ...event, pair: { ...present(event.pair, "a pair"), value: "9" } };
    });
    expect(guaranteesOf(value)).toEqual(["watch-true"]);
    const born = changed(3, (event) => {
      return { ...event, pair: { ...present(event.pair, "a pair"), createRevision: 2 } };
    });
    expect(guaranteesOf(born)).toEqual(["watch-is-create"]);
  });

  test("is told the pair before, unless compaction has taken it", () => {
    const { before: _, ...bare } = present(eventsAt(5)[0], "the delete of a");
    const without = changed(2, () => bare);
    expect(guaranteesOf(without)).toEqual(["watch-prev-kv"]);
    expect(guaranteesOf(without, 5)).toEqual([]);
    const older = changed(2, (event) => {
      return { ...event, before: { ...present(event.before, "a pair"), value: "1" } };
    });
    expect(guaranteesOf(older)).toEqual(["watch-prev-kv"]);
  });

  test("is told no age below the true one", () => {
    const stated = (ageMs: number): WatchRecord => {
      return record({ ...answer(3, 2, 3), statement: { boundMs: 10, ageMs } });
    };
    expect(guaranteesOf(stated(10))).toEqual([]);
    expect(guaranteesOf(stated(11))).toEqual(["watch-fresh"]);
  });
});

describe("a lease", () => {
  const clock = { driftMax: 0.1, slackMs: 1 };
  const lease: LeaseRecord = {
    id: 7n,
    ttlMs: 1_100,
    terms: [
      { askedAtMs: 0, answeredAtMs: 10 },
      { askedAtMs: 500, answeredAtMs: 510 },
      { askedAtMs: 900, answeredAtMs: undefined },
    ],
    revokeAskedAtMs: undefined,
    end: { by: "expire", atMs: 1_500 },
    renewals: 2,
  };

  test("is held for its time from each renewal that was answered", () => {
    expect(heldFindings(clock, lease)).toEqual([]);
    const early = { ...lease, end: { by: "expire", atMs: 1_400 } } as const;
    expect(heldFindings(clock, early)).toMatchObject([{ guarantee: "lease-held" }]);
    expect(heldFindings(clock, { ...early, revokeAskedAtMs: 1_300 })).toEqual([]);
  });

  test("that has ended is renewed for nobody (etcd#20615)", () => {
    expect(renewedFindings(lease)).toEqual([]);
    const terms = [...lease.terms, { askedAtMs: 1_600, answeredAtMs: 1_610 }];
    expect(renewedFindings({ ...lease, terms })).toMatchObject([{ guarantee: "lease-renewed" }]);
  });

  test("ends, once the cluster is whole", () => {
    const { end: _, ...endless } = lease;
    const still = { ...endless, end: undefined };
    expect(endedFindings(3_000, 1_000, 1_000, still)).toEqual([]);
    expect(endedFindings(3_200, 1_000, 1_000, still)).toMatchObject([{ guarantee: "lease-ended" }]);
    expect(endedFindings(3_200, 1_000, 1_000, lease)).toEqual([]);
  });

  test("lives its whole time again only when somebody asked", () => {
    expect(extendedFindings(lease)).toEqual([]);
    expect(extendedFindings({ ...lease, renewals: 3 })).toMatchObject([
      { guarantee: "lease-extended" },
    ]);
  });

  test("takes its keys along", () => {
    const history = new History();
    history.commit([{ key: "k", value: "v", lease: 7n }]);
    expect(keysFindings(history, [{ ...lease, end: undefined }])).toEqual([]);
    expect(keysFindings(history, [lease])).toMatchObject([{ guarantee: "lease-keys" }]);
    history.commit([{ key: "k", value: undefined, lease: NO_LEASE }]);
    expect(keysFindings(history, [lease])).toEqual([]);
  });
});

describe("a lock", () => {
  const history = historyOf("lock/1=a", "lock/2=b", "g=1", "lock/1", "g=2", "lock/2");
  const holdings: Holding[] = [
    { holder: "one", key: "lock/1", token: 2 },
    { holder: "two", key: "lock/2", token: 3 },
  ];
  const writes: FencedWrite[] = [
    { holder: "one", token: 2, revision: 4 },
    { holder: "two", token: 3, revision: 6 },
  ];
  const judged = (held: readonly Holding[], fenced: readonly FencedWrite[]): readonly string[] => {
    return lockFindings(history, "lock/", held, fenced).map(({ guarantee }) => guarantee);
  };

  test("has one holder at a time, whose writes come in the order of the tokens", () => {
    expect(judged(holdings, writes)).toEqual([]);
  });

  test("is held by nobody who is not first in line", () => {
    const early = { holder: "two", token: 3, revision: 4 };
    expect(judged(holdings, [early])).toEqual(["lock-exclusion"]);
    const twice = { holder: "three", key: "lock/2", token: 3 };
    expect(judged([...holdings, twice], writes)).toEqual(["lock-exclusion"]);
    expect(judged([{ holder: "one", key: "lock/1", token: 3 }], [])).toEqual(["lock-exclusion"]);
  });

  test("lets nobody write who was overtaken", () => {
    const late = { holder: "one", token: 2, revision: 7 };
    expect(judged(holdings, [...writes, late])).toEqual(["lock-exclusion", "lock-fencing"]);
  });
});
