// Concurrent writers and readers while something is struck, and the judgement of what they saw: nothing
// acknowledged is lost, nothing is applied twice, every linearizable answer fits one order.
import { Client } from "../../client/index.ts";
import { checkRegister } from "../sim/register.ts";
import type { RegisterOp, RegisterOperation, RegisterResult } from "../sim/register.ts";
import type { Cluster } from "./cluster.ts";
import { until } from "./until.ts";
import { bytes, READ_MODES, valueOf, WireClient } from "./wire-client.ts";

const WRITERS = 64;
/** Eight writers a key: enough to overlap, few enough for the search. */
const SHARED_KEYS = 8;
const CALL_MS_MAX = 2_000;
const WRITE_MS_MAX = 15_000;
const LINEARIZABLE = ["quorum", "index", "lease", "follower"] as const;

/** Does harm, and calls `done` the moment it is done: from then on the way back is measured. */
export type Strike = (done: () => void) => Promise<void>;

export interface WorkloadReport {
  /** Writes through the client library, each with a request id of its session. */
  readonly acknowledged: number;
  readonly unknown: number;
  /** Single-attempt calls of the history that was checked. */
  readonly operations: number;
  /** From the strike to the first acknowledged write that was called after it, in ms. */
  readonly backAfterMs: number;
  /** What was wrong; empty when nothing was. */
  readonly violations: readonly string[];
}

interface OwnKey {
  readonly key: string;
  acknowledged: number;
  unknown: number;
  lastAcknowledged: number;
}

class Workload {
  readonly #prefix: string;
  readonly #client: Client;
  readonly #wires: readonly WireClient[];
  readonly #owned: OwnKey[] = [];
  readonly #histories = new Map<string, RegisterOperation[]>();
  #writers: readonly Promise<void>[] = [];
  #order = 0;
  #stopping = false;
  #struckAtMs = Infinity;
  #backAtMs = Infinity;

  constructor(cluster: Cluster, prefix: string) {
    this.#prefix = prefix;
    const endpoints = cluster.voters
      .filter(({ running }) => running)
      .map(({ endpoint }) => endpoint);
    this.#client = new Client({ endpoints, deadlineMs: WRITE_MS_MAX });
    this.#wires = endpoints.map((endpoint) => new WireClient(endpoint));
  }

  async run(strike: Strike): Promise<WorkloadReport> {
    this.#writers = Array.from({ length: WRITERS }, (_, at) => this.#write(at));
    await until("every writer has written", CALL_MS_MAX * 5, () =>
      this.#owned.length === WRITERS && this.#owned.every(({ acknowledged }) => acknowledged > 3)
        ? true
        : undefined,
    );
    await strike(() => {
      this.#struckAtMs = performance.now();
    });
    await until("service is back", WRITE_MS_MAX, () =>
      this.#backAtMs < Infinity ? true : undefined,
    );
    const before = this.#acknowledged();
    await until("writes flow again", WRITE_MS_MAX, () =>
      this.#acknowledged() > before + WRITERS * 20 ? true : undefined,
    );
    this.#stopping = true;
    await Promise.all(this.#writers);
    return this.#report();
  }

  /** Ends the writers too, when the strike has failed. */
  async close(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#writers);
    for (const wire of this.#wires) wire.close();
    await this.#client.close();
  }

  #acknowledged(): number {
    return this.#owned.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** One writer: a put of its own key through the library, then a put and a get of a shared key. */
  async #write(writer: number): Promise<void> {
    const own: OwnKey = {
      key: `${this.#prefix}own/${writer}`,
      acknowledged: 0,
      unknown: 0,
      lastAcknowledged: 0,
    };
    this.#owned.push(own);
    const shared = `${this.#prefix}shared/${writer % SHARED_KEYS}`;
    for (let count = 1; !this.#stopping; count += 1) {
      await this.#putOwn(own, count);
      const wire = this.#wires[(writer + count) % this.#wires.length];
      const reader = this.#wires[(writer + 2 * count) % this.#wires.length];
      if (wire === undefined || reader === undefined) throw new Error("a cluster without voters");
      await this.#putShared(wire, shared, `${writer}-${count}`);
      await this.#getShared(reader, shared, count);
    }
  }

  async #putOwn(own: OwnKey, count: number): Promise<void> {
    const calledAtMs = performance.now();
    try {
      await this.#client.put(own.key, String(count));
      own.acknowledged += 1;
      own.lastAcknowledged = count;
      if (calledAtMs > this.#struckAtMs) {
        this.#backAtMs = Math.min(this.#backAtMs, performance.now());
      }
    } catch {
      // Its fate is judged at the end, by the key's version and value.
      own.unknown += 1;
    }
  }

