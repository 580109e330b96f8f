// Damaged logs that members bring back for each other: exactly the entries that were lost, by name, or a
// leader's whole log where damage swallowed the names; in place only when all of it is durable. A crash at
// any point leaves the damaged log or the mended one (scenarios 75 to 77).
import { describe, expect, test } from "@jest/globals";
import { logIndex, nodeId, present } from "../../base/index.ts";
import type { BootNonce, MonotonicMs, NodeId } from "../../base/index.ts";
import type { Entry, Epoch, StorageOp } from "../../consensus/index.ts";
import type { PeerMessage } from "../../rpc/peer-message.ts";
import { REPLICA_LIMITS_DEFAULT } from "../../server/limits.ts";
import { LogMender } from "../../server/log-mender.ts";
import { RepairAnswers } from "../../server/repair-answers.ts";
import type { DiskFailure } from "../../store/disk.ts";
import type { DamagedLog, LogOptions } from "../../store/log.ts";
import { MemoryDisk } from "../../store/memory-disk.ts";
import { nextTurn } from "../contract/answers.ts";
import {
  BOOTSTRAP,
  SMALL_LOG,
  WrittenLog,
  append,
  compactTo,
  opening,
  outline,
  promise,
  term,
  truncateFrom,
} from "../contract/log-writing.ts";

type Files = ReadonlyMap<string, Uint8Array>;

const OPTIONS: LogOptions = { ...SMALL_LOG, segmentBytes: 2048, cacheBytesMax: 1000 };
const LIMITS = { ...REPLICA_LIMITS_DEFAULT, repairEntriesMax: 3, repairBytesMax: 200 };
const segment = (sequence: number): string => `segment-${String(sequence).padStart(12, "0")}.log`;

function diskOf(files: Files): MemoryDisk {
  const disk = new MemoryDisk({ schedule: nextTurn });
  for (const [name, bytes] of files) disk.place(name, bytes.slice());
  return disk;
}

function filesOf(disk: MemoryDisk): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of disk.names()) disk.damage(name, (bytes) => files.set(name, bytes.slice()));
  return files;
}

/** Entries 1 to 60 in batches of two over three segments; closed, so that all of it is proven. */
async function written(...last: readonly StorageOp[]): Promise<Files> {
  const disk = new MemoryDisk({ schedule: nextTurn });
  const log = await WrittenLog.open(disk, OPTIONS);
  await log.write(promise(2, 1));
  for (let first = 1; first < 60; first += 2) await log.write(append(first, first + 1, 2, 20));
  for (const op of last) await log.write(op);
  await log.close();
  return filesOf(disk);
}

function flip(bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
}

/** Of the segment: where the command bytes of its entries lie. */
function payloads(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let at = 0; at + 20 <= bytes.length; at += 1) {
    const value = bytes[at] ?? 0;
    const run = bytes.subarray(at, at + 20);
    const begins = value !== 0 && bytes[at - 1] !== value && run.every((byte) => byte === value);
    if (begins) found.push(at);
  }
  return found;
}

async function damagedLog(disk: MemoryDisk): Promise<DamagedLog> {
  const opened = await opening(disk, OPTIONS);
  if (opened.ok || opened.damaged === undefined) throw new Error("the log is not damaged");
  return opened.damaged;
}

interface Member {
  receive(message: PeerMessage): void;
}

/** Messages arrive in a later turn, each once. */
class Town {
  readonly members = new Map<NodeId, Member>();
  readonly said: PeerMessage[] = [];
  nowMs = 0;

  readonly send = (to: NodeId, message: PeerMessage): void => {
    this.said.push(message);
    setImmediate(() => this.members.get(to)?.receive(message));
  };

  async mend(id: number, damaged: DamagedLog, peers: readonly number[]): Promise<Mended> {
    let mender: LogMender | undefined;
    const ticks = setInterval(() => {
      this.nowMs += 200;
      mender?.tick();
    }, 1);
    const failure = await new Promise<DiskFailure | undefined>((resolve) => {
      mender = new LogMender({
        id: nodeId(id),
        incarnation: 7n,
        boot: BigInt(id) as BootNonce,
        protocol: "raft",
        damaged,
        peers: peers.map((peer) => nodeId(peer)),
        limits: LIMITS,
        now: () => this.nowMs as MonotonicMs,
        send: this.send,
        journal: { info: () => undefined, warn: () => undefined, error: () => undefined },
        done: resolve,
      });
      this.members.set(nodeId(id), mender);
      mender.begin();
    });
    clearInterval(ticks);
    return { failure };
  }

