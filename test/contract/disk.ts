// What the few file operations under the log do, on any disk.
import { describe, expect, test } from "@jest/globals";
import type { Disk } from "../../store/disk.ts";
import { answerOf, endOf, refusalOf } from "./answers.ts";
import type { LogDisk } from "./log.ts";

/** The port with promises. */
class AskedDisk {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async list(): Promise<readonly string[]> {
    return answerOf((done) => this.#disk.list(done));
  }

  async size(name: string): Promise<number> {
    return answerOf((done) => this.#disk.size(name, done));
  }

  async read(name: string, offset: number, length: number): Promise<number[]> {
    return [...(await answerOf<Uint8Array>((done) => this.#disk.read(name, offset, length, done)))];
  }

  async create(name: string, size: number): Promise<void> {
    await endOf((done) => this.#disk.create(name, size, (failure) => done(failure)));
  }

  async write(name: string, offset: number, bytes: readonly number[], sync = true): Promise<void> {
    const given = Uint8Array.from(bytes);
    await endOf((done) => this.#disk.write(name, offset, given, sync, (f) => done(f)));
    given.fill(0xee);
  }

  async truncate(name: string, size: number): Promise<void> {
    await endOf((done) => this.#disk.truncate(name, size, (failure) => done(failure)));
  }

  async remove(name: string): Promise<void> {
    await endOf((done) => this.#disk.remove(name, (failure) => done(failure)));
  }

  async rename(from: string, to: string): Promise<void> {
    await endOf((done) => this.#disk.rename(from, to, (failure) => done(failure)));
  }

  async close(): Promise<void> {
    await endOf((done) => this.#disk.close((failure) => done(failure)));
  }
}

/** Runs the suite on disks of this kind. */
export function diskContract(name: string, createDisk: () => LogDisk): void {
  async function withDisk(
    run: (disk: AskedDisk, again: () => Disk) => Promise<void>,
  ): Promise<void> {
    const twin = createDisk();
    try {
      const disk = new AskedDisk(twin.open());
      await run(disk, () => twin.open());
      await disk.close();
    } finally {
      twin.end();
    }
  }

  describe(`disk: ${name}`, () => {
    test("a created file is of zeros, and listed in order", async () => {
      await withDisk(async (disk) => {
        expect(await disk.list()).toEqual([]);
        await disk.create("b.log", 10);
        await disk.create("a.log", 0);
        expect(await disk.list()).toEqual(["a.log", "b.log"]);
        expect(await disk.size("b.log")).toBe(10);
        expect(await disk.read("b.log", 0, 10)).toEqual(new Array(10).fill(0));
      });
    });

    test("creating a file again empties it", async () => {
      await withDisk(async (disk) => {
        await disk.create("a", 3);
        await disk.write("a", 0, [1, 2, 3]);
        await disk.create("a", 4);
        expect(await disk.read("a", 0, 9)).toEqual([0, 0, 0, 0]);
      });
    });

    test("writes land inside and at the end, synced or not, empty ones too", async () => {
      await withDisk(async (disk) => {
        await disk.create("a", 4);
        await disk.write("a", 1, [1, 2]);
        await disk.write("a", 4, [5, 6], false);
        await disk.write("a", 2, [9], false);
        await disk.write("a", 0, [7]);
        await disk.write("a", 3, [], true);
        expect(await disk.read("a", 0, 100)).toEqual([7, 1, 9, 0, 5, 6]);
        expect(await disk.size("a")).toBe(6);
      });
    });

    test("a read past the end brings what there is", async () => {
      await withDisk(async (disk) => {
        await disk.create("a", 0);
        await disk.write("a", 0, [1, 2, 3]);
        expect(await disk.read("a", 2, 10)).toEqual([3]);
        expect(await disk.read("a", 3, 10)).toEqual([]);
        expect(await disk.read("a", 9, 1)).toEqual([]);
      });
    });

    test("truncate shortens", async () => {
      await withDisk(async (disk) => {
        await disk.create("a", 0);
        await disk.write("a", 0, [1, 2, 3], false);
        await disk.truncate("a", 1);
        expect(await disk.read("a", 0, 9)).toEqual([1]);
      });
    });

    test("rename replaces, and writes go on under the name that a file has", async () => {
      await withDisk(async (disk) => {
        await disk.create("a", 0);
        await disk.create("b", 0);
        await disk.write("a", 0, [1]);
        await disk.write("b", 0, [2]);
        await disk.rename("a", "b");
        await disk.write("b", 1, [3]);
        expect(await disk.list()).toEqual(["b"]);
        expect(await disk.read("b", 0, 9)).toEqual([1, 3]);
      });
    });

    test("remove takes the file, and one made later under its name is another", async () => {
      await withDisk(async (disk) => {
        await disk.create("a", 2);
        await disk.write("a", 0, [1, 2]);
        await disk.remove("a");
        expect(await disk.list()).toEqual([]);
        await disk.create("a", 2);
        await disk.write("a", 1, [3]);
        expect(await disk.read("a", 0, 9)).toEqual([0, 3]);
      });
    });

    test("what is not there is missing, and nothing comes of the attempt", async () => {
      await withDisk(async (disk) => {
        for (const attempt of [
          disk.size("x"),
          disk.read("x", 0, 1),
          disk.write("x", 0, [1]),
          disk.truncate("x", 0),
          disk.remove("x"),
          disk.rename("x", "y"),
        ]) {
          expect(await refusalOf(attempt)).toMatchObject({ kind: "missing" });
        }
        expect(await disk.list()).toEqual([]);
      });
    });

    test("more files than stay open are written in turn, and read after a restart", async () => {
      await withDisk(async (disk, again) => {
        const names = Array.from({ length: 20 }, (_, at) => `f${String(at).padStart(2, "0")}`);
        for (const each of names) await disk.create(each, 1);
        for (const value of [1, 2]) {
          await Promise.all(names.map(async (each, at) => disk.write(each, 0, [value * at])));
        }
        const restarted = new AskedDisk(again());
        expect(await restarted.list()).toEqual(names);
        for (const [at, each] of names.entries()) {
          expect(await restarted.read(each, 0, 1)).toEqual([2 * at]);
        }
        await restarted.close();
      });
    });

    test("completions never come inside the call", async () => {
      await withDisk(async (disk, again) => {
        await disk.create("a", 1);
        const bare = again();
        let calling = true;
        const inside: boolean[] = [];
        const ended = [
          new Promise<void>((resolve) => {
            bare.size("a", () => resolve(void inside.push(calling)));
          }),
          new Promise<void>((resolve) => {
            bare.write("a", 0, new Uint8Array(), true, () => resolve(void inside.push(calling)));
          }),
          new Promise<void>((resolve) => {
            bare.list(() => resolve(void inside.push(calling)));
          }),
        ];
        calling = false;
        await Promise.all(ended);
        expect(inside).toEqual([false, false, false]);
        await new AskedDisk(bare).close();
      });
    });
  });
}
