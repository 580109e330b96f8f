// Regions of one machine each, for tests of what a region's state machine does: what one mints is handed to another as
// an encoded command, in whatever order a test likes.
import { createHash } from "node:crypto";
import { expect } from "@jest/globals";
import { assert, bytesOf, keyOf } from "../../base/index.ts";
import type { Key, Revision, WallMs } from "../../base/index.ts";
import {
  RegionState,
  decodeRetained,
  decodeTransaction,
  encodeChange,
  encodeConfig,
  originId,
  regionStateOf,
  transactionRowKey,
} from "../../federation/index.ts";
import type {
  FederationBug,
  FederationChange,
  FederationConfig,
  OriginId,
  Policy,
  Shipped,
} from "../../federation/index.ts";
import type { FederationAnswer, Refusal, Request, Response } from "../../store/index.ts";
import { Host } from "../store/host.ts";
import { rangeOf } from "../store/requests.ts";
import { documentOf, policy } from "./document.ts";

export const hash = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(bytes).digest());

const VALUE_CACHE_BYTES = 4096;
const NAMES = ["east", "north", "south", "west"];
export const ANCHOR_MS = 1_700_000_000_000;

export function configOf(
  count: number,
  policies: readonly Policy[],
  rest: Partial<FederationConfig> = {},
): FederationConfig {
  const named = NAMES.slice(0, count).map((name) => ({ name }));
  return documentOf(named, { policies, ...rest });
}

export class Region {
  readonly host: Host;
  readonly origin: OriginId;
  /** Another member of the region: the same entries, another cache, batches of its own. */
  readonly twin: Host;
  /** Log time of the next entry. */
  nowMs = 0;

  constructor(origin: number, planted?: FederationBug) {
    this.origin = originId(origin);
    const member = (valueCacheBytesMax: number): Host =>
      new Host({
        valueCacheBytesMax,
        createFederation: (store) => new RegionState(store, { hash, ...(planted && { planted }) }),
      });
    this.host = member(VALUE_CACHE_BYTES);
    this.twin = member(0);
  }

  get state(): RegionState {
    const state = regionStateOf(this.host.machine);
    assert(state !== undefined, "the machine was made with a federation");
    return state;
  }

  get revision(): number {
    return this.host.machine.revision;
  }

  run(request: Request): Response {
    this.nowMs += 1;
    const response = this.host.run(request, this.nowMs);
    expect(this.twin.run(request, this.nowMs)).toEqual(response);
    this.twin.flush();
    return response;
  }

  change(change: FederationChange): FederationAnswer | Refusal {
    const response = this.run({ kind: "federation", body: encodeChange(change) });
    if (response.kind === "refused") return response;
    assert(response.kind === "federation", "a change of the federation is answered as one");
    return response.answer;
  }

  /** `self`: under which it is to mint. */
  configure(config: FederationConfig, self: OriginId = this.origin): FederationAnswer | Refusal {
    const wallMs = ANCHOR_MS as WallMs;
    return this.change({
      change: "configure",
      document: encodeConfig(config),
      wallMs,
      self,
    });
  }

  /** All that this region has of the origin, or one of it. */
  shipped(origin: OriginId = this.origin): readonly Shipped[] {
    const count = this.state.applied.get(origin) ?? 0;
    return Array.from({ length: count }, (_, at) => this.transaction(origin, at + 1));
  }

  transaction(origin: OriginId, sequence: number): Shipped {
    const recent = this.state.retained(origin, sequence);
    if (recent !== undefined) return decodeTransaction(recent.bytes);
    const [row] = this.host.load([transactionRowKey(origin, sequence)]);
    assert(row !== undefined, `transaction ${origin}:${sequence} is retained`);
    return decodeTransaction(decodeRetained(row).bytes);
  }

  apply(...transactions: readonly Shipped[]): FederationAnswer {
    const answer = this.change({ change: "apply", transactions });
    assert(!("kind" in answer), "an apply is never refused");
    return answer;
  }

  /** Takes from another all that this region lacks. */
  pull(from: Region): FederationAnswer {
    const lacked = [...from.state.applied].flatMap(([origin, count]) => {
      const have = this.state.applied.get(origin) ?? 0;
      return Array.from({ length: Math.max(count - have, 0) }, (_, at) =>
        from.transaction(origin, have + at + 1),
      );
    });
    return this.apply(...causal(lacked, this));
  }

  /** "value", or undefined where there is no such key. */
  get(key: string): string | undefined {
    return this.#kv(key)?.value;
  }

  #kv(key: string): { readonly value: string; readonly mod: Revision } | undefined {
    const answer = this.host.range(rangeOf(key));
    assert(!("code" in answer), "a read of the present is served");
    const [kv] = answer.kvs;
    return kv && { value: keyOf(kv.value), mod: kv.modRevision };
  }

  mod(key: string): number | undefined {
    return this.#kv(key)?.mod;
  }

  siblings(key: string): readonly string[] {
    return this.state
      .recordOf(key as Key)
      .siblings.map(({ dot, value }) =>
        value === undefined
          ? `${dot.origin}:${dot.sequence} gone`
          : `${dot.origin}:${dot.sequence}`,
      );
  }

  /** "revision type key=value" of every event from `from` on. */
  events(from: number): readonly string[] {
    const { changes } = this.host.machine;
    const events: string[] = [];
    changes.visit(
      from,
      (key, version) => {
        const kind = version.count === 0 ? "delete" : "put";
        events.push(`${version.mod} ${kind} ${key} v${version.count}`);
      },
      () => true,
    );
    return events;
  }

  /** Writes what is pending and starts again from the rows. */
  restart(): void {
    const before = this.host.machine.hash();
    this.host.flush();
    this.host.restart();
    assert(this.host.machine.hash() === before, "a restart leaves the state as it was");
    assert(this.twin.machine.hash() === before, "members of a region are equal");
  }
}

/** In an order in which they may be applied. */
function causal(transactions: readonly Shipped[], to: Region): readonly Shipped[] {
  const applied = new Map<number, number>(to.state.applied);
  const left = [...transactions];
  const ordered: Shipped[] = [];
  for (;;) {
    const at = left.findIndex(({ transaction: { origin, sequence, deps } }) => {
      const isNext = (applied.get(origin) ?? 0) === sequence - 1;
      return isNext && [...deps].every(([other, count]) => (applied.get(other) ?? 0) >= count);
    });
    const [next] = at === -1 ? [] : left.splice(at, 1);
    if (next === undefined) break;
    applied.set(next.transaction.origin, next.transaction.sequence);
    ordered.push(next);
  }
  return [...ordered, ...left];
}

/** Regions 1 to `count`, configured alike. */
export function regions(config: FederationConfig): readonly Region[] {
  return config.members.map(({ origin }) => {
    const region = new Region(origin);
    region.configure(config);
    return region;
  });
}

/** Of one federated prefix, f/. */
export function two(rest: Parameters<typeof policy>[1] = {}): readonly [Region, Region] {
  const [east, north] = regions(configOf(2, [policy("f/", rest)]));
  assert(east !== undefined && north !== undefined, "two regions");
  return [east, north];
}

/** Until nobody lacks anything. */
export function exchange(all: readonly Region[]): void {
  for (let round = 0; round < 2; round += 1) {
    for (const to of all) for (const from of all) if (from !== to) to.pull(from);
  }
}

export function bytes(text: string): Uint8Array {
  return bytesOf(text as Key);
}
