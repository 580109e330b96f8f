// Regions without consensus, disk or streams, joined by a network that loses, repeats and reorders single transactions:
// what delivery, holding and the stable cut rest on alone (federation 4, 10). Every apply is judged by what delivery
// promises, told independently of the code under test.
import { createHash } from "node:crypto";
import { HLC_ZERO, assert, hlcMax, hlcNext, randomBetween } from "../../base/index.ts";
import type { Hlc, Key, Mulberry32, WallMs } from "../../base/index.ts";
import { chainNext, chainSeed, linkOf } from "../../federation/chain.ts";
import type { FederationConfig, Identity } from "../../federation/config.ts";
import { Course } from "../../federation/course.ts";
import { judge } from "../../federation/delivery.ts";
import type { DeliveryState } from "../../federation/delivery.ts";
import { dotText, originId, sequence } from "../../federation/dot.ts";
import type { Dot, OriginId, Sequence } from "../../federation/dot.ts";
import type { Report } from "../../federation/exchange-message.ts";
import { Holding } from "../../federation/holding.ts";
import type { BatchLimits } from "../../federation/holding.ts";
import type { FederationBug } from "../../federation/planted.ts";
import { StableCut } from "../../federation/stable-cut.ts";
import { decodeTransaction, encodeTransaction } from "../../federation/transaction-codec.ts";
import type { Shipped } from "../../federation/transaction-codec.ts";
import { hasSeen } from "../../federation/transaction.ts";
import type { Transaction } from "../../federation/transaction.ts";
import { countOf, covers } from "../../federation/vector.ts";
import type { Vector } from "../../federation/vector.ts";
import { documentOf, identity, numbered } from "./document.ts";

export const sha256 = (bytes: Uint8Array): Uint8Array =>
  createHash("sha256").update(bytes).digest();

/** The incarnation under which the tests' origins mint. */
const incarnationOf = (origin: number): Identity => identity(0xabc000 + origin);

/** Members r1, r2, ... under origins 1, 2, ... */
export function configOf(
  regions: number,
  changes: Partial<FederationConfig> = {},
): FederationConfig {
  const named = numbered(regions);
  return documentOf(
    named.map((region, at) => ({ ...region, incarnation: incarnationOf(at + 1), endpoints: [] })),
    changes,
  );
}

export interface StreamOptions {
  /** A guard of delivery that is taken away. */
  readonly planted?: FederationBug;
  /** What believes the regions' words. */
  readonly stableCut?: () => StableCut;
}

const HELD = { countMax: 8, bytesMax: 2_000 };

/** Of one region: what is replicated in it, and the soft state of who leads it. */
export class StreamRegion implements DeliveryState {
  readonly applied = new Map<OriginId, Sequence>();
  readonly forked = new Set<OriginId>();
  readonly retained = new Map<OriginId, Shipped[]>();
  readonly #chains = new Map<OriginId, Uint8Array>();
  config: FederationConfig;
  self: OriginId | undefined;
  hlc: Hlc = HLC_ZERO;
  counter = 0n;
  holding: Holding;
  stable: StableCut;
  /** Dots in the order in which they were applied. */
  readonly order = new Set<string>();
  readonly #planted: FederationBug | undefined;

  readonly #stableCut: () => StableCut;

  constructor(config: FederationConfig, self: OriginId, options: StreamOptions = {}) {
    this.config = config;
    this.self = self;
    this.#planted = options.planted;
    this.#stableCut = options.stableCut ?? (() => new StableCut());
    this.stable = this.#stableCut();
    this.holding = new Holding({ limits: HELD });
  }