  /** A member that serves, as a leader of `epoch` if that is given. */
  serve(id: number, log: WrittenLog, epoch?: Epoch): void {
    const answers = new RepairAnswers({
      id: nodeId(id),
      log: log.log,
      limits: LIMITS,
      status: () => ({
        role: epoch === undefined ? "follower" : "leader",
        epoch: epoch ?? term(1),
        committed: logIndex(Math.max(0, log.log.reader.last() - 1)),
        durable: log.log.reader.last(),
        applied: logIndex(0),
        config: BOOTSTRAP,
      }),
      send: this.send,
      onFailure: (failure) => {
        throw new Error(failure.message);
      },
    });
    this.members.set(nodeId(id), {
      receive: (message) => {
        if (message.kind === "repair-wanted") answers.onWanted(message);
      },
    });
  }
}

interface Mended {
  readonly failure: DiskFailure | undefined;
}

async function contentOf(disk: MemoryDisk): Promise<{ entries: Entry[]; log: WrittenLog }> {
  const log = await WrittenLog.open(disk, OPTIONS);
  return { entries: await log.entries(), log };
}

describe("entries whose names are known", () => {
  test("are brought back byte by byte, and the promise with them (75)", async () => {
    const files = await written(promise(5, 2));
    const whole = await contentOf(diskOf(files));
    const disk = diskOf(files);
    for (const sequence of [1, 2, 3]) {
      disk.damage(segment(sequence), (bytes) => {
        for (const at of payloads(bytes).filter((_, count) => count % 4 === 1)) flip(bytes, at + 3);
      });
    }
    const damaged = await damagedLog(disk);
    expect(damaged.lost?.length).toBeGreaterThan(10);
    const town = new Town();
    town.serve(2, await WrittenLog.open(diskOf(files), OPTIONS));
    expect(await town.mend(1, damaged, [3, 2])).toEqual({ failure: undefined });
    const mended = await contentOf(disk);
    expect(mended.entries).toEqual(whole.entries);
    expect(mended.log.recovery).toMatchObject({ promised: term(5), votedFor: 2 });
    expect(disk.names()).toEqual(["hard-state", segment(4)]);
    await mended.log.write(append(61, 62, 5, 20));
    await mended.log.close();
    const again = await contentOf(disk);
    expect(outline(again.entries)).toBe(`${outline(whole.entries)} 61@5 62@5`);
  });

  test("lost in different places at every member come from each other (76)", async () => {
    const files = await written();
    const whole = outline((await contentOf(diskOf(files))).entries);
    const disks = [0, 1, 2].map((member) => {
      const disk = diskOf(files);
      for (const sequence of [1, 2, 3]) {
        disk.damage(segment(sequence), (bytes) => {
          const struck = payloads(bytes).filter((_, count) => count % 3 === member);
          for (const at of struck) flip(bytes, at);
        });
      }
      return disk;
    });
    const town = new Town();
    const logs = await Promise.all(disks.map(async (disk) => damagedLog(disk)));
    const found = await Promise.all(
      disks.map(async (disk, at) => {
        const peers = [1, 2, 3].filter((peer) => peer !== at + 1);
        await town.mend(at + 1, present(logs[at], "a damaged log"), peers);
        const { entries, log } = await contentOf(disk);
        // Mended, it goes on answering those that are not.
        town.serve(at + 1, log);
        return outline(entries);
      }),
    );
    expect(found).toEqual([whole, whole, whole]);
  });

  test("tell a leader from before the promise that its time is over: only its successor's log will do", async () => {
    const disk = diskOf(await written(promise(5, 1)));
    disk.damage(segment(2), (bytes) => flip(bytes, payloads(bytes)[3] ?? 0));
    const town = new Town();
    const mended = town.mend(1, await damagedLog(disk), [2]);
    const heartbeat = (epoch: Epoch): PeerMessage => ({
      kind: "consensus",
      envelope: {
        from: nodeId(2),
        to: nodeId(1),
        incarnation: 1n,
        epoch,
        body: {
          kind: "heartbeat",
          round: { boot: 1n as BootNonce, counter: 1 },
          commit: logIndex(0),
        },
      },
    });
    town.send(nodeId(1), heartbeat(term(4)));
    town.send(nodeId(1), heartbeat(term(5)));
    town.serve(2, await WrittenLog.open(diskOf(await written()), OPTIONS));
    await mended;
    const told = town.said.flatMap((said) =>
      said.kind === "consensus" && said.envelope.from === 1 ? [said.envelope] : [],
    );
    expect(told).toMatchObject([{ to: 2, epoch: term(5), body: { kind: "stale-epoch" } }]);
  });

  test("of another epoch, or with other bytes, are not taken", async () => {
    const files = await written();
    const disk = diskOf(files);
    disk.damage(segment(2), (bytes) => flip(bytes, payloads(bytes)[3] ?? 0));
    const damaged = await damagedLog(disk);
    const [lost] = damaged.lost ?? [];
    if (lost === undefined) throw new Error("nothing is lost");
    const data = new Uint8Array(20).fill(lost.index % 251);
    const right: Entry = { ...lost, kind: "command", data };
    expect(damaged.isLost(right)).toBe(true);
    expect(damaged.isLost({ ...right, epoch: term(3) })).toBe(false);
    expect(damaged.isLost({ ...right, data: data.slice(1) })).toBe(false);
    expect(damaged.isLost({ index: lost.index, epoch: lost.epoch, kind: "noop" })).toBe(false);
  });

  test("that were overwritten or truncated since are not missed", async () => {
    const files = await written(truncateFrom(11), append(11, 12, 3, 20), compactTo(4, 2));
    const disk = diskOf(files);
    const whole = outline((await contentOf(diskOf(files))).entries);
    disk.damage(segment(1), (bytes) => {
      for (const at of payloads(bytes)) flip(bytes, at);
    });
    const damaged = await damagedLog(disk);
    expect(damaged.lost?.map(({ index }) => index)).toEqual([5, 6, 7, 8, 9, 10]);
    const town = new Town();
    town.serve(2, await WrittenLog.open(diskOf(files), OPTIONS));
    await town.mend(1, damaged, [2]);
    expect(outline((await contentOf(disk)).entries)).toBe(whole);
  });
});

