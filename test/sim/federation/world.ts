// A federation under faults: regions with members, a directory, operators, clients that write concurrently to few keys,
// and everything that goes wrong. Then everything is healed, and all must have all (federation 19).
import { assert, present } from "../../../base/index.ts";
import type { Key } from "../../../base/index.ts";
import { covers, isTombstone } from "../../../federation/index.ts";
import type {
  Dot,
  FederationBug,
  Identity,
  PullEffect,
  Vector,
} from "../../../federation/index.ts";
import type { FederatedRegion } from "../../../server/federated-region.ts";
import type { ProtocolName } from "../../../server/cluster.ts";
import { Chance } from "../chance.ts";
import { EventQueue } from "../events.ts";
import { demand } from "../violation.ts";
import { auditEnd } from "./audits.ts";
import { Directory } from "./directory.ts";
import { GroupLog } from "./group-log.ts";
import { HomeLease } from "./home-lease.ts";
import { Judge } from "./judge.ts";
import { Leading, report } from "./leading.ts";
import { ListLog } from "./list-log.ts";
import { Nemesis } from "./nemesis.ts";
import { Operators, topologyOf } from "./operators.ts";
import { firstConfig } from "./prefixes.ts";
import { Region } from "./region.ts";
import type { Member } from "./region.ts";
import { Story } from "./story.ts";
import type { FederationSwarm } from "./swarm.ts";
import { Workload } from "./workload.ts";

/** Without anything applied anywhere. A backlog of large transactions on slow links takes longer than that in all. */
const SETTLE_MS = 60_000;
/** In all: what is applied without end is a storm. */
const SETTLE_MS_MAX = 600_000;
/** For what was rolled back unknowingly to be found out. */
const FOUND_OUT_MS = 10_000;
/** Most events change nothing of what is waited for. */
const STEPS_PER_LOOK = 16;
const COMPARE_RATE = 0.02;
const MEND_MS = 300;
const SKEW_MS = 100;

export interface WorldOptions {
  readonly seed: number;
  readonly steps: number;
  readonly swarm: FederationSwarm;
  readonly planted?: FederationBug;
  /** Absent: each region's log is a list. */
  readonly groups?: ProtocolName;
}

