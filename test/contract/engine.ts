// What an ordered byte store does under applied state: all or nothing, in order, byte order, pages (S2, S3).
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareBytes, keyOf } from "../../base/index.ts";
import type { Engine, EngineOp, EngineRow } from "../../store/engine.ts";
import { answerOf, endOf } from "./answers.ts";

export interface EngineTwin {
  /** The same store at each call, as after a restart; the engine before is closed. */
  open(): Promise<Engine>;
  end(): void;
}

const ALL = { from: new Uint8Array(), until: Uint8Array.of(0xff) };

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function put(key: string, value: string): EngineOp {
  return { op: "put", key: bytes(key), value: bytes(value) };
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

async function write(engine: Engine, ops: readonly EngineOp[], sync = false): Promise<void> {
  await endOf((done) => engine.write(ops, sync, done));
}

async function get(engine: Engine, ...keys: readonly string[]): Promise<(string | undefined)[]> {
  const values = await answerOf<readonly (Uint8Array | undefined)[]>((done) =>
    engine.get(keys.map(bytes), done),
  );
  return values.map(text);
}

/** All rows, page by page. */
export async function rowsOf(engine: Engine, bytesMax = 100): Promise<EngineRow[]> {
  const rows: EngineRow[] = [];
  let from: Uint8Array | undefined = ALL.from;
  while (from !== undefined) {
    const range = { from, until: ALL.until };
    const page = await answerOf<{ rows: readonly EngineRow[]; next?: Uint8Array }>((done) =>
      engine.scan(range, bytesMax, done),
    );
    rows.push(...page.rows);
    from = page.next;
  }
  return rows;
}

/** Runs the suite on engines of this kind. */
export function engineContract(name: string, createTwin: () => EngineTwin): void {
  async function withTwin(run: (twin: EngineTwin) => Promise<void>): Promise<void> {
    const twin = createTwin();
    try {
      await run(twin);
    } finally {
      twin.end();
    }
  }

  async function withEngine(run: (engine: Engine) => Promise<void>): Promise<void> {
    await withTwin(async (twin) => {
      const engine = await twin.open();
      await run(engine);
      await endOf((done) => engine.close(done));
    });
  }

  describe(`engine: ${name}`, () => {
    test("get answers in the order of its keys, undefined where there is none", async () => {
      await withEngine(async (engine) => {
        await write(engine, [put("a", "1"), put("b", "2"), put("empty", "")]);
        expect(await get(engine, "b", "x", "a", "empty")).toEqual(["2", undefined, "1", ""]);
        expect(await get(engine)).toEqual([]);
      });
    });

    test("the operations of a batch take effect in their order", async () => {
      await withEngine(async (engine) => {
        const gone: EngineOp = { op: "delete", key: bytes("a") };
        await write(engine, [put("a", "1"), gone, put("b", "1"), put("b", "2"), gone]);
        expect(await get(engine, "a", "b")).toEqual([undefined, "2"]);
        await write(engine, []);
      });
    });

    test("completions never come inside the call, and writes end in order", async () => {
      await withEngine(async (engine) => {
        const ended: number[] = [];
        const writes = [0, 1, 2, 3].map(async (turn) => {
          await write(engine, [put("k", String(turn))], turn === 1);
          ended.push(turn);
        });
        expect(ended).toEqual([]);
        await Promise.all(writes);
        expect(ended).toEqual([0, 1, 2, 3]);
        expect(await get(engine, "k")).toEqual(["3"]);
      });
    });

    test("the caller may reuse its bytes once the write has ended", async () => {
      await withEngine(async (engine) => {
        const key = bytes("k");
        const value = bytes("value");
        await write(engine, [{ op: "put", key, value }]);
        value.fill(0);
        key.fill(0);
        expect(await get(engine, "k")).toEqual(["value"]);
      });
    });

    test("a scan ends where the range does, and pages hold at least a row", async () => {
      await withEngine(async (engine) => {
        await write(engine, [
          put("a", "1"),
          put("b", "x".repeat(500)),
          put("c", "3"),
          put("d", "4"),
        ]);
        const scan = async (from: string, until: string, bytesMax: number): Promise<string> => {
          const range = { from: bytes(from), until: bytes(until) };
          const page = await answerOf<{ rows: readonly EngineRow[]; next?: Uint8Array }>((done) =>
            engine.scan(range, bytesMax, done),
          );
          const keys = page.rows.map(({ key }) => text(key)).join("");
          return page.next === undefined ? keys : `${keys}>${text(page.next) ?? ""}`;
        };
        expect(await scan("a", "d", 1e6)).toBe("abc");
        expect(await scan("b", "z", 10)).toBe("b>c");
        expect(await scan("b", "c", 10)).toBe("b");
        expect(await scan("bb", "bc", 10)).toBe("");
        expect(await scan("d", "a", 10)).toBe("");
      });
    });

    test("many gets and scans at once all end", async () => {
      await withEngine(async (engine) => {
        await write(engine, [put("a", "1"), put("b", "2")]);
        const gets = Array.from({ length: 50 }, () => get(engine, "a", "b"));
        const scans = Array.from({ length: 20 }, () => rowsOf(engine, 1));
        for (const values of await Promise.all(gets)) expect(values).toEqual(["1", "2"]);
        for (const rows of await Promise.all(scans)) expect(rows).toHaveLength(2);
      });
    });

    test("what was written is there after a restart", async () => {
      await withTwin(async (twin) => {
        const engine = await twin.open();
        await write(engine, [put("kept", "1")], true);
        await write(engine, [put("also", "2")], false);
        await endOf((done) => engine.close(done));
        const again = await twin.open();
        expect(await get(again, "kept", "also")).toEqual(["1", "2"]);
        await endOf((done) => again.close(done));
      });
    });

    test("a snapshot shows the rows of its moment, page by page, whatever is written since", async () => {
      await withEngine(async (engine) => {
        const before = Array.from({ length: 40 }, (_, at) => put(`k${at + 10}`, "before"));
        await write(engine, before);
        const snapshot = engine.snapshot();
        await write(engine, [put("k00", "after"), put("k10", "after"), put("k99", "after")]);
        const rows: EngineRow[] = [];
        const sizes: number[] = [];
        for (;;) {
          const page = await answerOf<readonly EngineRow[]>((done) => snapshot.next(50, done));
          if (page.length === 0) break;
          rows.push(...page);
          sizes.push(page.length);
          await write(engine, [{ op: "delete", key: bytes(`k${sizes.length + 10}`) }]);
        }
        snapshot.close();
        expect(rows.map(({ key, value }) => [text(key), text(value)])).toEqual(
          Array.from({ length: 40 }, (_, at) => [`k${at + 10}`, "before"]),
        );
        expect(sizes.length).toBeGreaterThan(5);
        expect(await get(engine, "k00", "k10", "k11")).toEqual(["after", "after", undefined]);
      });
    });

    test("a snapshot may end early, and the engine closes after it", async () => {
      await withEngine(async (engine) => {
        await write(engine, [put("a", "1"), put("b", "2")]);
        const [never, early] = [engine.snapshot(), engine.snapshot()];
        await answerOf<readonly EngineRow[]>((done) => early.next(1, done));
        never.close();
        early.close();
      });
    });

    test("a compaction changes no row, and what is written and read meanwhile is right", async () => {
      await withEngine(async (engine) => {
        const rows = Array.from({ length: 400 }, (_, at) => put(`k${at + 100}`, "x".repeat(500)));
        await write(engine, rows);
        const fullBytes = engine.liveBytes();
        expect(fullBytes).toBeGreaterThan(0);
        await write(
          engine,
          rows.slice(10).map(({ key }) => ({ op: "delete", key })),
        );
        const all = { from: bytes("a"), until: bytes("z") };
        const compacted = endOf((done) => engine.compact(all, done));
        await write(engine, [put("k000", "meanwhile")]);
        expect(await get(engine, "k100", "k000", "k110")).toEqual([
          "x".repeat(500),
          "meanwhile",
          undefined,
        ]);
        await compacted;
        await endOf((done) => engine.compact(all, done));
        expect(await rowsOf(engine, 100_000)).toHaveLength(11);
        expect(engine.liveBytes()).toBeLessThan(fullBytes / 2);
      });
    });

    test("agrees with a sorted map over any batches", async () => {
      const key = fc
        .uint8Array({ minLength: 1, maxLength: 3 })
        .map((raw) => raw.map((b) => b % 250));
      const op = fc.oneof(
        fc.record({ op: fc.constant<"put">("put"), key, value: fc.uint8Array({ maxLength: 40 }) }),
        fc.record({ op: fc.constant<"delete">("delete"), key }),
      );
      const batches = fc.array(fc.array(op, { maxLength: 12 }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(batches, fc.integer({ min: 1, max: 200 }), async (all, bytesMax) => {
          await withEngine(async (engine) => {
            const expected = new Map<string, EngineRow>();
            for (const ops of all) {
              await write(engine, ops);
              for (const each of ops) {
                if (each.op === "put") expected.set(keyOf(each.key), each);
                else expected.delete(keyOf(each.key));
              }
            }
            const rows = (await rowsOf(engine, bytesMax)).map(plain);
            const sorted = [...expected.values()].sort((l, r) => compareBytes(l.key, r.key));
            expect(rows).toEqual(sorted.map(plain));
          });
        }),
        { numRuns: 25 },
      );
    });
  });
}

function plain({ key, value }: EngineRow): EngineRow {
  return { key: Uint8Array.from(key), value: Uint8Array.from(value) };
}
