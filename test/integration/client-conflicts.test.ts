// The client's watch of conflicts over real connections: it goes on behind what it was told when a member breaks off,
// and ends with what refuses it for good.
import { afterAll, describe, expect, test } from "@jest/globals";
import { HLC_ZERO, KvError } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import { Client } from "../../client/index.ts";
import { originId, sequence } from "../../federation/index.ts";
import { conflictTable } from "../../rpc/conflict-service.ts";
import type { Conflicts, Header, SettledConflict } from "../../rpc/index.ts";
import { endServed, served } from "./rpc/served.ts";

const HEADER: Header = {
  clusterId: 1n as Header["clusterId"],
  memberId: 2n as Header["memberId"],
  revision: 1 as Header["revision"],
  raftTerm: 1,
  region: "eu",
};

/** A region's record in memory, of which a member breaks off as often as the test says. */
class MemoryRecord implements Conflicts {
  readonly asked: number[] = [];
  breaksAfter: number[] = [];
  refused: KvError | undefined;
  next = 1;
  readonly openLast = 0;
  readonly #watchers = new Set<() => void>();

  settle(): void {
    this.next += 1;
    for (const run of [...this.#watchers]) run();
  }

  open: Conflicts["open"] = (_range, _count, _context, done) => {
    done({ ok: true, header: HEADER, value: { conflicts: [] } });
  };

  settled: Conflicts["settled"] = (wish, context, done) => this.settledHere(wish, context, done);

  settledHere: Conflicts["settledHere"] = ({ from }, _context, done) => {
    this.asked.push(from);
    const broken = this.breaksAfter[0] === from;
    if (broken) this.breaksAfter.shift();
    const gone = new KvError("server-stopped", "not-applied", "etcdserver: server stopped");
    const error = this.refused ?? (broken ? gone : undefined);
    if (error !== undefined) {
      done({ ok: false, error });
      return;
    }
    const conflicts = from < this.next ? [settled(from)] : [];
    const next = Math.min(from, this.next) + conflicts.length;
    const value = { conflicts, next, oldest: 1, more: next < this.next };
    done({ ok: true, header: HEADER, value });
  };

  openHere: Conflicts["openHere"] = () => ({ conflicts: [], last: 0 });

  whenMore(run: () => void): () => void {
    this.#watchers.add(run);
    return () => this.#watchers.delete(run);
  }

  regionOf(origin: number): string {
    return `r${origin}`;
  }
}

function settled(number: number): SettledConflict {
  const dot = { origin: originId(1), sequence: sequence(number) };
  const record = { key: "k" as Key, dot, hlc: HLC_ZERO, kept: dot, lost: [] };
  return { number, record: { ...record, decidedBy: "settle" } };
}

afterAll(endServed);

describe("a watch of conflicts", () => {
  test("goes on behind what it was told, at whichever member answers", async () => {
    const record = new MemoryRecord();
    record.breaksAfter = [2, 4];
    for (let count = 0; count < 5; count += 1) record.settle();
    const { port } = await served(conflictTable({ conflicts: record }));
    const client = new Client({ endpoints: [`127.0.0.1:${port}`], discover: false });
    const told: number[] = [];
    for await (const { settled: some, next } of client.conflicts.watch({ from: 1 })) {
      told.push(...some.map(({ number }) => number));
      expect(next).toBe((told.at(-1) ?? 0) + 1);
      if (told.length === 5) record.settle();
      if (told.length === 6) break;
    }
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    expect(record.breaksAfter).toEqual([]);
    await client.close();
  });

  test("from a number that the member has not come to tells nothing before it, also after a break", async () => {
    const record = new MemoryRecord();
    for (let count = 0; count < 2; count += 1) record.settle();
    const { port } = await served(conflictTable({ conflicts: record }));
    const client = new Client({ endpoints: [`127.0.0.1:${port}`], discover: false });
    const told: number[] = [];
    for await (const { settled: some, next } of client.conflicts.watch({ from: 5 })) {
      told.push(...some.map(({ number }) => number));
      if (told.length > 0) break;
      expect(next).toBe(5);
      record.breaksAfter = [5];
      while (record.next < 6) record.settle();
    }
    expect(told).toEqual([5]);
    expect(record.breaksAfter).toEqual([]);
    await client.close();
  });

  test("what is out of its bounds is refused by a rejection", async () => {
    const { port } = await served(conflictTable({ conflicts: new MemoryRecord() }));
    const client = new Client({ endpoints: [`127.0.0.1:${port}`], discover: false });
    await expect(client.conflicts.settled({ from: -1 })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    await expect(client.conflicts.open({ limit: 1_001 })).rejects.toThrow(/expected 1000 at most/);
    await expect(client.conflicts.open({ limit: 0.5 })).rejects.toThrow(/limit is not an integer/);
    await client.close();
  });

  test("ends with what refuses it for good, and where there is no federation", async () => {
    const record = new MemoryRecord();
    record.refused = new KvError(
      "permission-denied",
      "not-applied",
      "etcdserver: permission denied",
    );
    const endpoints = await Promise.all(
      [conflictTable({ conflicts: record }), conflictTable({})].map(async (table) => {
        const { port } = await served(table);
        return `127.0.0.1:${port}`;
      }),
    );
    const codes = await Promise.all(
      endpoints.map(async (endpoint) => {
        const client = new Client({ endpoints: [endpoint], discover: false });
        const error: unknown = await client.conflicts
          .watch()
          .next()
          .catch((reason: unknown) => reason);
        await client.close();
        return error instanceof KvError ? error.code : error;
      }),
    );
    expect(codes).toEqual(["permission-denied", "federation-refused"]);
  });

  test("ends when its client is closed", async () => {
    const record = new MemoryRecord();
    const { port } = await served(conflictTable({ conflicts: record }));
    const client = new Client({ endpoints: [`127.0.0.1:${port}`], discover: false });
    const watch = client.conflicts.watch();
    expect((await watch.next()).value).toMatchObject({ settled: [], next: 1 });
    const waiting = watch.next();
    const [ended] = await Promise.allSettled([waiting, client.close()]);
    expect(ended).toMatchObject({ status: "rejected", reason: { code: "cancelled" } });
  });
});
