// A federation under faults: regions with members, links with lag and cuts, crashes, hand-overs, changes of policy, and
// clients that write concurrently to few keys. Then everything is healed, and all must have all (federation 19).
import { present } from "../../../base/index.ts";
import type { WallMs } from "../../../base/index.ts";
import { covers, encodeConfig, originId } from "../../../federation/index.ts";
import type {
  AskedOperation,
  Dot,
  FederationBug,
  FederationConfig,
  Identity,
  Policy,
  PolicyName,
  Topology,
} from "../../../federation/index.ts";
import { keyOf } from "../../../base/index.ts";
import { FederationKeeping } from "../../../server/federation-keeping.ts";
import type { Request } from "../../../store/index.ts";
import { del, op, put, txn } from "../../store/requests.ts";
import { Chance } from "../chance.ts";
import { EventQueue } from "../events.ts";
import { demand } from "../violation.ts";
import { Judge } from "./judge.ts";
import { Pulling } from "./links.ts";
import { Region } from "./region.ts";
import type { Member } from "./region.ts";

const KEYS = 4;
const SETTLE_MS = 60_000;
const QUIET_JOURNAL = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Each with a prefix of its name. */
const POLICIES: readonly PolicyName[] = [
  "lww",
  "first-writer",
  "priority",
  "add-wins",
  "delete-wins",
  "merge",
  "siblings",
];

export interface WorldOptions {
  readonly seed: number;
  readonly steps: number;
  readonly planted?: FederationBug;
}

interface Leading {
  readonly pulling: Pulling;
  readonly keeping: FederationKeeping;
}

