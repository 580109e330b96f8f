// A caller of single keys that others use too: put, delete, compare-and-swap and get by each linearizable mode,
// one attempt each at a voter of its choice, cut off or not. Every call is an operation of its key's history.
import { op, when } from "../../../client/index.ts";
import { READ_MODES, bytes, valueOf } from "../../e2e/wire-client.ts";
import type { Txn, WireClient } from "../../e2e/wire-client.ts";
import type { Chance } from "../../sim/chance.ts";
import type { Held, RegisterOp, RegisterResult } from "../../sim/register.ts";
import type { Called, Observations } from "./observations.ts";

const CALL_MS_MAX = 500;
const MODES = ["quorum", "index", "lease", "follower"] as const;

export interface RegisterCallerOptions {
  /** Part of every value it writes, so that no two callers write the same. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly voters: readonly WireClient[];
  readonly observations: Observations;
  readonly chance: Chance;
}

interface Outcome {
  readonly result: RegisterResult;
  readonly revision: number;
}

export class RegisterCaller {
  readonly #options: RegisterCallerOptions;
  /** What it last saw of each key: what its next swap expects. */
  readonly #seen = new Map<string, Held>();
  #count = 0;

  constructor(options: RegisterCallerOptions) {
    this.#options = options;
  }

  async once(): Promise<void> {
    const { keys, voters, observations, chance } = this.#options;
    const key = chance.pick(keys);
    const wire = chance.pick(voters);
    const operation = this.#draw(key);
    const called = observations.call();
    try {
      const { result, revision } = await this.#call(wire, key, operation);
      observations.onOperation(key, operation, called, result);
      this.#observe(called, operation, result, revision);
      this.#remember(key, operation, result);
    } catch {
      // Unknown: it may take effect at any later time, or never. The search allows for both.
      observations.onOperation(key, operation, called);
    }
  }

  /** Deletes are few: one of unknown fate leaves the search two ways from there on. */
  #draw(key: string): RegisterOp {
    this.#count += 1;
    const value = `${this.#options.name}-${this.#count}`;
    const drawn = this.#options.chance.whole(0, 100);
    if (drawn < 40) return { kind: "get" };
    if (drawn < 75) return { kind: "put", value };
    if (drawn < 95) return { kind: "swap", expect: this.#seen.get(key), value };
    return { kind: "delete" };
  }

  async #call(wire: WireClient, key: string, operation: RegisterOp): Promise<Outcome> {
    switch (operation.kind) {
      case "get": {
        const request = {
          key: bytes(key),
          read_mode: READ_MODES[this.#options.chance.pick(MODES)],
        };
        const answer = await wire.range(request, CALL_MS_MAX);
        const revision = Number(answer.header?.revision);
        return { result: { kind: "held", held: valueOf(answer) }, revision };
      }
      case "put": {
        const request = { key: bytes(key), value: bytes(operation.value) };
        const { header } = await wire.put(request, CALL_MS_MAX);
        return { result: { kind: "put" }, revision: Number(header?.revision) };
      }
      case "delete": {
        const success = [op.delete(key, { prevKv: true }).wire];
        const { header, responses } = await wire.txn({ success }, CALL_MS_MAX);
        const before = responses?.[0]?.response_delete_range?.prev_kvs?.[0];
        const held = before === undefined ? undefined : textOf(before.value);
        return { result: { kind: "held", held }, revision: Number(header?.revision) };
      }
      case "swap": {
        const { header, succeeded, responses } = await wire.txn(
          swapOf(key, operation),
          CALL_MS_MAX,
        );
        const found = responses?.[0]?.response_range ?? {};
        const result =
          succeeded === true
            ? ({ kind: "did" } as const)
            : ({ kind: "did-not", held: valueOf(found) } as const);
        return { result, revision: Number(header?.revision) };
      }
    }
  }

  #observe(called: Called, operation: RegisterOp, result: RegisterResult, revision: number): void {
    const { observations } = this.#options;
    if (operation.kind === "get") {
      observations.onRead(called, { what: "a get", linearizable: true, revision });
      return;
    }
    const deleted = operation.kind === "delete" && "held" in result && result.held !== undefined;
    const changed = deleted || result.kind === "put" || result.kind === "did";
    observations.onWritten(called, revision, changed);
  }

  #remember(key: string, operation: RegisterOp, result: RegisterResult): void {
    if (result.kind === "put" || result.kind === "did") {
      this.#seen.set(key, "value" in operation ? operation.value : undefined);
    } else if (operation.kind === "delete") this.#seen.delete(key);
    else this.#seen.set(key, result.held);
  }
}

function swapOf(key: string, { expect, value }: Extract<RegisterOp, { kind: "swap" }>): Txn {
  const condition = expect === undefined ? when.missing(key) : when.value(key, "=", expect);
  return {
    compare: [condition.wire],
    success: [op.put(key, value).wire],
    failure: [op.get(key).wire],
  };
}

function textOf(value: Uint8Array | null | undefined): string {
  return Buffer.from(value ?? []).toString();
}
