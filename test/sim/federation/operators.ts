// What operators do to a federation while it runs, by the product's own commands, and what they have to do before it is
// whole again: part what is lost, resume what is paused, give a restored region another origin.
import type { Key } from "../../../base/index.ts";
import { memberNamed } from "../../../federation/index.ts";
import type { OperatorCommand, Policy, Topology } from "../../../federation/index.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";
import type { Directory } from "./directory.ts";
import { HOMED, LATE, POLICIES, keyIn, namedPolicy } from "./prefixes.ts";
import type { Region } from "./region.ts";
import { isSpared } from "./standing.ts";
import type { Story } from "./story.ts";
import { drawn } from "./swarm.ts";
import type { ActName, FederationSwarm } from "./swarm.ts";

const REGIONS_MAX = 6;
/** A federation stays at least that large. */
const REGIONS_MIN = 2;

/** What of a command names what it is about. */
interface Named {
  readonly prefix?: string;
  readonly region?: string;
  readonly regions?: readonly string[] | "";
}

export interface OperatorsInit {
  readonly swarm: FederationSwarm;
  readonly directory: Directory;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly regions: () => readonly Region[];
  readonly story: Story;
  readonly addRegion: (name: string) => Region;
}

export class Operators {
  readonly #init: OperatorsInit;
  readonly #given = new Set<string>();
  #stopped = false;
  /** Commands that changed the document, by name. */
  readonly counts = new Map<string, number>();

  constructor(init: OperatorsInit) {
    this.#init = init;
    this.#actSoon();
  }

  stop(): void {
    this.#stopped = true;
  }

  #actSoon(): void {
    const { queue, chance, swarm } = this.#init;
    queue.schedule(chance.between(100, swarm.actMsMax), "act", () => {
      if (this.#stopped) return;
      const act = drawn(chance, swarm.acts);
      if (chance.hits(0.4)) this.mend();
      else if (act !== undefined) this.#act(act);
      this.#actSoon();
    });
  }

