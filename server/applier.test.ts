import { describe, expect, test } from "@jest/globals";
import type { BootNonce, LogIndex, LogTimeMs, NodeId } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry } from "../consensus/index.ts";
import { encodeChange, originId } from "../federation/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { storeCodec } from "../rpc/index.ts";
import { Machine, NOBODY, encodeCommand } from "../store/index.ts";
import type { RequestKind } from "../store/index.ts";
import { MemoryEngine } from "../store/memory-engine.ts";
import { Applier } from "./applier.ts";
import { REPLICA_LIMITS_DEFAULT } from "./limits.ts";
import { MACHINE_FEDERATION } from "./machine-federation.ts";

const EPOCH = { config: 0, round: 1, node: 0 } as const;

function put(index: number): Entry {
  const key = new TextEncoder().encode("k");
  return commandOf("put", etcdserverpb.PutRequest.encode({ key, value: key }).finish(), index);
}

function fork(index: number): Entry {
  return commandOf("federation", encodeChange({ change: "forked", origin: originId(1) }), index);
}

function commandOf(kind: RequestKind, body: Uint8Array, index: number): Entry {
  const origin = { node: 1 as NodeId, boot: 1n as BootNonce, counter: index };
  const data = encodeCommand({
    kind,
    stamp: { epoch: EPOCH_ZERO, logTimeMs: index as LogTimeMs },
    origin,
    caller: NOBODY,
    body,
  });
  return { kind: "command", index: index as LogIndex, epoch: EPOCH, data };
}

/** An applier whose engine ends its writes when the test says so. */
class Bench {
  readonly #turns: (() => void)[] = [];
  readonly applier: Applier;

  constructor() {
    const machine = new Machine({
      codec: storeCodec,
      valueCacheBytesMax: 0,
      ...MACHINE_FEDERATION,
    });
    machine.restored();
    this.applier = new Applier({
      machine,
      engine: new MemoryEngine({ schedule: (run) => this.#turns.push(run) }),
      limits: REPLICA_LIMITS_DEFAULT,
      onApplied: () => undefined,
      onFailure: (failure) => expect(failure).toBeUndefined(),
      wake: () => undefined,
      onCheckpoint: () => undefined,
    });
  }

  apply(...indexes: readonly number[]): void {
    this.applier.enqueue(indexes.map(put));
    this.applier.run();
  }

  endWrites(): void {
    for (let run = this.#turns.shift(); run !== undefined; run = this.#turns.shift()) run();
  }
}

describe("the moment at which the engine holds a known state", () => {
  test("comes at once when everything is written", () => {
    const seen: (LogIndex | undefined)[] = [];
    new Bench().applier.atRest((flushed) => seen.push(flushed));
    expect(seen).toEqual([0]);
  });

  test("waits for what is applied when it is asked for, and not for what comes later", () => {
    const bench = new Bench();
    const seen: (LogIndex | undefined)[] = [];
    bench.apply(1, 2, 3);
    bench.applier.atRest((flushed) => seen.push(flushed));
    bench.apply(4);
    expect(seen).toEqual([]);
    bench.endWrites();
    expect(seen).toEqual([3]);
  });

  test("waits for the write behind the one in flight", () => {
    const bench = new Bench();
    const seen: (LogIndex | undefined)[] = [];
    bench.apply(1);
    bench.applier.flush();
    bench.apply(2);
    bench.applier.atRest((flushed) => seen.push(flushed));
    bench.endWrites();
    expect(seen).toEqual([2]);
  });

  test("does not come for a state that another has replaced", () => {
    const bench = new Bench();
    const seen: (LogIndex | undefined)[] = [];
    bench.apply(1);
    bench.applier.atRest((flushed) => seen.push(flushed));
    bench.applier.stop();
    expect(seen).toEqual([undefined]);
    bench.endWrites();
    expect(seen).toEqual([undefined]);
  });
});

test("one change of the federation a turn, which may be many transactions of others", () => {
  const { applier } = new Bench();
  applier.enqueue([put(1), put(2), fork(3), fork(4), put(5), put(6)]);
  expect([applier.run(), applier.run(), applier.canRun]).toEqual([3, 4, true]);
  expect([applier.run(), applier.canRun]).toEqual([6, false]);
});
