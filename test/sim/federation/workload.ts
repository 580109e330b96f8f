// What clients of each region write: few keys, so that regions collide; now and then nobody writes, so that regions come
// to have the same. What was acknowledged, with the dots that it got, is the judge's.
import { bytesOf, keyOf } from "../../../base/index.ts";
import type { Key, LeaseId } from "../../../base/index.ts";
import type { AskedOperation, KindName } from "../../../federation/index.ts";
import type { Request } from "../../../store/index.ts";
import { del, grant, op, put, putOf, renew, txn } from "../../store/requests.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";
import type { Leading } from "./leading.ts";
import { HOMED, KINDS, LATE, LEASED, POLICIES, RESOLVER, keyIn } from "./prefixes.ts";
import type { Region } from "./region.ts";
import { drawn } from "./swarm.ts";
import type { FederationSwarm } from "./swarm.ts";
import type { WritesJudge } from "./writes-judge.ts";

const PLAIN = [...POLICIES, RESOLVER, HOMED, ...LATE, "local"] as const;
/** Of one value that is to make its transaction larger than an entry or a batch takes. */
const LARGE_BYTES_MAX = 1_500;
/** Of contexts that a client has read and not used yet. */
const CONTEXTS_MAX = 4;
/** Of a region, that are used. */
const LEASES_MAX = 3;

export interface WorkloadInit {
  readonly swarm: FederationSwarm;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly writes: WritesJudge;
  readonly leadingOf: (region: Region) => Leading | undefined;
}

interface Context {
  readonly key: string;
  readonly bytes: Uint8Array;
}

export class Workload {
  readonly #init: WorkloadInit;
  readonly #contexts = new Map<Region, Context[]>();
  readonly #leases = new Map<Region, bigint[]>();
  #leased = 1_000n;
  #written = 0;
  #quietUntilMs = 0;
  #stopped = false;

  constructor(init: WorkloadInit) {
    this.#init = init;
    this.#quietSoon();
  }

  get isQuiet(): boolean {
    return this.#init.queue.nowMs < this.#quietUntilMs;
  }

  stop(): void {
    this.#stopped = true;
  }

  begin(region: Region): void {
    const { queue, chance, swarm } = this.#init;
    queue.schedule(chance.between(1, swarm.thinkMsMax), "write", () => {
      if (this.#stopped) return;
      if (!this.isQuiet && !region.isLost) this.#write(region);
      this.begin(region);
    });
  }

  #quietSoon(): void {
    const { queue, chance, swarm } = this.#init;
    queue.schedule(chance.between(0.5, 1.5) * swarm.quietEveryMs, "quiet", () => {
      if (this.#stopped) return;
      this.#quietUntilMs = queue.nowMs + swarm.quietMs;
      this.#quietSoon();
    });
  }

  #write(region: Region): void {
    const { chance, swarm } = this.#init;
    switch (drawn(chance, swarm.writes) ?? "put") {
      case "put":
        this.#send(region, put(this.#key(), this.#value()));
        return;
      case "delete":
        this.#send(region, del(this.#key()));
        return;
      case "range-delete": {
        const prefix = chance.pick(swarm.prefixes ?? PLAIN);
        this.#send(region, del(`${prefix}/`, `${prefix}0`));
        return;
      }
      case "txn":
        this.#send(region, this.#txn(0));
        return;
      case "large":
        this.#send(region, this.#txn(chance.whole(LARGE_BYTES_MAX / 4, LARGE_BYTES_MAX)));
        return;
      case "context":
        this.#withContext(region);
        return;
      case "kind":
        this.#operate(region);
        return;
      case "claim":
        this.#claim(region);
        return;
      case "lease":
        this.#hold(region);
        return;
      case "quorum":
        this.#send(region, put(this.#key(), this.#value()), { awaits: true });
        return;
    }
  }

