// What the leader of a simulated region runs, made anew with every leader and with every origin of the region: it pulls,
// keeps its part of the federation in order, does its duties, and waits for other regions on behalf of clients.
import { bytesOf, keyOf } from "../../../base/index.ts";
import type { Key, MonotonicMs, WallMs } from "../../../base/index.ts";
import {
  closedOrigin,
  encodeChange,
  handledChange,
  handlerQuestion,
  mayComeLate,
  memberOf,
  waitsForAll,
} from "../../../federation/index.ts";
import type {
  Dot,
  FederationBug,
  HandlerQuestion,
  OriginId,
  PullEffect,
  Resolution,
} from "../../../federation/index.ts";
import { FederatedRegion } from "../../../server/federated-region.ts";
import { FederationKeeping } from "../../../server/federation-keeping.ts";
import { RegionQuorums } from "../../../server/region-quorums.ts";
import { NOBODY } from "../../../store/index.ts";
import type { Machine } from "../../../store/index.ts";
import { EXPIRE } from "../../store/requests.ts";
import type { Chance } from "../chance.ts";
import type { Directory } from "./directory.ts";
import { Bootstrapping, Pins } from "./bootstrapping.ts";
import { Duties } from "./duties.ts";
import { HomeHolder } from "./home-lease.ts";
import type { HomeLease } from "./home-lease.ts";
import { Pulling } from "./links.ts";
import type { Weather } from "./links.ts";
import { QUIET_JOURNAL } from "./proposer.ts";
import type { Member, Region } from "./region.ts";
import type { Timers } from "./region-log.ts";
import type { Story } from "./story.ts";

const KEEP_MS = 100;
const QUORUM_MS = 2_000;

export interface LeadingInit {
  readonly region: Region;
  readonly leader: Member;
  readonly regions: readonly Region[];
  readonly directory: Directory;
  readonly queue: Timers;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly story: Story;
  readonly retainedBytesMax: number;
  /** Handlers keep one of the siblings, by no order. */
  readonly picks: boolean;
  readonly homeLease: HomeLease;
  readonly planted: FederationBug | undefined;
  /** Another region's state was installed. */
  readonly onInstalled: () => void;
  /** Its own write in the place of siblings on which it asked a handler. */
  readonly onResolved: (region: Region, key: Key, dots: readonly Dot[]) => void;
  readonly onFault: (region: Region, fault: PullEffect) => void;
  readonly pinsOf: (region: Region) => Pins | undefined;
  readonly onReached: (region: Region, key: Key, dot: Dot, names: readonly string[]) => void;
}

export class Leading {
  readonly #init: LeadingInit;
  readonly #keeping: FederationKeeping;
  readonly #duties: Duties;
  readonly #quorums: RegionQuorums;
  readonly pins = new Pins();
  readonly home: HomeHolder;
  #pulling: Pulling | undefined;
  #bootstrapping: Bootstrapping | undefined;
  #stopped = false;

