// The simulator's own devices keep the promises that its verdicts rest on: events in order, a disk and an
// engine that lose exactly what they may, clocks that show what they are set to.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { NodeId } from "../../base/index.ts";
import type { Disk } from "../../store/disk.ts";
import type { Engine } from "../../store/engine.ts";
import { Chance } from "./chance.ts";
import { SimClock } from "./clock.ts";
import { EventQueue } from "./events.ts";
import { NETWORK_HEALTHY, SimNetwork } from "./network.ts";
import { Process } from "./process.ts";
import { DISK_HEALTHY, SimDisk } from "./sim-disk.ts";
import type { CrashLoss } from "./sim-disk.ts";
import { SimEngine } from "./sim-engine.ts";

function drain(events: EventQueue): void {
  for (let event = events.next(); event !== undefined; event = events.next()) event.run();
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

describe("EventQueue", () => {
  test("runs events by time, ties in the order of scheduling", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 60 }), (delays) => {
        const events = new EventQueue();
        const ran: { delay: number; at: number }[] = [];
        delays.forEach((delay, at) => {
          events.schedule(delay, "", () => ran.push({ delay, at }));
        });
        drain(events);
        const expected = delays
          .map((delay, at) => ({ delay, at }))
          .sort((left, right) => left.delay - right.delay || left.at - right.at);
        expect(ran).toEqual(expected);
      }),
    );
  });
});

describe("Process", () => {
  test("what a dead process waited for never comes, what a stopped one waits for comes later", () => {
    const events = new EventQueue();
    const process = new Process("n1", events, new Chance(1));
    const ran: string[] = [];
    process.start();
    process.schedule(1, "a", () => ran.push("first life"));
    process.die();
    process.start();
    process.schedule(1, "b", () => ran.push("while stopped"));
    process.stop();
    drain(events);
    expect(ran).toEqual([]);
    process.resume();
    drain(events);
    expect(ran).toEqual(["while stopped"]);
  });
});

describe("SimClock", () => {
  test("the monotonic clock follows its rate, stands still in suspension, and never goes back", () => {
    let trueMs = 1000;
    const clock = new SimClock(() => trueMs, 500, 0);
    clock.setRate(1.1);
    trueMs += 100;
    expect(clock.monotonicMs()).toBeCloseTo(610);
    clock.suspend();
    const wallMs = clock.wallMs();
    trueMs += 5000;
    expect(clock.monotonicMs()).toBeCloseTo(610);
    expect(clock.wallMs() - wallMs).toBe(5000);
    clock.resume();
    clock.jumpWall(-60_000);
    trueMs += 10;
    expect(clock.monotonicMs()).toBeCloseTo(621);
  });
});

describe("SimNetwork", () => {
  test("a message dies with its link, sent before or after the cut, until every cut is mended", () => {
    const events = new EventQueue();
    const got: string[] = [];
    const network = new SimNetwork<string>(
      events,
      new Chance(1),
      NETWORK_HEALTHY,
      (from, to, packet) => got.push(`${from}>${to} ${packet}`),
    );
    const [one, two] = [1 as NodeId, 2 as NodeId];
    network.send(one, two, "in flight");
    network.cut(one, two);
    network.cut(one, two);
    network.send(one, two, "into the cut");
    network.send(two, one, "the other way");
    drain(events);
    network.mend(one, two);
    network.send(one, two, "one reason left");
    drain(events);
    network.mend(one, two);
    network.send(one, two, "whole");
    drain(events);
    expect(got).toEqual(["2>1 the other way", "1>2 whole"]);
  });
});

interface DiskWorld {
  readonly events: EventQueue;
  readonly process: Process;
  readonly device: SimDisk;
  readonly disk: Disk;
}

function diskWorld(seed: number): DiskWorld {
  const events = new EventQueue();
  const chance = new Chance(seed);
  const process = new Process("n1", events, chance.stream());
  process.start();
  const device = new SimDisk("n1", events, chance.stream(), DISK_HEALTHY);
  const disk = device.open(process);
  disk.create("log", 4096, () => undefined);
  drain(events);
  return { events, process, device, disk };
}