  /** Of several keys, each of whose values has that many bytes at least. */
  #txn(valueBytes: number): Request {
    const keys = [...new Set([this.#key(), this.#key(), this.#key()])];
    return txn(
      [],
      keys.map((key) => op.put(key, this.#value().padEnd(valueBytes, "."))),
    );
  }

  #send(region: Region, request: Request, { awaits } = { awaits: false }): void {
    const { writes, leadingOf } = this.#init;
    region.proposer.propose(request, ({ response, minted }) => {
      if (response === undefined || response.kind === "refused") return;
      writes.onAcknowledged(region, request, minted);
      const [dot] = minted;
      if (!awaits || dot === undefined || request.kind !== "put") return;
      leadingOf(region)?.awaitRegions(request.put.key, dot);
    });
  }

  /** Reads siblings now, or writes with what was read some time ago: by then it may be stale. */
  #withContext(region: Region): void {
    const { chance } = this.#init;
    const read = this.#contexts.get(region) ?? [];
    this.#contexts.set(region, read);
    const leader = region.leader;
    if (leader === undefined) return;
    if (read.length < CONTEXTS_MAX || chance.hits(0.4)) {
      const key = chance.hits(0.6) ? `siblings/${this.#number()}` : this.#key();
      const bytes = leader.federated.state.siblingContextOf(key as Key);
      read.push({ key, bytes });
      if (read.length > CONTEXTS_MAX) read.shift();
      return;
    }
    const { key, bytes } = chance.pick(read);
    const write = putOf(key, this.#value(), { siblingContext: bytes });
    this.#send(region, { kind: "put", put: write });
  }

  /** A write that the leased home alone may take. */
  #claim(region: Region): void {
    const home = this.#init.leadingOf(region)?.home;
    if (home?.takes !== true) return;
    region.proposer.propose(put(`lww/claim-${this.#number()}`, this.#value()), ({ response }) => {
      if (response !== undefined && response.kind !== "refused") home.onCommitted();
    });
  }

  /** Grants a lease, renews one, or puts a key on one. */
  #hold(region: Region): void {
    const { chance } = this.#init;
    const held = this.#leases.get(region) ?? [];
    this.#leases.set(region, held);
    if (held.length === 0 || chance.hits(0.3)) {
      this.#leased += 1n;
      held.push(this.#leased);
      if (held.length > LEASES_MAX) held.shift();
      region.proposer.propose(grant(this.#leased, chance.whole(300, 3_000)), () => undefined);
    } else if (chance.hits(0.4)) {
      region.proposer.propose(renew(chance.pick(held)), () => undefined);
    } else {
      const lease = chance.pick(held) as LeaseId;
      this.#send(region, put(`${LEASED}/${this.#number()}`, this.#value(), { lease }));
    }
  }

  #operate(region: Region): void {
    const { chance } = this.#init;
    const kind = chance.pick(KINDS);
    const operations = [{ key: keyIn(kind, this.#number()), asked: this.#asked(kind, region) }];
    region.proposer.change({ change: "operate", operations });
  }

  #asked(kind: KindName, region: Region): AskedOperation {
    const { chance } = this.#init;
    if (kind !== "bounded-counter" && chance.hits(0.08)) return { kind, action: "delete" };
    switch (kind) {
      case "counter":
        if (chance.hits(0.1)) return { kind, action: "reset" };
        return { kind, action: "add", amount: BigInt(chance.pick([-4, -2, 1, 3, 5])) };
      case "bounded-counter": {
        const amount = BigInt(chance.whole(1, 6));
        const action = chance.pick(["add", "take", "take", "transfer"] as const);
        if (action !== "transfer") return { kind, action, amount };
        const members = region.leader?.federated.config.members ?? [];
        if (members.length === 0) return { kind, action: "take", amount };
        return { kind, action, amount, to: chance.pick(members).origin };
      }
      case "set": {
        const [one, other] = [keyIn("e", chance.whole(0, 4)), keyIn("e", chance.whole(0, 4))];
        return chance.hits(0.6)
          ? { kind, action: "change", add: [one], remove: one === other ? [] : [other] }
          : { kind, action: "change", add: [], remove: [one] };
      }
      case "map": {
        const field = keyIn("f", chance.whole(0, 4));
        const value = keyOf(bytesOf(this.#value() as Key));
        return chance.hits(0.7)
          ? { kind, action: "change", put: [{ field, value }], remove: [] }
          : { kind, action: "change", put: [], remove: [field] };
      }
      case "register":
        return { kind, action: "write", value: bytesOf(this.#value() as Key) };
      case "flag":
        return { kind, action: "write", enabled: chance.hits(0.5) };
    }
  }

  #key(): string {
    const { chance, swarm } = this.#init;
    return `${chance.pick(swarm.prefixes ?? PLAIN)}/${this.#number()}`;
  }

  #number(): number {
    return this.#init.chance.whole(0, this.#init.swarm.keys);
  }

  #value(): string {
    this.#written += 1;
    return `v${this.#written}`;
  }
}