describe("damage that swallowed names", () => {
  async function nameless(files: Files): Promise<[MemoryDisk, DamagedLog]> {
    const disk = diskOf(files);
    disk.damage(segment(2), (bytes) => bytes.fill(0xaa, 900, 1100));
    const damaged = await damagedLog(disk);
    expect(damaged.lost).toBeUndefined();
    return [disk, damaged];
  }

  test("waits for a leader of its epoch or later, and takes that leader's log (75)", async () => {
    const [disk, damaged] = await nameless(await written());
    const town = new Town();
    const leaderDisk = diskOf(await written(truncateFrom(59), append(59, 64, 4, 20)));
    const leader = await WrittenLog.open(leaderDisk, OPTIONS);
    // One that leads an older epoch, or follows, has nothing to say.
    town.serve(3, leader, term(1));
    const asks = (): number => town.said.filter(({ kind }) => kind === "repair-wanted").length;
    const mending = town.mend(1, damaged, [3, 2]);
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (asks() < 6) return;
        clearInterval(look);
        resolve();
      }, 1);
    });
    expect(disk.names()).not.toContain(segment(4));
    town.serve(2, leader, term(4));
    await mending;
    const { entries, log } = await contentOf(disk);
    expect(entries).toEqual(await leader.entries());
    expect(log.recovery).toMatchObject({ promised: term(4), votedFor: 0, commitHint: 63 });
  });

  test("takes the leader's compaction with its log", async () => {
    const [disk, damaged] = await nameless(await written());
    const town = new Town();
    const leader = await WrittenLog.open(diskOf(await written(compactTo(40, 2))), OPTIONS);
    town.serve(2, leader, term(2));
    await town.mend(1, damaged, [2]);
    const { entries, log } = await contentOf(disk);
    expect(log.log.reader.first()).toBe(41);
    expect(entries).toEqual(await leader.entries());
    // Its own epoch: a vote that was cast in it stays cast.
    expect(log.recovery).toMatchObject({ promised: term(2), votedFor: 1 });
  });

  test("a log of which no segment is left is a leader's too", async () => {
    const files = await written();
    const disk = diskOf(new Map([...files].filter(([name]) => name === "hard-state")));
    const damaged = await damagedLog(disk);
    expect(damaged.lost).toBeUndefined();
    const town = new Town();
    const leader = await WrittenLog.open(diskOf(files), OPTIONS);
    town.serve(2, leader, term(2));
    await town.mend(1, damaged, [2]);
    expect((await contentOf(disk)).entries).toEqual(await leader.entries());
  });
});