/** The bytes that a new life of the process finds. */
function afterPowerCut(world: DiskWorld, loss: CrashLoss): Uint8Array {
  world.process.die();
  world.device.powerLost(loss);
  world.process.start();
  let found = new Uint8Array();
  world.device.open(world.process).read("log", 0, 4096, (_failure, read) => {
    found = Uint8Array.from(read);
  });
  drain(world.events);
  return found;
}

describe("SimDisk", () => {
  test("a power cut keeps what was synced and may lose what was not", () => {
    for (const loss of ["all", "any", "none"] as const) {
      const world = diskWorld(7);
      world.disk.write("log", 0, bytes(1, 1), true, () => undefined);
      drain(world.events);
      world.disk.write("log", 2, bytes(2, 2), false, () => undefined);
      drain(world.events);
      const found = afterPowerCut(world, loss);
      expect([...found.subarray(0, 2)]).toEqual([1, 1]);
      if (loss === "all") expect([...found.subarray(2, 4)]).toEqual([0, 0]);
      if (loss === "none") expect([...found.subarray(2, 4)]).toEqual([2, 2]);
    }
  });

  test("unsynced sectors are lost in any order, each whole or not at all", () => {
    const patterns = new Set<string>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const world = diskWorld(seed);
      for (const sector of [0, 1, 2]) {
        world.disk.write("log", sector * 512, new Uint8Array(512).fill(9), false, () => undefined);
      }
      drain(world.events);
      const found = afterPowerCut(world, "any");
      const kept = [0, 1, 2].map((sector) => [...found.subarray(sector * 512, sector * 512 + 512)]);
      for (const sector of kept) expect(new Set(sector).size).toBe(1);
      patterns.add(kept.map(([first]) => (first === 9 ? "kept" : "lost")).join());
    }
    expect(patterns.size).toBe(8);
  });

  test("a sync covers every earlier write to the file", () => {
    const world = diskWorld(3);
    world.disk.write("log", 600, bytes(5), false, () => undefined);
    drain(world.events);
    world.disk.write("log", 0, bytes(6), true, () => undefined);
    drain(world.events);
    const found = afterPowerCut(world, "all");
    expect([found[0], found[600]]).toEqual([6, 5]);
  });

  test("a write in flight when power fails is never reported", () => {
    const world = diskWorld(3);
    let reported = false;
    world.disk.write("log", 0, bytes(6), true, () => {
      reported = true;
    });
    afterPowerCut(world, "any");
    expect(reported).toBe(false);
  });
});

describe("SimEngine", () => {
  /** Ten batches without sync, one row each; then power fails. Which rows are left? */
  function rowsLeft(seed: number, gapRate: number): string {
    const events = new EventQueue();
    const chance = new Chance(seed);
    const process = new Process("n1", events, chance.stream());
    process.start();
    const device = new SimEngine("n1", events, chance.stream(), DISK_HEALTHY, gapRate);
    const engine: Engine = device.open(process);
    for (let row = 0; row < 10; row += 1) {
      engine.write([{ op: "put", key: bytes(row), value: bytes(row) }], row === 2, () => undefined);
      drain(events);
    }
    process.die();
    device.powerLost();
    const left = [...Array(10).keys()].filter((row) => device.peek(bytes(row)) !== undefined);
    return left.join("");
  }

  test("a power cut takes a suffix of the unsynced batches and nothing synced", () => {
    const seen = new Set([...Array(60).keys()].map((seed) => rowsLeft(seed, 0)));
    for (const left of seen)
      expect("0123456789".startsWith(left) && left.startsWith("012")).toBe(true);
    expect(seen.size).toBe(8);
  });

  test("under the state-gap fault it also takes one from the middle", () => {
    const seen = [...Array(60).keys()].map((seed) => rowsLeft(seed, 1));
    expect(seen.some((left) => !"0123456789".startsWith(left))).toBe(true);
    for (const left of seen) expect(left.startsWith("012")).toBe(true);
  });
});