  constructor(init: LeadingInit) {
    this.#init = init;
    const { region, leader, queue } = init;
    const monotonicMs = (): MonotonicMs => queue.nowMs as MonotonicMs;
    const { retainedBytesMax } = init;
    this.#keeping = new FederationKeeping({
      region: new SmallRegion(() => leader.host.machine, retainedBytesMax),
      pinned: () => this.pins.at(queue.nowMs, leader),
      reports: leader.reports,
      clock: { monotonicMs, wallMs: (): WallMs => region.wallMs },
      logTime: () => leader.logTime,
      propose: (change, done) => {
        region.by(leader).change(change, (answer) => done(answer?.more === false));
      },
      journal: QUIET_JOURNAL,
      ...(init.planted && { planted: init.planted }),
    });
    this.#duties = new Duties(init);
    const { homeLease, chance, planted } = init;
    this.home = new HomeHolder({ region, lease: homeLease, queue, chance, planted });
    this.#quorums = new RegionQuorums({
      state: leader.federated,
      reports: leader.reports,
      leads: () => !this.#stopped,
      now: monotonicMs,
      revision: () => leader.host.machine.revision,
      ask: () => undefined,
    });
    report(leader);
    this.#pull();
    this.#keepSoon();
  }

  get region(): Region {
    return this.#init.region;
  }

  get pulling(): Pulling | undefined {
    return this.#pulling;
  }

  stop(): void {
    this.#stopped = true;
    this.#pulling?.stop();
    this.#bootstrapping?.stop();
  }

  /** The leader has applied something. */
  onNews(): void {
    report(this.#init.leader);
    this.#pull();
    this.#pulling?.onNews();
    this.#quorums.onNews();
  }

  /** Waits until two regions report to have the write, and says which do. */
  awaitRegions(key: Key, dot: Dot): void {
    const { queue, region, leader, onReached } = this.#init;
    const { federated } = leader;
    const home = federated.state.rules.homeOf(key);
    const isKept = (): boolean =>
      home === undefined ||
      (home.region === region.name && !mayComeLate(home, federated.config, dot.origin));
    const deadlineAtMs = (queue.nowMs + QUORUM_MS) as MonotonicMs;
    const asked = { ranges: [{ key }], writeRegions: 2 };
    const { signal } = new AbortController();
    const context = { deadlineAtMs, signal, caller: NOBODY };
    this.#quorums.afterWrite(asked, context, ({ reached, names }) => {
      if (reached >= asked.writeRegions && isKept()) onReached(region, key, dot, names);
    });
  }

  #pull(): void {
    const { region, leader, regions, queue, chance, weather, planted, onFault } = this.#init;
    const { self } = leader.federated;
    if (this.#pulling !== undefined && this.#pulling.as !== self) {
      this.#pulling.stop();
      this.#pulling = undefined;
      this.#bootstrapping?.stop();
    }
    if (self === undefined || this.#pulling !== undefined) return;
    const pulling = new Pulling({
      ...{ region, member: leader, regions, queue, chance, weather, planted },
      onClock: (of, aheadMs) => this.#keeping.onClock(of, aheadMs),
      onReports: () => this.#quorums.onNews(),
      onClosed: (neighbour) => this.#bootstrapping?.onClosed(neighbour),
      onFault: (at, fault) => {
        if (fault.kind === "gone") this.#bootstrapping?.onGone(fault);
        else onFault(at, fault);
      },
    });
    this.#pulling = pulling;
    this.#bootstrapping = new Bootstrapping({
      ...{ region, leader, regions, queue, chance, weather, planted },
      ...{ pinsOf: this.#init.pinsOf, story: this.#init.story },
      neighbours: () => pulling.neighbours,
      onFault,
      onInstalled: () => {
        this.#init.onInstalled();
        pulling.onReplaced();
      },
    });
  }

  #keepSoon(): void {
    const { leader, region, queue, directory, chance } = this.#init;
    queue.schedule(chance.between(KEEP_MS / 2, KEEP_MS), "keep", () => {
      if (this.#stopped) return;
      const { federated } = leader;
      // As a watch of the directory would tell it.
      const isNew = directory.config.epoch > federated.config.epoch;
      const proposer = region.by(leader);
      if (isNew && !region.isCutFromDirectory) proposer.configure(directory.document);
      if (federated.self !== undefined) this.#keeping.look();
      this.#duties.look();
      this.#askHandlers();
      this.home.renew();
      const { nextDueAtMs } = leader.host.machine.leases;
      if (nextDueAtMs !== undefined && nextDueAtMs <= leader.logTime) {
        proposer.propose(EXPIRE, () => undefined);
      }
      this.#keepSoon();
    });
  }

  /** What federation 8 has the winner's origin do: here the handler is quick, and never fails. */
  #askHandlers(): void {
    const { leader, region, planted, picks, onResolved } = this.#init;
    const { self, config, state, contested } = leader.federated;
    if (self === undefined) return;
    const isClosed = (origin: OriginId): boolean => closedOrigin(config, origin) !== undefined;
    const { agrees, stable } = this.#keeping;
    const judged = { rules: state.rules, epoch: config.epoch, agrees };
    const asker = { self, isClosed, ...judged, ...(planted && { planted }) };
    for (const key of contested) {
      const question = handlerQuestion(key, state.recordOf(key), asker);
      if (question === undefined) continue;
      const answer = picks ? pickOf(question) : unionOf(question);
      if (waitsForAll(question, answer, stable, planted)) continue;
      const change = handledChange(question, answer, stable);
      if (change === undefined) continue;
      const body = encodeChange(change);
      region.by(leader).propose({ kind: "federation", body }, ({ minted }) => {
        onResolved(region, key, minted);
      });
    }
  }
}

/** With a bound that a simulation comes to. */
class SmallRegion extends FederatedRegion {
  readonly #bytesMax: number;

  constructor(machine: () => Machine, bytesMax: number) {
    super(machine);
    this.#bytesMax = bytesMax;
  }

  protected override get retainedBytesMax(): number {
    return this.#bytesMax;
  }
}

/** All words of all siblings, once. */
function unionOf({ asked }: HandlerQuestion): Resolution {
  const words = asked.flatMap(({ value }) => (value === undefined ? [] : keyOf(value).split("+")));
  const union = [...new Set(words)].sort((left, right) => (left < right ? -1 : 1)).join("+");
  return { action: "value", value: bytesOf(union as Key) };
}

/** One of the siblings; which of them hangs on all: no semilattice, as no trial on samples finds out. */
function pickOf({ asked }: HandlerQuestion): Resolution {
  const bytes = asked.flatMap(({ value }) => [...(value ?? [])]);
  const sum = bytes.reduce((before, byte) => (31 * before + byte) % 65_521, asked.length);
  const value = asked[sum % asked.length]?.value;
  return value === undefined ? { action: "delete" } : { action: "value", value };
}

/** What a member has is its region's word, whoever leads. */
export function report({ federated, reports }: Member): void {
  const { config, report: own } = federated;
  reports.keepOnly((origin) => memberOf(config, origin) !== undefined);
  if (own !== undefined) reports.note(own);
}
