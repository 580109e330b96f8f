import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Mulberry32 } from "../base/index.ts";
import type {
  BootNonce,
  LogIndex,
  LogTimeMs,
  MonotonicMs,
  NodeId,
  PlantedBug,
} from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry } from "../consensus/index.ts";
import { storeCodec } from "../rpc/index.ts";
import type { PeerMessage, SnapshotMessage } from "../rpc/index.ts";
import { Machine, NOBODY, encodeCommand, encodeHeaderBlock } from "../store/index.ts";
import type { EngineStore } from "../store/index.ts";
import { MemoryEngine } from "../store/memory-engine.ts";
import { etcdserverpb } from "../proto/index.ts";
import { Applier } from "./applier.ts";
import { REPLICA_LIMITS_DEFAULT } from "./limits.ts";
import type { ReplicaLimits } from "./limits.ts";
import { SnapshotBlocks } from "./snapshot-blocks.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import type { StagedState } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";

const LIMITS: ReplicaLimits = {
  ...REPLICA_LIMITS_DEFAULT,
  snapshotBlockBytes: 200,
  checkpointEntriesMax: 8,
};
const A = 1 as NodeId;
const B = 2 as NodeId;
const C = 3 as NodeId;
const CLUSTER = 0xfeed_0000_0000_0001n;
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Callbacks run when the test says so. */
class Turns {
  readonly #waiting: (() => void)[] = [];

  readonly schedule = (run: () => void): void => {
    this.#waiting.push(run);
  };

  /** One of them; false when there is none. */
  one(): boolean {
    const run = this.#waiting.shift();
    run?.();
    return run !== undefined;
  }

  drain(): void {
    while (this.one());
  }
}

const newMachine = (): Machine => new Machine({ codec: storeCodec, valueCacheBytesMax: 0 });

function put(index: number): Entry {
  const key = new TextEncoder().encode(`key-${index % 37}`);
  const value = new Uint8Array(1 + (index % 90)).fill(index);
  const body = etcdserverpb.PutRequest.encode({ key, value }).finish();
  const origin = { node: A, boot: 1n as BootNonce, counter: index };
  const data = encodeCommand({
    kind: "put",
    stamp: { epoch: EPOCH_ZERO, logTimeMs: index as LogTimeMs },
    origin,
    caller: NOBODY,
    body,
  });
  return { kind: "command", index: index as LogIndex, epoch: EPOCH, data };
}

const EPOCH = { config: 0, round: 3, node: 0 } as const;

/** A machine that has applied `count` puts, all of them in its engine. */
function stateOf(count: number, turns: Turns): { engine: MemoryEngine; machine: Machine } {
  const engine = new MemoryEngine({ schedule: turns.schedule });
  const machine = newMachine();
  machine.restored();
  const applier = new Applier({
    machine,
    engine,
    limits: LIMITS,
    onApplied: () => undefined,
    onFailure: (failure) => expect(failure).toBeUndefined(),
    wake: () => turns.schedule(() => void applier.run()),
    onCheckpoint: () => undefined,
  });
  applier.enqueue(Array.from({ length: count }, (_, at) => put(at + 1)));
  applier.run();
  turns.drain();
  // Small writes gather until the driver's next tick.
  applier.flush();
  turns.drain();
  expect([machine.applied, applier.flushed]).toEqual([count, true]);
  return { engine, machine };
}

/** A sender and a receiver, and everything between them in the test's hands. */
class Transfer {
  readonly turns = new Turns();
  readonly engines = new Map<number, MemoryEngine>();
  readonly ended: boolean[] = [];
  wire: { readonly to: NodeId; readonly message: SnapshotMessage }[] = [];
  installed: StagedState | undefined;
  sender: SnapshotSender;
  receiver: SnapshotReceiver;
  now = 0 as MonotonicMs;
  readonly source: { engine: MemoryEngine; machine: Machine };
  needed = true;
  leads = false;
  #life = 0;

  constructor(count: number) {
    this.source = stateOf(count, this.turns);
    this.sender = this.#newSender(1n);
    this.receiver = this.newReceiver();
  }