test("a crash at any write of a mending leaves the damaged log or the mended one", async () => {
  const files = await written();
  const whole = outline((await contentOf(diskOf(files))).entries);
  let ended = false;
  for (let crashAt = 1; !ended; crashAt += 1) {
    let writes = 0;
    const disk = new MemoryDisk({
      schedule: nextTurn,
      fault: ({ kind }) => {
        if (kind === "read" || kind === "list" || kind === "size") return undefined;
        writes += 1;
        return writes >= crashAt ? { kind: "io", message: "the machine is gone" } : undefined;
      },
    });
    for (const [name, bytes] of files) disk.place(name, bytes.slice());
    disk.damage(segment(1), (bytes) => flip(bytes, payloads(bytes)[2] ?? 0));
    const damaged = await damagedLog(disk);
    const town = new Town();
    town.serve(2, await WrittenLog.open(diskOf(files), OPTIONS));
    const { failure } = await town.mend(1, damaged, [2]);
    ended = failure === undefined;
    const after = diskOf(filesOf(disk));
    const opened = await opening(after, OPTIONS);
    if (opened.ok) {
      expect(ended).toBe(true);
      expect(outline(await new WrittenLog(opened.log, opened.recovery).entries())).toBe(whole);
    } else {
      expect(opened.damaged?.lost).toHaveLength(1);
    }
  }
});

describe("a promise that cannot be known", () => {
  test("is not guessed: a damaged slot beside a log that lost names is refused (77)", async () => {
    const disk = diskOf(await written());
    disk.damage(segment(2), (bytes) => bytes.fill(0xaa, 900, 1100));
    disk.damage("hard-state", (bytes) => flip(bytes, 20));
    const opened = await opening(disk, OPTIONS);
    expect(opened).toMatchObject({ ok: false, failure: { kind: "corrupt" } });
    expect("damaged" in opened).toBe(false);
  });

  test("is in the log, where that names all its records: a damaged slot beside them is no matter", async () => {
    const disk = diskOf(await written(promise(7, 3)));
    disk.damage(segment(2), (bytes) => flip(bytes, payloads(bytes)[3] ?? 0));
    disk.damage("hard-state", (bytes) => flip(bytes, 20));
    const damaged = await damagedLog(disk);
    expect(damaged.foundation).toMatchObject({ promised: term(7), votedFor: 3 });
  });

  test("a damaged slot beside a torn tail is refused too: no crash does both (77)", async () => {
    const disk = diskOf(await written());
    disk.damage(segment(3), (bytes) => {
      const until = bytes.findLastIndex((byte) => byte !== 0) + 1;
      bytes.fill(0x55, Math.ceil(until / 8) * 8, Math.ceil(until / 8) * 8 + 20);
    });
    expect((await opening(disk, OPTIONS)).ok).toBe(true);
    const torn = diskOf(await written());
    torn.damage(segment(3), (bytes) => {
      const until = bytes.findLastIndex((byte) => byte !== 0) + 1;
      bytes.fill(0x55, Math.ceil(until / 8) * 8, Math.ceil(until / 8) * 8 + 20);
    });
    torn.damage("hard-state", (bytes) => flip(bytes, 4096 + 20));
    expect(await opening(torn, OPTIONS)).toMatchObject({ ok: false, failure: { kind: "corrupt" } });
  });
});
