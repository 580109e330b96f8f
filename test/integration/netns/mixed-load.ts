// Everybody at once: callers of shared keys, session writers and range readers, each in a closed loop with short
// pauses, from before something is struck until after it has healed; and what they report.
import { present } from "../../../base/index.ts";
import { Client } from "../../../client/index.ts";
import { Chance } from "../../sim/chance.ts";
import type { Cluster } from "../../e2e/cluster.ts";
import { tick, until } from "../../e2e/until.ts";
import { WireClient } from "../../e2e/wire-client.ts";
import { Observations } from "./observations.ts";
import { MODES, RangeReader } from "./range-reader.ts";
import type { ReadModeName } from "./range-reader.ts";
import { RegisterCaller } from "./register-caller.ts";
import { SessionWriter } from "./session-writer.ts";

const REGISTER_CALLERS = 10;
const SHARED_KEYS = 5;
const SESSION_WRITERS = 8;
const RANGE_READERS = 4;
/** They read from who is struck alone, in the modes that it may serve by itself: that is where lies would be. */
const STRUCK_READERS = 4;
const STRUCK_MODES = ["lease", "learner", "local"] as const;
/** Between two calls of one caller: six servers and the callers share what processors there are. */
const PAUSE_MS_MAX = 20;
const WRITE_MS_MAX = 15_000;
/** How long is waited for a machine that may do much else. */
interface Patience {
  /** A silent member is left for another after this: about the election timeout of what is struck. */
  readonly attemptMs: number;
  /** Until writes flow. */
  readonly flowMsMax: number;
}

const PATIENCE_DEFAULT: Patience = { attemptMs: 500, flowMsMax: 20_000 };

export interface LoadReport {
  /** Calls of single keys, each an operation of a history that was searched. */
  readonly operations: number;
  /** Writes under a session. */
  readonly acknowledged: number;
  readonly unknown: number;
  /** Ranges answered, by mode. */
  readonly ranges: Readonly<Record<ReadModeName, number>>;
  readonly refused: number;
  /** From the strike to the first acknowledgement of a write that was called after it; absent: not struck. */
  readonly backAfterMs?: number;
  /** What was wrong; empty when nothing was. */
  readonly violations: readonly string[];
}

export class MixedLoad {
  readonly #chance: Chance;
  readonly #observations = new Observations(() => performance.now());
  readonly #client: Client;
  readonly #wires: ReadonlyMap<string, WireClient>;
  readonly #writers: readonly SessionWriter[];
  readonly #readers: readonly RangeReader[];
  readonly #running: readonly Promise<void>[];
  readonly #flowMsMax: number;
  #struck: readonly WireClient[] = [];
  #stopping = false;
  #struckAtMs = Infinity;
  #backAtMs = Infinity;

  /** Begins at once. `scope` begins every key, so that loads do not meet. */
  constructor(cluster: Cluster, scope: string, seed: number, patience = PATIENCE_DEFAULT) {
    this.#flowMsMax = patience.flowMsMax;
    const observations = this.#observations;
    this.#chance = new Chance(seed);
    this.#client = new Client({
      endpoints: cluster.voters.map(({ endpoint }) => endpoint),
      deadlineMs: WRITE_MS_MAX,
      attemptMs: patience.attemptMs,
    });
    this.#wires = new Map(
      cluster.members.map(({ name, endpoint }) => [name, new WireClient(endpoint)]),
    );
    const voters = this.#wiresTo(cluster.voters.map(({ name }) => name));
    const members = [...this.#wires.values()];
    const chance = (): Chance => this.#chance.stream();
    const keys = Array.from({ length: SHARED_KEYS }, (_, at) => `${scope}/shared/${at}`);
    const callers = Array.from({ length: REGISTER_CALLERS }, (_, at) => {
      return new RegisterCaller({ name: `${at}`, keys, voters, observations, chance: chance() });
    });
    this.#writers = Array.from({ length: SESSION_WRITERS }, (_, at) => {
      const onAcknowledged = (calledAtMs: number): void => this.#onAcknowledged(calledAtMs);
      const client = this.#client;
      return new SessionWriter({ name: `${at}`, scope, client, observations, onAcknowledged });
    });
    const reading = { scope, observations };
    const everywhere = { ...reading, modes: MODES, members: () => members };
    const atStruck = { ...reading, modes: STRUCK_MODES, members: () => this.#struck };
    this.#readers = [
      ...Array<typeof everywhere>(RANGE_READERS).fill(everywhere),
      ...Array<typeof atStruck>(STRUCK_READERS).fill(atStruck),
    ].map((options) => new RangeReader({ ...options, chance: chance() }));
    const all = [...callers, ...this.#writers, ...this.#readers];
    this.#running = all.map((caller) => this.#loop(caller));
  }

  /** From here on the way back is measured, and these are watched. */
  struck(names: readonly string[]): void {
    this.#struck = this.#wiresTo(names);
    this.#struckAtMs = performance.now();
    this.#backAtMs = Infinity;
  }

  /** A write that was called after the strike is acknowledged. */
  async servedAgain(): Promise<void> {
    await until("a write is acknowledged after the strike", this.#flowMsMax, () =>
      this.#backAtMs < Infinity ? true : undefined,
    );
  }

  /** Every session writer has, on average, written this often more. */
  async flows(timesEach: number): Promise<void> {
    const before = this.#acknowledged();
    await until("writes flow", this.#flowMsMax, () =>
      this.#acknowledged() >= before + SESSION_WRITERS * timesEach ? true : undefined,
    );
  }

  /** Ends the load, and judges it by all that the cluster says after it. */
  async stop(): Promise<LoadReport> {
    await this.#end();
    for (const writer of this.#writers) await writer.judge();
    const sum = (count: (reader: RangeReader) => number): number =>
      this.#readers.reduce((total, reader) => total + count(reader), 0);
    const ranges = MODES.map((mode) => [mode, sum(({ answered }) => answered[mode])] as const);
    return {
      operations: this.#observations.operationCount,
      acknowledged: this.#acknowledged(),
      unknown: this.#writers.reduce((total, { unknown }) => total + unknown, 0),
      ranges: Object.fromEntries(ranges) as Record<ReadModeName, number>,
      refused: sum(({ refused }) => refused),
      ...(this.#backAtMs === Infinity ? {} : { backAfterMs: this.#backAtMs - this.#struckAtMs }),
      violations: this.#observations.verdict(),
    };
  }

  async close(): Promise<void> {
    await this.#end();
    for (const wire of this.#wires.values()) wire.close();
    await this.#client.close();
  }

  #wiresTo(names: readonly string[]): readonly WireClient[] {
    return names.map((name) => present(this.#wires.get(name), `a connection to ${name}`));
  }

  async #end(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #loop(caller: { once(): Promise<void> }): Promise<void> {
    const chance = this.#chance.stream();
    while (!this.#stopping) {
      await caller.once();
      await tick(chance.between(0, PAUSE_MS_MAX));
    }
  }

  #onAcknowledged(calledAtMs: number): void {
    if (calledAtMs < this.#struckAtMs || this.#backAtMs < Infinity) return;
    this.#backAtMs = performance.now();
  }

  #acknowledged(): number {
    return this.#writers.reduce((total, { acknowledged }) => total + acknowledged, 0);
  }
}