  start(): void {
    const config = { index: 0 as LogIndex, incoming: [A, B], learners: [], leaseMs: 1000 };
    const meta = { index: this.source.machine.applied, epoch: EPOCH, config };
    const header = { version: 1, clusterId: CLUSTER, group: 1, meta };
    const { engine } = this.source;
    this.sender.start(B, new SnapshotBlocks(header, engine.snapshot(), LIMITS.snapshotBlockBytes));
  }

  #newSender(boot: bigint): SnapshotSender {
    return new SnapshotSender({
      id: A,
      boot: boot as BootNonce,
      limits: LIMITS,
      now: () => this.now,
      send: (to, message) => this.#send(to, message),
      onEnd: (_, ok) => this.ended.push(ok),
      onFailure: (failure) => expect(failure).toBeUndefined(),
    });
  }

  /** The one before is dead: of what it had under way nothing comes back. */
  newReceiver(): SnapshotReceiver {
    this.#life += 1;
    const life = this.#life;
    const schedule = (run: () => void): void =>
      this.turns.schedule(() => {
        if (life === this.#life) run();
      });
    return new SnapshotReceiver({
      id: B,
      clusterId: CLUSTER,
      group: 1,
      limits: LIMITS,
      engines: this.#store(schedule),
      createMachine: newMachine,
      generation: () => 0,
      lacks: () => this.needed,
      leads: () => this.leads,
      now: () => this.now,
      send: (to, message) => this.#send(to, message),
      install: (staged) => {
        this.installed = staged;
        schedule(() => this.receiver.installed());
        return this.needed;
      },
      onFailure: (failure) => expect(failure).toBeUndefined(),
      journal: quiet,
    });
  }

  #send(to: NodeId, message: PeerMessage): void {
    this.wire.push({ to, message: message as SnapshotMessage });
  }

  #store(schedule: (run: () => void) => void): EngineStore {
    return {
      create: (generation, done) => {
        const engine = new MemoryEngine({ schedule });
        this.engines.set(generation, engine);
        schedule(() => done({ ok: true, engine }));
      },
      open: (generation, done) => {
        const engine = this.engines.get(generation);
        if (engine === undefined) throw new Error(`no generation ${generation}`);
        schedule(() => done({ ok: true, engine }));
      },
      remove: (generation, done) => {
        this.engines.delete(generation);
        schedule(() => done(undefined));
      },
    };
  }

  deliver(to: NodeId, message: SnapshotMessage): void {
    if (message.kind === "snapshot-block") {
      this.receiver.onBlock(A, message.id, message.offset, message.block);
    } else if (message.kind === "snapshot-ack") {
      this.sender.onAck(B, message.id, message.offset);
    } else if (message.kind === "snapshot-ended") {
      this.sender.onEnded(B, message.id, message.ending);
    }
    expect(to).toBe(message.kind === "snapshot-block" ? B : A);
  }

  tick(ms: number): void {
    this.now = (this.now + ms) as MonotonicMs;
    this.sender.tick(this.now);
    this.receiver.tick(this.now);
  }

  /** Delivers everything, and lets everything end. */
  settle(): void {
    for (;;) {
      this.turns.drain();
      const next = this.wire.shift();
      if (next === undefined) return;
      this.deliver(next.to, next.message);
    }
  }

  /** The same bytes decide the same answers. */
  expectWhole(): void {
    expect(this.installed?.machine.hash()).toBe(this.source.machine.hash());
    expect(this.installed?.machine.applied).toBe(this.source.machine.applied);
    expect(this.ended).toEqual([true]);
  }
}

