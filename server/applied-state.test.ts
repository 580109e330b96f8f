// The state at boot against the log: what is taken, what is rebuilt, what is refused (S2).
import { describe, expect, test } from "@jest/globals";
import { logIndex } from "../base/index.ts";
import type { BootNonce, LogTimeMs } from "../base/index.ts";
import { EPOCH_ZERO } from "../consensus/index.ts";
import type { Entry, LogReader } from "../consensus/index.ts";
import { nodeId } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { storeCodec } from "../rpc/index.ts";
import { Machine, NOBODY, encodeCommand } from "../store/index.ts";
import type { EngineOp } from "../store/index.ts";
import { MemoryEngine } from "../store/memory-engine.ts";
import { openAppliedState } from "./applied-state.ts";
import type { AppliedState, AppliedStateRequest } from "./applied-state.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";

const createMachine = (): Machine =>
  new Machine({ codec: storeCodec, valueCacheBytesMax: 1 << 20 });
const newEngine = (): MemoryEngine => new MemoryEngine({ schedule: (run) => setImmediate(run) });

function put(index: number): Entry {
  const bytes = new TextEncoder().encode(`k${index}`);
  const body = etcdserverpb.PutRequest.encode({ key: bytes, value: bytes }).finish();
  const origin = { node: nodeId(1), boot: 1n as BootNonce, counter: index };
  const data = encodeCommand({
    kind: "put",
    stamp: { epoch: EPOCH_ZERO, logTimeMs: index as LogTimeMs },
    origin,
    caller: NOBODY,
    body,
  });
  const epoch = { config: 0, round: 1, node: 0 as const };
  return { index: logIndex(index), epoch, kind: "command", data };
}

/** One batch for each of the entries 1 to `count`, as the driver would write them. */
function batches(count: number): (readonly EngineOp[])[] {
  const machine = createMachine();
  const all: (readonly EngineOp[])[] = [];
  for (let index = 1; index <= count; index += 1) {
    machine.apply(put(index), []);
    const batch = machine.drain();
    if (batch === undefined) throw new Error("an applied entry leaves a batch");
    machine.flushed(batch.upTo);
    all.push(batch.ops);
  }
  return all;
}

async function holding(written: readonly (readonly EngineOp[])[]): Promise<MemoryEngine> {
  const engine = newEngine();
  for (const ops of written) {
    await new Promise<void>((resolve) => {
      engine.write(ops, false, () => {
        resolve();
      });
    });
  }
  return engine;
}

interface Opened {
  readonly state?: AppliedState;
  readonly refusal?: StartRefusal;
  readonly lines: readonly string[];
  readonly destroyed: number;
}

async function open(
  engine: MemoryEngine,
  log: { readonly first: number; readonly last: number },
  change: Partial<AppliedStateRequest> = {},
): Promise<Opened> {
  const lines: string[] = [];
  let destroyed = 0;
  const note = (level: string) => (message: string) => lines.push(`${level}: ${message}`);
  const reader = { first: () => logIndex(log.first), last: () => logIndex(log.last) } as LogReader;
  try {
    const state = await openAppliedState({
      log: reader,
      canAsk: false,
      openEngine: (done) => {
        done({ ok: true, engine: destroyed === 0 ? engine : newEngine() });
      },
      destroyEngine: (done) => {
        destroyed += 1;
        done(undefined);
      },
      createMachine,
      journal: { info: note("info"), warn: note("warn"), error: note("error") },
      ...change,
    });
    return { state, lines, destroyed };
  } catch (thrown) {
    if (!(thrown instanceof StartRefusal)) throw thrown;
    return { refusal: thrown, lines, destroyed };
  }
}

describe("state that fits the log", () => {
  test("is taken as it is", async () => {
    const { state, lines } = await open(await holding(batches(5)), { first: 1, last: 7 });
    expect(state?.machine.applied).toBe(5);
    expect(lines).toEqual([]);
  });

  test("may end where the log begins", async () => {
    const { state } = await open(await holding(batches(5)), { first: 6, last: 9 });
    expect(state?.machine.applied).toBe(5);
  });

  test("that is empty under a log that is not is rebuilt, and said so", async () => {
    const { state, lines } = await open(newEngine(), { first: 1, last: 9 });
    expect(state?.machine.applied).toBe(0);
    expect(lines).toEqual(["warn: the applied state is empty: it is rebuilt from the log"]);
  });
});

describe("state with a hole", () => {
  test.each([0, 1, 3])("at batch %i is discarded, loudly, and begun afresh", async (hole) => {
    const written = batches(5).filter((_, at) => at !== hole);
    const { state, lines, destroyed } = await open(await holding(written), { first: 1, last: 9 });
    expect(state?.machine.applied).toBe(0);
    expect(destroyed).toBe(1);
    expect(lines[0]).toBe(
      "error: the applied state is damaged: it is discarded and rebuilt from the log",
    );
  });

  test("is refused, and kept, where the log no longer begins at 1", async () => {
    const written = batches(5).filter((_, at) => at !== 2);
    const { refusal, destroyed } = await open(await holding(written), { first: 4, last: 9 });
    expect(refusal?.exitCode).toBe(ExitCode.corruptStore);
    expect(refusal?.message).toContain("the log begins at 4, too late to rebuild it");
    expect(destroyed).toBe(0);
  });
});

describe("state and log that contradict each other", () => {
  test("ahead of the log: entries are lost", async () => {
    const { refusal, destroyed } = await open(await holding(batches(5)), { first: 1, last: 4 });
    expect(refusal?.exitCode).toBe(ExitCode.corruptStore);
    expect(refusal?.message).toContain("applied up to 5, but the log ends at 4");
    expect(destroyed).toBe(0);
  });

  test("behind the log's beginning: entries between are lost", async () => {
    const { refusal } = await open(await holding(batches(5)), { first: 7, last: 9 });
    expect(refusal?.exitCode).toBe(ExitCode.corruptStore);
    expect(refusal?.message).toContain("applied up to 5, but the log begins at 7");
  });
});

describe("an engine that does not open", () => {
  test.each([
    ["locked", ExitCode.dataDirectoryInUse],
    ["io", ExitCode.diskFailure],
    ["full", ExitCode.diskFailure],
  ] as const)("%s is refused", async (kind, exitCode) => {
    const { refusal } = await open(
      newEngine(),
      { first: 1, last: 1 },
      {
        openEngine: (done) => {
          done({ ok: false, failure: { kind, message: "why" } });
        },
      },
    );
    expect(refusal?.exitCode).toBe(exitCode);
    expect(refusal?.message).toBe("the applied state does not open: why");
  });

  test("corrupt is rebuilt like a hole", async () => {
    let opened = 0;
    const { state, lines, destroyed } = await open(
      newEngine(),
      { first: 1, last: 1 },
      {
        openEngine: (done) => {
          opened += 1;
          if (opened > 1) done({ ok: true, engine: newEngine() });
          else done({ ok: false, failure: { kind: "corrupt", message: "bad block" } });
        },
      },
    );
    expect(state?.machine.applied).toBe(0);
    expect(destroyed).toBe(1);
    expect(lines[0]).toContain("error: the applied state is damaged");
  });

  test("a disk that fails during the scan is refused", async () => {
    const engine = new MemoryEngine({
      schedule: (run) => setImmediate(run),
      fault: () => ({ kind: "io", message: "bad sector" }),
    });
    const { refusal } = await open(engine, { first: 1, last: 1 });
    expect(refusal?.exitCode).toBe(ExitCode.diskFailure);
    expect(refusal?.message).toContain("bad sector");
  });
});
