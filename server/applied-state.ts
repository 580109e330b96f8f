// Brings the applied state back at boot: reads the engine whole, checks that no batch is missing (S2), and
// compares with the log. State that has a hole is discarded and rebuilt from the log, loudly, or, where the
// log no longer reaches back far enough, asked of the leader; state ahead of the log is corruption.
import type { LogReader } from "../consensus/index.ts";
import type { DiskFailure, Engine, EngineOpening, EngineRange, Machine } from "../store/index.ts";
import { diskStep } from "./disk-step.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import type { Journal } from "./ports.ts";

export interface AppliedStateRequest {
  readonly log: LogReader;
  readonly openEngine: (done: (opening: EngineOpening) => void) => void;
  /** Removes the closed engine's files. */
  readonly destroyEngine: (done: (failure: DiskFailure | undefined) => void) => void;
  readonly createMachine: () => Machine;
  /** Another member may have the state: what the log cannot rebuild is asked of it. */
  readonly canAsk: boolean;
  readonly journal: Journal;
}

export interface AppliedState {
  readonly engine: Engine;
  readonly machine: Machine;
}

/** All of the engine: no row key begins with 0xff. */
const WHOLE: EngineRange = { from: new Uint8Array(0), until: Uint8Array.of(0xff) };

/**
 * Bytes of rows between two turns of the event loop. Small, so that a page's buffers die young: those of larger
 * ones outlive two collections of the young generation, and stay until the old one is collected (+160 MB at a
 * million keys).
 */
const PAGE_BYTES = 1024 * 1024;

/**
 * @throws {StartRefusal} corruptStore, when log and state contradict each other beyond rebuilding;
 *   diskFailure, when the disk fails; dataDirectoryInUse, when another process has the engine.
 */
export async function openAppliedState(request: AppliedStateRequest): Promise<AppliedState> {
  const first = await attempt(request);
  if (first.ok) return checked(request, first);
  await discard(request, first);
  const second = await attempt(request);
  if (!second.ok) {
    throw new StartRefusal(ExitCode.corruptStore, `the rebuilt state is damaged: ${second.reason}`);
  }
  return checked(request, second);
}

type Attempt =
  | ({ readonly ok: true } & AppliedState)
  | { readonly ok: false; readonly reason: string; readonly engine?: Engine };

async function attempt(request: AppliedStateRequest): Promise<Attempt> {
  const opening = await new Promise<EngineOpening>((resolve) => {
    request.openEngine(resolve);
  });
  if (!opening.ok) {
    const { kind, message } = opening.failure;
    if (kind === "corrupt") return { ok: false, reason: message };
    const code = kind === "locked" ? ExitCode.dataDirectoryInUse : ExitCode.diskFailure;
    throw new StartRefusal(code, `the applied state does not open: ${message}`);
  }
  const { engine } = opening;
  const machine = request.createMachine();
  await restore(engine, machine);
  const restored = machine.restored();
  return restored.ok
    ? { ok: true, engine, machine }
    : { ok: false, reason: restored.reason, engine };
}

async function restore(engine: Engine, machine: Machine): Promise<void> {
  let range: EngineRange | undefined = WHOLE;
  while (range !== undefined) {
    const next: Uint8Array | undefined = await restorePage(engine, machine, range);
    range = next === undefined ? undefined : { from: next, until: WHOLE.until };
  }
}

function restorePage(
  engine: Engine,
  machine: Machine,
  range: EngineRange,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    engine.scan(range, PAGE_BYTES, (failure, page) => {
      if (failure !== undefined) {
        const problem = `the applied state cannot be read: ${failure.message}`;
        reject(new StartRefusal(ExitCode.diskFailure, problem));
        return;
      }
      try {
        machine.restore(page.rows);
        resolve(page.next);
      } catch (bug) {
        reject(bug);
      }
    });
  });
}

/** The state is discarded only when the log can give all of it back, or the leader. */
async function discard(
  request: AppliedStateRequest,
  broken: { readonly reason: string; readonly engine?: Engine },
): Promise<void> {
  const { log, journal } = request;
  const asks = log.first() !== 1;
  if (asks && !request.canAsk) {
    throw new StartRefusal(
      ExitCode.corruptStore,
      `the applied state is damaged (${broken.reason}) and the log begins at ${log.first()}, too late to rebuild it`,
    );
  }
  const way = asks ? "asked of the leader" : "rebuilt from the log";
  journal.error(`the applied state is damaged: it is discarded and ${way}`, {
    reason: broken.reason,
    index: log.last(),
  });
  const { engine } = broken;
  if (engine !== undefined) {
    await diskStep("the engine does not close", (done) => {
      engine.close(done);
    });
  }
  await diskStep("the damaged state cannot be removed", request.destroyEngine);
}

function checked(request: AppliedStateRequest, state: AppliedState): AppliedState {
  const { log, journal } = request;
  const { applied } = state.machine;
  const refuse = (problem: string): never => {
    throw new StartRefusal(ExitCode.corruptStore, problem);
  };
  if (applied > log.last()) {
    refuse(
      `the state is applied up to ${applied}, but the log ends at ${log.last()}: log entries are lost`,
    );
  }
  if (applied + 1 < log.first() && !request.canAsk) {
    refuse(
      `the state is applied up to ${applied}, but the log begins at ${log.first()}: entries between are lost`,
    );
  }
  if (applied + 1 < log.first()) {
    journal.warn("the applied state ends before the log begins: the leader is asked for it", {
      index: applied,
    });
  } else if (applied === 0 && log.last() > 0) {
    journal.warn("the applied state is empty: it is rebuilt from the log", { index: log.last() });
  }
  return state;
}