  chainOf(origin: OriginId): Uint8Array | undefined {
    const { members, closed } = this.config;
    const known = [...members, ...closed].find((one) => one.origin === origin);
    return known && (this.#chains.get(origin) ?? chainSeed(sha256, known.incarnation));
  }

  /** One more of this region's own; it adds `amount`. */
  mint(amount: bigint, wallMs: number): Shipped {
    const origin = this.self ?? originId(1);
    const last = this.hlc;
    this.hlc = hlcNext(last, wallMs as WallMs);
    assert(this.hlc > last, "stamps only rise, whatever the clock shows (scenario 16)");
    const deps = new Map(this.applied);
    deps.delete(origin);
    const transaction: Transaction = {
      origin,
      sequence: sequence(countOf(this.applied, origin) + 1),
      deps,
      hlc: this.hlc,
      epoch: this.config.epoch,
      operations: [
        {
          action: "kind",
          key: "count" as Key,
          operation: { kind: "counter", action: "add", amount },
        },
      ],
    };
    const link = linkOf(this.chainOf(origin) ?? new Uint8Array(32));
    const shipped = decodeTransaction(encodeTransaction(transaction, link));
    this.#take(shipped);
    return shipped;
  }

  /** As an entry of the log would: each judged with the state of that moment. The verdicts, in order. */
  apply(transactions: readonly Uint8Array[]): readonly string[] {
    return transactions.map((bytes) => {
      const shipped = decodeTransaction(bytes);
      const { verdict } = judge(this, shipped, this.#planted);
      if (verdict === "apply") this.#take(shipped);
      if (verdict === "forked") this.forked.add(shipped.transaction.origin);
      return verdict;
    });
  }

  /** What of `holding` goes into the next entry, none being on its way. */
  ready(limits: BatchLimits, holding = this.holding): readonly Shipped[] {
    const init = { state: () => this, hash: sha256, planted: this.#planted };
    return holding.next(new Course(init), limits);
  }

  /** A leader's turn: everything that is ready, in entries of a few transactions. */
  drain(batchCountMax = 3): void {
    const limits = { operationsMax: batchCountMax, bytesMax: 600 };
    for (;;) {
      const batch = this.ready(limits);
      this.apply(batch.map(({ bytes }) => bytes));
      this.holding.settle(this.applied);
      if (batch.length === 0) return;
    }
  }

  /** A new leader knows what is replicated, and nothing else. */
  forgetSoftState(): void {
    this.holding = new Holding({ limits: HELD });
    this.stable = this.#stableCut();
  }

  report(): Report {
    const vector = new Map(this.applied);
    return { origin: this.self ?? originId(1), epoch: this.config.epoch, vector };
  }

  /** What is retained of what `vector` has not. */
  beyond(vector: Vector): readonly Shipped[] {
    return [...this.retained.values()]
      .flat()
      .filter(({ transaction }) => transaction.sequence > countOf(vector, transaction.origin));
  }

  #take(shipped: Shipped): void {
    const { transaction } = shipped;
    const { origin, sequence: at } = transaction;
    this.#judgeByPromise(transaction);
    const before = this.chainOf(origin) ?? new Uint8Array(32);
    this.#chains.set(origin, chainNext(sha256, before, shipped.bytes));
    this.applied.set(origin, at);
    this.hlc = hlcMax(this.hlc, transaction.hlc);
    this.retained.set(origin, [...(this.retained.get(origin) ?? []), shipped]);
    this.order.add(dotText(transaction));
    for (const operation of transaction.operations) {
      if (operation.action !== "kind" || operation.operation.kind !== "counter") continue;
      if (operation.operation.action === "add") this.counter += operation.operation.amount;
    }
    if (origin !== this.self) this.stable.applied(transaction);
  }

  /** Once, in its origin's order, after what it depends on; and with sight of all that is stable. */
  #judgeByPromise(transaction: Transaction): void {
    const { origin, sequence: at, deps } = transaction;
    const dot = dotText(transaction);
    assert(!this.order.has(dot), `${dot} is applied a second time`);
    assert(at === countOf(this.applied, origin) + 1, `${dot} is applied out of its order`);
    assert(covers(this.applied, deps), `${dot} is applied before what it depends on`);
    for (const stable of lastOf(this.stable.cut(this))) {
      const seen = hasSeen(transaction, stable);
      assert(seen, `${dot} has not seen ${dotText(stable)}, which was stable`);
    }
  }
}

/** Of each origin the last: to have seen it is to have seen all before. */
function lastOf(vector: Vector): readonly Dot[] {
  return [...vector].map(([origin, at]) => ({ origin, sequence: at }));
}

/** What is on its way to one region. */
export type Parcel =
  | { readonly kind: "transaction"; readonly shipped: Shipped }
  | { readonly kind: "report"; readonly report: Report };

export function drawn<Item>(random: Mulberry32, from: readonly Item[]): Item | undefined {
  return from[Math.floor(randomBetween(random, 0, from.length))];
}