  #give(command: OperatorCommand): boolean {
    const { directory, story } = this.#init;
    const change = directory.change(command);
    const { outcome } = change;
    const { command: name } = command;
    if (outcome !== "unchanged") {
      const { prefix = "", region = "", regions = "" } = { prefix: "", ...command } as Named;
      const about = [prefix, region, ...regions].filter((one) => one !== "").join(" ");
      const became = outcome === "refused" ? change.why : `epoch ${change.config.epoch}`;
      story.tell(`${name} ${about}: ${became}`);
    }
    if (outcome === "changed") this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    return outcome === "changed";
  }

  #act(act: ActName): void {
    const { chance, directory, queue, regions } = this.#init;
    const { staying } = directory;
    const region = chance.pick(staying);
    switch (act) {
      case "policy":
        this.#changePolicy();
        return;
      case "topology":
        this.#give({ command: "topology", topology: topologyOf(chance, staying) });
        return;
      case "pause":
        this.#give({ command: "pause", region });
        queue.schedule(chance.between(100, 1_500), "resume", () => {
          this.#give({ command: "resume", region });
        });
        return;
      case "part":
        if (staying.length > REGIONS_MIN && this.#maySpare(region)) {
          this.#give({ command: "part", regions: [region] });
        }
        return;
      case "return":
        this.#return();
        return;
      case "join":
        this.#join();
        return;
      case "reincarnate": {
        const reborn = regions().find(({ name }) => name === region);
        if (reborn === undefined || !this.#maySpare(region)) return;
        // Another may have been restored until it is drawn.
        this.#reincarnate(reborn, () => this.#maySpare(region));
        return;
      }
      case "prefix":
        this.#changePrefix();
        return;
      case "home":
        this.#moveHome(region);
        return;
    }
  }

  #maySpare(name: string): boolean {
    const { directory, regions } = this.#init;
    const region = regions().find((one) => one.name === name);
    return region !== undefined && isSpared(directory, regions(), region);
  }

  #changePolicy(): void {
    const { chance, directory, swarm } = this.#init;
    const { policies, prefixes = POLICIES } = swarm;
    const prefix = keyIn(chance.pick(policies === undefined ? POLICIES : prefixes));
    this.#setPolicy(prefix, namedPolicy(chance.pick(policies ?? POLICIES), directory.config));
  }

  #setPolicy(prefix: Key, policy: Pick<Policy, "policy" | "ranks">): void {
    this.#give({ command: "policy", prefix, ...policy, ttl: "refused" });
  }

  /** Federates a prefix in which every region has keys of its own, or gives one up. */
  #changePrefix(): void {
    const { chance, directory } = this.#init;
    const name = chance.pick(LATE);
    const prefix = keyIn(name);
    if (this.#given.has(name)) {
      this.#give({ command: "policy-unset", prefix });
      return;
    }
    this.#given.add(name);
    this.#setPolicy(prefix, namedPolicy(chance.pick(POLICIES), directory.config));
  }

  #moveHome(region: string): void {
    const { chance, directory } = this.#init;
    const prefix = keyIn(HOMED);
    const home = directory.config.homes.find((one) => one.prefix === prefix);
    if (home === undefined) this.#give({ command: "home", prefix, region, elsewhere: "refuse" });
    else if (chance.hits(0.1)) this.#give({ command: "home-stay", prefix });
    else {
      // Every other time as if the home's region were lost.
      const gathers = directory.config.epoch % 2 === 0 ? { gathers: 0 } : {};
      this.#give({ command: "home-move", prefix, to: region, force: false, ...gathers });
    }
  }

  #join(): void {
    const { regions, addRegion } = this.#init;
    const { length } = regions();
    if (length >= REGIONS_MAX) return;
    const region = addRegion(`r${length + 1}`);
    this.#admit(region);
  }

  /** A region that was parted begins with nothing, under another origin. */
  #return(): void {
    const { directory, regions } = this.#init;
    const parted = regions().find(({ name }) => directory.originOf(name) === undefined);
    if (parted === undefined) return;
    parted.begin();
    this.#admit(parted);
  }

  #admit(region: Region): void {
    const incarnation = this.#init.directory.identity();
    const { name } = region;
    region.proposer.draw(incarnation, () => {
      const endpoints = [`${name}:1`];
      this.#give({ command: "join", region: name, incarnation, endpoints });
    });
  }

  #reincarnate(region: Region, mayGive = (): boolean => true): void {
    const incarnation = this.#init.directory.identity();
    const { name } = region;
    region.proposer.draw(incarnation, () => {
      if (!mayGive()) return;
      this.#give({ command: "reincarnate", region: name, incarnation, soleSurvivor: false });
    });
  }

  /** What cannot end by itself. */
  mend(): void {
    const { regions, directory } = this.#init;
    const { config } = directory;
    const members = regions().filter(({ name }) => memberNamed(config, name) !== undefined);
    const lost = members.filter(({ isLost }) => isLost).map(({ name }) => name);
    if (lost.length > 0) this.#give({ command: "part", regions: lost });
    for (const region of members) {
      const { name, leader } = region;
      if (leader === undefined) continue;
      const { self, forked, config: known, rebirth } = leader.federated;
      // It did not take the origin that it has by the document that it logged: its log did not draw that one.
      const own = memberNamed(known, name);
      const isTaken = self !== undefined && own !== undefined && rebirth.drew(own.incarnation);
      const isDisowned = own !== undefined && own.origin !== self && !isTaken;
      // Who has no origin serves nobody: whoever had it for a neighbour alone gets others.
      if (isDisowned) this.#give({ command: "topology", topology: { shape: "mesh" } });
      if (isDisowned || (self !== undefined && forked.has(self))) this.#reincarnate(region);
    }
    for (const { prefix, region, move } of config.homes) {
      if (memberNamed(config, region) === undefined) {
        const [to] = directory.staying;
        if (to !== undefined) this.#give({ command: "home-move", prefix, to, force: false });
      } else if (move !== undefined && memberNamed(config, move.to) === undefined) {
        this.#give({ command: "home-stay", prefix });
      }
    }
  }

  resumeAll(): void {
    const { directory } = this.#init;
    for (const { name } of directory.config.members)
      this.#give({ command: "resume", region: name });
  }
}

export function topologyOf(chance: Chance, names: readonly string[]): Topology {
  return chance.pick<Topology>([
    { shape: "mesh" },
    { shape: "ring" },
    { shape: "star", hub: chance.pick(names) },
    { shape: "tree", root: chance.pick(names), fanout: 2 },
  ]);
}