describe("a snapshot from member to member", () => {
  test("is the sender's state, whatever its engine takes in meanwhile", () => {
    const transfer = new Transfer(300);
    transfer.start();
    transfer.source.engine.write(
      [{ op: "put", key: Uint8Array.of(0x76, 1), value: new Uint8Array(9) }],
      false,
      () => undefined,
    );
    transfer.settle();
    transfer.expectWhole();
  });

  test("holds no more than its window in memory while the receiver is silent", () => {
    const transfer = new Transfer(300);
    transfer.start();
    transfer.turns.drain();
    expect(transfer.wire.length).toBeLessThanOrEqual(LIMITS.snapshotWindowBlocks);
  });

  test("comes over whatever is lost, repeated or out of order", () => {
    const fates = fc.array(fc.constantFrom("keep", "lose", "twice", "later"), { maxLength: 200 });
    fc.assert(
      fc.property(fates, fc.nat(), (chosen, seed) => {
        const transfer = new Transfer(120);
        const random = new Mulberry32(seed);
        transfer.start();
        for (const fate of chosen) {
          for (let turns = random.u32() % 4; turns > 0; turns -= 1) transfer.turns.one();
          const next = transfer.wire.shift();
          if (next === undefined) transfer.tick(LIMITS.snapshotResendMs + 1);
          else if (fate === "later") transfer.wire.push(next);
          else if (fate !== "lose") {
            if (fate === "twice") transfer.deliver(next.to, next.message);
            transfer.deliver(next.to, next.message);
          }
        }
        for (let time = 0; time < 8 && transfer.ended.length === 0; time += 1) {
          transfer.settle();
          transfer.tick(LIMITS.snapshotResendMs + 1);
        }
        transfer.settle();
        // A stream that was idle for too long is given up; it is then begun anew.
        if (transfer.ended[0] === true) transfer.expectWhole();
        else expect(transfer.ended).toEqual([false]);
      }),
      { numRuns: 60 },
    );
  });

  test("that was damaged on its way is refused, and nothing of it is left", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (which, where) => {
        const transfer = new Transfer(60);
        transfer.start();
        let blocks = 0;
        for (let steps = 0; steps < 500; steps += 1) {
          transfer.turns.drain();
          const next = transfer.wire.shift();
          if (next === undefined) break;
          let { message } = next;
          if (message.kind === "snapshot-block") {
            if (blocks === which % 10) {
              const block = Uint8Array.from(message.block);
              block[where % block.length] = (block[where % block.length] ?? 0) ^ 0x10;
              message = { ...message, block };
            }
            blocks += 1;
          }
          transfer.deliver(next.to, message);
        }
        expect(transfer.ended).toEqual([false]);
        expect(transfer.installed).toBeUndefined();
        expect(transfer.engines.size).toBe(0);
        expect(transfer.receiver.active).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  test("whose receiver dies at any step leaves the old state or the new (R15, scenario 40)", () => {
    const total = ((): number => {
      const transfer = new Transfer(60);
      transfer.start();
      let steps = 0;
      while (transfer.turns.one() || deliverOne(transfer)) steps += 1;
      return steps;
    })();
    expect(total).toBeGreaterThan(50);
    for (let deathAt = 0; deathAt < total; deathAt += 1) {
      const transfer = new Transfer(60);
      transfer.start();
      for (let step = 0; step < deathAt; step += 1) {
        if (!transfer.turns.one()) deliverOne(transfer);
      }
      const wasInstalled = transfer.installed !== undefined;
      // Boot: what is not in force is removed, and the receiver knows of nothing.
      if (!wasInstalled) transfer.engines.clear();
      transfer.receiver = transfer.newReceiver();
      if (wasInstalled) transfer.needed = false;
      for (let time = 0; time < 40 && transfer.ended.length === 0; time += 1) {
        transfer.settle();
        transfer.tick(LIMITS.snapshotResendMs + 1);
      }
      if (transfer.ended[0] === false) {
        transfer.ended.length = 0;
        transfer.start();
        transfer.settle();
      }
      if (!wasInstalled) transfer.expectWhole();
      expect(transfer.sender.count).toBe(0);
    }
  });

  test("goes on to its end though others begin with newer ones; one that stands still does not", () => {
    const transfer = new Transfer(60);
    transfer.start();
    transfer.turns.drain();
    deliverOne(transfer);
    for (let index = 61; transfer.installed === undefined; index += 1) {
      beginFrom(C, transfer, index);
      expect(transfer.wire.at(-1)).toMatchObject({ to: C, message: { ending: "refused" } });
      transfer.wire.pop();
      transfer.turns.drain();
      deliverOne(transfer);
      transfer.tick(1);
    }
    transfer.settle();
    transfer.expectWhole();

    const still = new Transfer(60);
    still.start();
    still.turns.drain();
    deliverOne(still);
    still.turns.drain();
    expect(still.engines.size).toBe(1);
    still.now = (still.now + 2 * LIMITS.snapshotResendMs + 1) as MonotonicMs;
    beginFrom(C, still, 61);
    still.turns.drain();
    expect(still.engines.size).toBe(0);
    beginFrom(C, still, 62);
    expect(still.receiver.active).toBe(true);
  });

  test("that is not needed any more ends at once, and well", () => {
    const transfer = new Transfer(60);
    transfer.needed = false;
    transfer.start();
    transfer.settle();
    expect(transfer.ended).toEqual([true]);
    expect(transfer.engines.size).toBe(0);
  });

  test("to one that still leads an earlier epoch is refused: it cannot tell what it lacks", () => {
    const transfer = new Transfer(60);
    transfer.needed = false;
    transfer.leads = true;
    transfer.start();
    transfer.settle();
    expect(transfer.ended).toEqual([false]);
    expect(transfer.engines.size).toBe(0);
  });

  test("says up to where it reaches until it has ended: the log behind it is kept (scenario 41)", () => {
    const transfer = new Transfer(60);
    expect(transfer.sender.reachesTo).toBe(Infinity);
    transfer.start();
    expect(transfer.sender.reachesTo).toBe(60);
    transfer.settle();
    expect(transfer.ended).toEqual([true]);
    expect(transfer.sender.reachesTo).toBe(Infinity);
  });

  test("to a dead member is given up, and the next one may begin (scenario 43)", () => {
    const transfer = new Transfer(60);
    transfer.start();
    transfer.turns.drain();
    transfer.wire = [];
    transfer.tick(LIMITS.snapshotStallMs + 1);
    expect(transfer.ended).toEqual([false]);
    expect(transfer.sender.count).toBe(0);
  });
});

/** Another member's first block, of a snapshot at `index`. */
function beginFrom(from: NodeId, { receiver }: Transfer, index: number): void {
  const config = { index: 0 as LogIndex, incoming: [A, B], learners: [], leaseMs: 1000 };
  const meta = { index: index as LogIndex, epoch: EPOCH, config };
  const block = encodeHeaderBlock({ version: 1, clusterId: CLUSTER, group: 1, meta });
  receiver.onBlock(from, { boot: 5n as BootNonce, counter: index }, 0, block);
}

function deliverOne(transfer: Transfer): boolean {
  const next = transfer.wire.shift();
  if (next !== undefined) transfer.deliver(next.to, next.message);
  return next !== undefined;
}

describe("the state up to a checkpoint survives power loss before the log is cut (S2)", () => {
  /** Whether any checkpoint was reported whose state a power loss then took. */
  function losesState(planted?: PlantedBug): boolean {
    const turns = new Turns();
    const engine = new MemoryEngine({ schedule: turns.schedule });
    const machine = newMachine();
    machine.restored();
    let checkpointed = 0;
    const applier = new Applier({
      machine,
      engine,
      limits: LIMITS,
      onApplied: () => undefined,
      onFailure: () => undefined,
      wake: () => turns.schedule(() => void applier.run()),
      onCheckpoint: (index) => {
        checkpointed = index;
      },
      ...(planted === undefined ? {} : { planted }),
    });
    for (let index = 1; index <= 40; index += 1) {
      applier.enqueue([put(index)]);
      applier.run();
      applier.flush();
      turns.drain();
    }
    expect(checkpointed).toBeGreaterThan(8);
    applier.stop();
    engine.crash({ u32: () => 0 });
    const again = newMachine();
    engine.scan({ from: new Uint8Array(), until: Uint8Array.of(0xff) }, 1e9, (_, page) => {
      again.restore(page.rows);
    });
    turns.drain();
    const restored = again.restored();
    return !restored.ok || restored.applied < checkpointed;
  }

  test("log-cut-before-state-synced is what the guard forbids", () => {
    expect(losesState()).toBe(false);
    expect(losesState("log-cut-before-state-synced")).toBe(true);
  });
});