export class FederationWorld {
  readonly queue = new EventQueue();
  readonly judge = new Judge();
  readonly regions: readonly Region[];
  readonly #chance: Chance;
  readonly #options: WorldOptions;
  readonly #leading = new Map<Region, Leading>();
  readonly #cuts = new Set<string>();
  readonly #lagMs = new Map<string, number>();
  /** What the last entry that a member applied minted, for who waits for its answer. */
  readonly #mintedBy = new Map<Region, readonly Dot[]>();
  #config: FederationConfig;
  #healing = false;
  #written = 0;
  steps = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const chance = new Chance(options.seed);
    this.#chance = chance;
    const count = chance.whole(2, 6);
    const memberCount = chance.whole(1, 4);
    this.#config = firstConfig(count, topologyOf(chance, count));
    this.regions = this.#config.members.map(
      ({ name, origin }) =>
        new Region({
          ...{ name, origin, memberCount, queue: this.queue, chance, planted: options.planted },
          skewMs: chance.between(-100, 100),
          onApplied: (region, member, entry) => this.#onApplied(region, member, entry.index),
          onLeader: (region) => this.#onLeader(region),
          onLost: (_region, member) => this.#cutStreams((_to, server) => server === member),
        }),
    );
    for (const from of this.regions)
      for (const to of this.regions) this.#lagMs.set(pair(from, to), chance.between(1, 80));
    const document = encodeConfig(this.#config);
    for (const region of this.regions) {
      region.configure(document);
      this.#onLeader(region);
      this.#writeSoon(region);
    }
    this.#strikeSoon();
  }

  /** Faults and writes for so many events; then heal, and demand that all have all. */
  run(): void {
    while (this.steps < this.#options.steps) this.#step();
    this.#heal();
    const untilMs = this.queue.nowMs + SETTLE_MS;
    while (!this.#isSettled()) {
      demand(this.queue.nowMs < untilMs, "liveness", () => this.#unsettled());
      this.#step();
    }
    this.judge.checkEnd(this.regions);
  }

  #step(): void {
    const event = present(this.queue.next(), "something always happens");
    this.steps += 1;
    event.run();
  }

  #onApplied(region: Region, member: Member, index: number): void {
    const minted = this.judge.onApplied(region, member, index);
    if (member === region.leader) this.#mintedBy.set(region, minted);
    if (this.#chance.hits(0.02)) this.judge.compare(region, member);
    report(member);
    if (member === region.leader) this.#leading.get(region)?.pulling.onNews();
    for (const { pulling } of this.#leading.values()) pulling.onServerNews(member);
  }

  #onLeader(region: Region): void {
    this.#leading.get(region)?.pulling.stop();
    this.#leading.delete(region);
    const { leader, term } = region;
    if (leader === undefined) return;
    const { queue } = this;
    const pulling = new Pulling({
      ...{ region, member: leader, regions: this.regions, queue, chance: this.#chance },
      weather: {
        delayMs: (from, to) => this.#lagMs.get(pair(from, to)) ?? 1,
        isCut: (from, to) => this.#cuts.has(pair(from, to)),
      },
      onFault: (at, fault) => {
        demand(false, "liveness", () => `${at.name}: ${JSON.stringify(fault)}`);
      },
    });
    const keeping = new FederationKeeping({
      region: leader.federated,
      reports: leader.reports,
      clock: { monotonicMs: () => queue.nowMs as never, wallMs: (): WallMs => region.wallMs },
      logTime: () => region.logTime,
      propose: (change, done) => region.change(change, (answer) => done(answer !== undefined)),
      journal: QUIET_JOURNAL,
    });
    this.#leading.set(region, { pulling, keeping });
    const keep = (): void => {
      if (region.term !== term) return;
      if (leader.federated.self !== undefined) keeping.look();
      queue.schedule(100, "keep", keep);
    };
    queue.schedule(50, "keep", keep);
  }

  #writeSoon(region: Region): void {
    this.queue.schedule(this.#chance.between(1, 60), "write", () => {
      if (this.#healing) return;
      if (this.#chance.hits(0.8)) this.#write(region);
      else this.#operate(region);
      this.#writeSoon(region);
    });
  }

  #write(region: Region): void {
    this.#mintedBy.delete(region);
    region.propose(this.#request(), (response) => {
      if (response === undefined || response.kind === "refused") return;
      this.judge.onAcknowledged(this.#mintedBy.get(region) ?? []);
    });
  }

  #request(): Request {
    const chance = this.#chance;
    const draw = chance.unit();
    if (draw < 0.55) return put(this.#key(), this.#value());
    if (draw < 0.7) return del(this.#key());
    if (draw < 0.75) return del(`${chance.pick(POLICIES)}/`, `${chance.pick(POLICIES)}0`);
    const keys = [...new Set([this.#key(), this.#key(), this.#key()])];
    return txn(
      [],
      keys.map((key) => op.put(key, this.#value())),
    );
  }

  #operate(region: Region): void {
    const chance = this.#chance;
    const key = keyOf(new TextEncoder().encode(`counter/${chance.whole(0, KEYS)}`));
    const asked = { kind: "counter", action: "add", amount: BigInt(chance.whole(-5, 9)) } as const;
    const operations = [{ key, asked: asked satisfies AskedOperation }];
    region.change({ change: "operate", operations });
  }

  #key(): string {
    return `${this.#chance.pick([...POLICIES, "local"])}/${this.#chance.whole(0, KEYS)}`;
  }

  #value(): string {
    this.#written += 1;
    return `v${this.#written}`;
  }

  #strikeSoon(): void {
    this.queue.schedule(this.#chance.between(50, 600), "strike", () => {
      if (this.#healing) return;
      this.#strike();
      this.#strikeSoon();
    });
  }

  #strike(): void {
    const chance = this.#chance;
    const region = chance.pick(this.regions);
    const other = chance.pick(this.regions);
    const member = chance.pick(region.members);
    const draw = chance.unit();
    if (draw < 0.25) this.#cut(region, other);
    else if (draw < 0.45) this.#cuts.clear();
    else if (draw < 0.6) region.crash(member);
    else if (draw < 0.8) this.#restart(region);
    else if (draw < 0.88) region.handOver();
    else if (draw < 0.94) this.#lagMs.set(pair(region, other), chance.between(1, 400));
    else this.#changePolicy(region);
  }

  #cut(from: Region, to: Region): void {
    this.#cuts.add(pair(from, to));
    if (this.#chance.hits(0.7)) this.#cuts.add(pair(to, from));
    for (const [region, { pulling }] of this.#leading) {
      pulling.cut((server) => this.#cuts.has(pair(region, server)));
    }
  }

  #cutStreams(isGone: (to: Region, server: Member) => boolean): void {
    for (const { pulling } of this.#leading.values()) pulling.cut(isGone);
  }

  #restart(region: Region): void {
    for (const member of region.members) {
      if (member.up) continue;
      region.restart(member);
      this.judge.onRestored(member);
      report(member);
    }
  }

  /** As the directory would: the next epoch, told to one region, which the streams relay. */
  #changePolicy(region: Region): void {
    const at = this.#chance.whole(0, POLICIES.length);
    const policies = this.#config.policies.map((policy) =>
      policy.prefix === `${present(POLICIES[at], "a policy")}/`
        ? { ...policy, ...namedPolicy(this.#chance.pick(POLICIES), this.#config) }
        : policy,
    );
    this.#config = { ...this.#config, epoch: this.#config.epoch + 1, policies };
    region.configure(encodeConfig(this.#config));
  }

  #heal(): void {
    this.#healing = true;
    this.#cuts.clear();
    const document = encodeConfig(this.#config);
    for (const region of this.regions) {
      this.#restart(region);
      this.queue.schedule(500, "configure", () => region.configure(document));
    }
  }

  #isSettled(): boolean {
    const first = present(this.regions[0], "a first region").members[0]?.federated.applied;
    return (
      this.regions.every((region) =>
        region.members.every(({ federated, host, up }) => {
          const isLast = host.machine.applied === region.log.length;
          const isSame = first !== undefined && covers(federated.applied, first);
          return up && isLast && isSame && federated.config.epoch === this.#config.epoch;
        }),
      ) &&
      this.regions.every((region) =>
        covers(first ?? new Map(), region.members[0]?.federated.applied ?? new Map()),
      )
    );
  }

  #unsettled(): string {
    return this.regions
      .flatMap((region) =>
        region.members.map(({ at, federated, host, up }) => {
          const { applied, config } = federated;
          const state = `${up ? "up" : "down"} ${host.machine.applied}/${region.log.length} epoch ${config.epoch}`;
          return `${region.name}.${at} ${state}: ${[...applied].join(" ")}`;
        }),
      )
      .join("; ");
  }
}

/** What a member has is its region's word, whoever leads. */
function report({ federated, reports }: Member): void {
  const { self, config, applied } = federated;
  if (self !== undefined) {
    reports.note({ origin: self, epoch: config.epoch, vector: new Map(applied) });
  }
}

function pair(from: Region, to: Region): string {
  return `${from.name} ${to.name}`;
}

function topologyOf(chance: Chance, count: number): Topology {
  return chance.pick<Topology>([
    { shape: "mesh" },
    { shape: "ring" },
    { shape: "star", hub: `r${chance.whole(1, count + 1)}` },
    { shape: "tree", root: `r${chance.whole(1, count + 1)}`, fanout: 2 },
  ]);
}

function identity(number: number): Identity {
  return number.toString(16).padStart(32, "0") as Identity;
}

function firstConfig(count: number, topology: Topology): FederationConfig {
  const members = Array.from({ length: count }, (_, at) => ({
    name: `r${at + 1}`,
    origin: originId(at + 1),
    incarnation: identity(100 + at),
    endpoints: [`r${at + 1}:1`],
    admitted: 1,
    live: true,
  }));
  const config: FederationConfig = {
    federationId: identity(1),
    epoch: 1,
    originNext: originId(count + 1),
    members,
    closed: [],
    paused: [],
    policies: [],
    handlers: [],
    placements: [],
    homes: [],
    topology,
  };
  const open = { ttl: "refused", progress: { stage: "open" } } as const;
  const plain = POLICIES.map((policy): Policy => ({
    prefix: keyOf(new TextEncoder().encode(`${policy}/`)),
    ...namedPolicy(policy, config),
    ...open,
  }));
  const counter: Policy = {
    prefix: keyOf(new TextEncoder().encode("counter/")),
    ...{ policy: "lww", kind: "counter", ranks: [], ...open },
  };
  const policies = [...plain, counter].sort((left, right) => (left.prefix < right.prefix ? -1 : 1));
  return { ...config, policies };
}

function namedPolicy(
  policy: PolicyName,
  { members }: FederationConfig,
): Pick<Policy, "policy" | "ranks"> {
  return { policy, ranks: policy === "priority" ? members.map(({ name }) => name) : [] };
}