  async #putShared(wire: WireClient, key: string, value: string): Promise<void> {
    await this.#record(key, { kind: "put", value }, async () => {
      await wire.put({ key: bytes(key), value: bytes(value) }, CALL_MS_MAX);
      return { kind: "put" };
    });
  }

  async #getShared(wire: WireClient, key: string, count: number): Promise<void> {
    const mode = LINEARIZABLE[count % LINEARIZABLE.length] ?? "index";
    await this.#record(key, { kind: "get" }, async () => {
      const request = { key: bytes(key), read_mode: READ_MODES[mode] };
      return { kind: "held", held: valueOf(await wire.range(request, CALL_MS_MAX)) };
    });
  }

  async #record(key: string, op: RegisterOp, call: () => Promise<RegisterResult>): Promise<void> {
    const history = this.#histories.get(key) ?? [];
    this.#histories.set(key, history);
    const called = (this.#order += 1);
    try {
      const result = await call();
      history.push({ op, called, returned: (this.#order += 1), result });
    } catch {
      // Unknown: it may take effect at any later time, or never. The checker allows for both.
      history.push({ op, called, returned: Infinity, result: undefined });
    }
  }

  async #report(): Promise<WorkloadReport> {
    const violations = [...(await this.#judgeOwned()), ...this.#judgeShared()];
    return {
      acknowledged: this.#acknowledged(),
      unknown: this.#owned.reduce((sum, { unknown }) => sum + unknown, 0),
      operations: [...this.#histories.values()].reduce((sum, { length }) => sum + length, 0),
      backAfterMs: this.#backAtMs - this.#struckAtMs,
      violations,
    };
  }

  /** A key's version counts its puts: fewer than acknowledged is loss, more than called is a repeat. */
  async #judgeOwned(): Promise<string[]> {
    const violations: string[] = [];
    for (const { key, acknowledged, unknown, lastAcknowledged } of this.#owned) {
      const pair = (await this.#client.get(key, { mode: "quorum" })).kv;
      const version = pair?.version ?? 0;
      const value = Number(pair?.text() ?? "0");
      if (version < acknowledged) {
        violations.push(`${key}: ${acknowledged} puts acknowledged, ${version} applied`);
      }
      if (version > acknowledged + unknown) {
        violations.push(`${key}: ${acknowledged + unknown} puts called, ${version} applied`);
      }
      if (value < lastAcknowledged) {
        violations.push(`${key}: holds ${value} after ${lastAcknowledged} was acknowledged`);
      }
    }
    return violations;
  }

  #judgeShared(): string[] {
    return [...this.#histories].flatMap(([key, history]) => {
      const verdict = checkRegister(history);
      return verdict.outcome === "linearizable"
        ? []
        : [`${key}: ${JSON.stringify(verdict)} of ${history.length} operations`];
    });
  }
}

/**
 * Loads the cluster, strikes it once writes flow, goes on until they flow again, and judges. `prefix`: of all
 * keys; nobody else writes them, also no workload before on the same cluster.
 */
export async function workloadUnder(
  cluster: Cluster,
  strike: Strike,
  prefix = "",
): Promise<WorkloadReport> {
  const workload = new Workload(cluster, prefix);
  try {
    return await workload.run(strike);
  } finally {
    await workload.close();
  }
}

/** Waits until every running member has applied the same revision, and compares all they hold. */
export async function statesOf(cluster: Cluster): Promise<readonly string[]> {
  const running = cluster.members.filter((member) => member.running);
  const wires = running.map((member) => new WireClient(member.endpoint));
  const everything = { key: bytes("\0"), range_end: bytes("\0"), read_mode: READ_MODES.local };
  try {
    return await until("all members hold one revision", WRITE_MS_MAX, async () => {
      const answers = await Promise.all(wires.map((wire) => wire.range(everything, CALL_MS_MAX)));
      const revisions = new Set(answers.map(({ header }) => header?.revision));
      if (revisions.size > 1) return undefined;
      return answers.map(({ kvs }) =>
        (kvs ?? [])
          .map(({ key, value, version, mod_revision: modRevision }) =>
            [key, value]
              .map((part) => Buffer.from(part ?? []).toString())
              .concat(String(version), String(modRevision))
              .join(" "),
          )
          .join("\n"),
      );
    });
  } finally {
    for (const wire of wires) wire.close();
  }
}