export class FederationWorld {
  readonly queue = new EventQueue();
  readonly story = new Story(this.queue);
  readonly judge: Judge;
  readonly regions: Region[];
  readonly operators: Operators;
  readonly #directory: Directory;
  readonly #nemesis: Nemesis;
  readonly #workload: Workload;
  readonly #chance: Chance;
  readonly #options: WorldOptions;
  /** By who leads, or takes itself for the leader. */
  readonly #leading = new Map<Member, Leading>();
  /** Regions that have not drawn yet what they are to mint under. */
  readonly #founding = new Map<Region, Identity>();
  readonly #homeLease = new HomeLease();
  #healing = false;
  steps = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { seed, swarm } = options;
    const chance = new Chance(seed);
    this.#chance = chance.stream();
    const { queue } = this;
    const names = Array.from({ length: swarm.regions }, (_, at) => `r${at + 1}`);
    const config = firstConfig(swarm.regions, topologyOf(this.#chance, names));
    const directory = new Directory(config);
    this.#directory = directory;
    const regions = (): readonly Region[] => this.regions;
    this.judge = new Judge({ directory, queue, regions, mayFork: !swarm.restoresKnowingly });
    const shared = { swarm, directory, queue, regions, story: this.story };
    this.#nemesis = new Nemesis({
      ...shared,
      judge: this.judge,
      chance: chance.stream(),
      onCut: () => this.#cutStreams(),
    });
    this.operators = new Operators({
      ...shared,
      chance: chance.stream(),
      addRegion: (name) => this.#addRegion(name),
    });
    this.#workload = new Workload({
      ...{ swarm, queue, chance: chance.stream(), writes: this.judge.writes },
      leadingOf: (region) => this.#leadingOf(region),
    });
    this.regions = [];
    for (const { name, incarnation } of config.members) this.#addRegion(name, incarnation);
  }

  /** Of the document. */
  get changes(): number {
    return this.#directory.changeCount;
  }

  /** Faults and writes for so many events; then heal, and demand that all have all. */
  run(): void {
    while (this.steps < this.#options.steps) this.#step();
    this.#heal();
    if (this.#nemesis.rolledBack > 0) {
      this.#endRolledBack();
      return;
    }
    this.#settle();
    this.judge.checkEnd(this.#members());
    const { swarm, planted } = this.#options;
    if (swarm.audits) auditEnd(this.#members(), this.judge, planted);
    // A region that was parted has nobody to bring it what it waits for.
    for (const region of this.#members()) {
      const held = this.#leadingOf(region)?.pulling?.held ?? [];
      demand(held.length === 0, "liveness", () => `still held: ${JSON.stringify(held)}`);
    }
  }

  #settle(): void {
    const endMs = this.queue.nowMs + SETTLE_MS_MAX;
    let [untilMs, applied] = [this.queue.nowMs + SETTLE_MS, this.judge.appliedCount];
    while (!this.#isSettled() || !this.#isForgotten()) {
      const isInTime = this.queue.nowMs < Math.min(untilMs, endMs);
      demand(isInTime, "liveness", () => this.#unsettled());
      for (let count = 0; count < STEPS_PER_LOOK; count += 1) this.#step();
      if (this.judge.appliedCount === applied) continue;
      applied = this.judge.appliedCount;
      untilMs = this.queue.nowMs + SETTLE_MS;
    }
  }

  /** Of an origin with two histories whoever has one of them learns of it; nothing else is promised. */
  #endRolledBack(): void {
    const untilMs = this.queue.nowMs + FOUND_OUT_MS;
    while (this.queue.nowMs < untilMs) this.#step();
    for (const origin of this.judge.histories.owed) {
      const knows = this.regions.some(({ members }) =>
        members.some(({ federated }) => federated.forked.has(origin)),
      );
      const isClosed = this.#directory.cutOf(origin) !== undefined;
      demand(knows || isClosed, "fork", () => `nobody knows of the two histories of ${origin}`);
    }
  }

  #leadingOf({ leader }: Region): Leading | undefined {
    return leader && this.#leading.get(leader);
  }

  #addRegion(name: string, founding?: Identity): Region {
    const { swarm, planted, groups: protocol } = this.#options;
    const { story } = this;
    const region = new Region({
      ...{ name, memberCount: swarm.members, queue: this.queue, planted },
      chance: this.#chance.stream(),
      skewMs: this.#chance.between(-SKEW_MS, SKEW_MS),
      createLog: (init) =>
        protocol === undefined ? new ListLog(init) : new GroupLog({ ...init, protocol, story }),
      onApplying: (member) => this.judge.onApplying(member),
      onApplied: (at, member, index) => this.#onApplied(at, member, index),
      onNews: (at, member) => this.#onNews(at, member),
      onLead: (at, member) => this.#onLead(at, member),
      onUnlead: (member) => this.#onUnlead(member),
      onLost: (member) => this.#cutStreams((server) => server === member),
    });
    this.regions.push(region);
    if (founding !== undefined) this.#founding.set(region, founding);
    region.log.open();
    this.#workload.begin(region);
    return region;
  }

  #step(): void {
    const event = present(this.queue.next(), "something always happens");
    this.steps += 1;
    event.run();
  }

  #onApplied(region: Region, member: Member, index: number): readonly Dot[] {
    const minted = this.judge.onApplied(region, member, index);
    const compares = this.#healing || this.#workload.isQuiet || this.#chance.hits(COMPARE_RATE);
    if (compares) this.judge.compare(region, member);
    return minted;
  }

  #onNews(region: Region, member: Member): void {
    const leading = this.#leading.get(member);
    if (leading !== undefined) leading.onNews();
    else if (member !== region.leader) report(member);
    for (const { pulling } of this.#leading.values()) pulling?.onServerNews(member);
  }

  #onUnlead(member: Member): void {
    this.#leading.get(member)?.stop();
    this.#leading.delete(member);
  }

  #onLead(region: Region, leader: Member): void {
    const { regions } = this;
    const leading = new Leading({
      ...{ region, leader, regions, directory: this.#directory, weather: this.#nemesis },
      ...{ queue: leader.timers, chance: this.#chance.stream(), story: this.story },
      pinsOf: (at) => this.#leadingOf(at)?.pins,
      planted: this.#options.planted,
      homeLease: this.#homeLease,
      retainedBytesMax: this.#options.swarm.retainedBytesMax,
      picks: this.#options.swarm.picks === true,
      onInstalled: () => this.judge.onInstalled(),
      onResolved: (at, key, dots) => this.judge.writes.onResolved(at, key, dots),
      onFault: (at, fault) => this.#onFault(at, fault),
      onReached: (...reached) => this.judge.writes.onReached(...reached),
    });
    this.#leading.set(leader, leading);
    this.#found(region);
  }

  /** Tried by every leader until it is logged. */
  #found(region: Region): void {
    const incarnation = this.#founding.get(region);
    if (incarnation === undefined) return;
    region.proposer.draw(incarnation, () => {
      this.#founding.delete(region);
      region.proposer.configure(this.#directory.document);
    });
  }

  #onFault(region: Region, fault: PullEffect): void {
    switch (fault.kind) {
      case "ahead":
      case "clock-behind":
        return;
      case "forked": {
        const { origin } = fault;
        this.#demandFork(region, fault);
        region.proposer.change({ change: "forked", origin });
        return;
      }
      case "rolled-back": {
        // A member that lags, or leads no more, may say it; the log judges.
        const origin = region.leader?.federated.self;
        const { sequence } = fault;
        if (origin === undefined) return;
        region.proposer.change({ change: "rolled-back", origin, sequence }, () => {
          if (region.leader?.federated.forked.has(origin) === true) this.#demandFork(region, fault);
        });
        return;
      }
      default:
        demand(false, "liveness", () => `${region.name}: ${JSON.stringify(fault)}`);
    }
  }

  #demandFork(region: Region, fault: PullEffect): void {
    const isTrue = this.#nemesis.rolledBack > 0;
    demand(isTrue, "fork", () => `${region.name}: ${JSON.stringify(fault)}`);
  }

  #cutStreams(isLost: (server: Member) => boolean = () => false): void {
    for (const { region, pulling } of this.#leading.values()) {
      pulling?.cut((to, server) => isLost(server) || this.#nemesis.isCut(region, to));
    }
  }

  #heal(): void {
    this.#healing = true;
    this.story.tell("all is healed");
    this.#workload.stop();
    this.operators.stop();
    this.#nemesis.stop();
    this.#mendSoon();
  }

  #mendSoon(): void {
    this.queue.schedule(MEND_MS, "mend", () => {
      this.operators.resumeAll();
      this.operators.mend();
      this.#seekLeaders();
      this.#mendSoon();
    });
  }

  /** Who does not lead serves all but what other regions report: another member is tried. */
  #seekLeaders(): void {
    for (const { pulling } of this.#leading.values()) {
      pulling?.cut((to, server) => to.leader !== server);
    }
  }

  /** Regions that are in the federation as it stands. */
  #members(): readonly Region[] {
    const { members } = this.#directory.config;
    return members.map(({ name }) => {
      const region = this.regions.find((one) => one.name === name);
      assert(region !== undefined, `region ${name} is somewhere`);
      return region;
    });
  }

  #isSettled(): boolean {
    const directory = this.#directory;
    if (!directory.isSettled || directory.config.paused.length > 0) return false;
    const regions = this.#members();
    const all = regions.flatMap(({ members }) => members);
    const most = present(all[0], "a member").federated.applied;
    return regions.every((region) => {
      const { self } = region.leader?.federated ?? {};
      if (region.isLost || self !== directory.originOf(region.name)) return false;
      return region.members.every((member) => {
        const { up, federated } = member;
        const { applied, config } = federated;
        const isLast = up && region.log.isLevel(member);
        return isLast && config.epoch === directory.config.epoch && isSame(applied, most);
      });
    });
  }

  /**
   * Nobody writes any more, so that what all have is forgotten by the word of idle regions alone: deletes, and what was
   * retained for others (federation 10; scenarios 14 and 32).
   */
  #isForgotten(): boolean {
    const all = this.#members().flatMap(({ members }) => members);
    return all.every(({ federated }) => {
      return deletesOf(federated) === 0 && retainedForOthers(federated) === 0;
    });
  }

  #unsettled(): string {
    const { epoch, freeze, members } = this.#directory.config;
    const lines = this.#members().flatMap((region) =>
      region.members.map((member) => {
        const { at, federated, up } = member;
        const { applied, config, self } = federated;
        const name = `${region.name}.${at} ${up ? "up" : "down"}`;
        const place = `${region.log.standing(member)} epoch ${config.epoch} as ${String(self)}`;
        const kept = `${deletesOf(federated)} deletes, ${retainedForOthers(federated)} bytes`;
        return `${name} ${place}, keeps ${kept}: ${[...applied].join(" ")}`;
      }),
    );
    const joining = members.filter(({ live }) => !live).map(({ name }) => name);
    const held = [...this.#leading.values()].flatMap(({ region, pulling }) =>
      (pulling?.held ?? []).map((one) => `${region.name} holds ${JSON.stringify(one)}`),
    );
    const frozen = freeze === undefined ? "" : `, frozen ${JSON.stringify(freeze)}`;
    return [`epoch ${epoch}, joining ${joining.join()}${frozen}`, ...lines, ...held].join("; ");
  }
}

/** Keys of which nothing is left but tombstones. */
function deletesOf({ state, contested }: FederatedRegion): number {
  const isDeleted = (key: Key): boolean => state.recordOf(key).siblings.every(isTombstone);
  return state.records.tombstones + contested.filter(isDeleted).length;
}

/** Bytes of transactions, but for what is kept of a parted region for its operator. */
function retainedForOthers({ state: { retention, rebirth } }: FederatedRegion): number {
  const salvaged = rebirth.salvage.map(({ origin, first, last }) =>
    retention.bytesBetween(origin, first, last),
  );
  return salvaged.reduce((left, bytes) => left - bytes, retention.bytes);
}

function isSame(left: Vector, right: Vector): boolean {
  return covers(left, right) && covers(right, left);
}
