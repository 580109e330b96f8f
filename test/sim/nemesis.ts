// What goes wrong, and when: faults by a drawn schedule, and faults that strike at a telling moment (a vote,
// an election, an acknowledgement). Each ends by itself; healing ends them all.
import type { NodeId } from "../../base/index.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { SimNetwork } from "./network.ts";
import type { SimNode } from "./sim-node.ts";
import type { FaultKind, Reaction, Swarm } from "./swarm.ts";
import { HEALTHY } from "./swarm.ts";

/** Rates of a clock that breaks its promise. */
const WILD_RATES = [0.5, 0.8, 1.25, 2];
const WALL_JUMP_MAX_MS = 10_000;

export interface NemesisInit {
  readonly swarm: Swarm;
  readonly nodes: readonly SimNode[];
  readonly network: SimNetwork<Uint8Array>;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly note: (what: () => string) => void;
  /** The member that leads in the highest term, if any does. */
  readonly leader: () => NodeId | undefined;
}

export class Nemesis {
  readonly #init: NemesisInit;
  #healed = false;

  constructor(init: NemesisInit) {
    this.#init = init;
  }

  begin(): void {
    const { chance, swarm, nodes } = this.#init;
    for (const node of nodes) this.#changeRate(node);
    if (Object.keys(swarm.nemesis.weights).length === 0) return;
    this.#plan(chance.waitMs(swarm.nemesis.everyMeanMs));
  }

  /** Every fault ends, no other begins, and whoever is down starts. */
  heal(): void {
    const { network, nodes, swarm } = this.#init;
    this.#healed = true;
    network.mendAll();
    network.setFaults(HEALTHY.network);
    for (const node of nodes) {
      node.disk.setFaults(HEALTHY.disk);
      node.engine.setFaults(HEALTHY.disk, HEALTHY.gapRate);
      if (swarm.clocksWild) node.clock.setRate(1);
      this.#wake(node);
      if (!node.process.running) node.start();
    }
  }

  /** Something telling happened at `actor`. */
  onMoment(on: Reaction["on"], actor: NodeId): void {
    const { swarm, chance, events } = this.#init;
    if (this.#healed) return;
    for (const reaction of swarm.nemesis.reactions) {
      if (reaction.on !== on || !chance.hits(reaction.rate)) continue;
      events.schedule(chance.between(0, reaction.delayMaxMs), `after ${on}`, () => {
        const target = this.#target(reaction.to, actor);
        if (target !== undefined && !this.#healed) this.#strike(reaction.does, target);
      });
    }
  }

  /** A process ended by itself (R18): somebody starts it again. */
  restartLater(node: SimNode): void {
    const { swarm, chance, events } = this.#init;
    const downMs = this.#healed ? 1 : chance.waitMs(swarm.nemesis.downMeanMs);
    events.schedule(downMs, `start n${node.id}`, () => {
      if (!node.process.running) node.start();
    });
  }

  #target(to: Reaction["to"], actor: NodeId): SimNode | undefined {
    const { nodes, swarm, chance } = this.#init;
    switch (to) {
      case "actor":
        return nodes.find((node) => node.id === actor);
      case "leader":
        return this.#leader();
      case "other": {
        const others = nodes.slice(0, swarm.voters).filter((node) => node.id !== actor);
        return others.length === 0 ? undefined : chance.pick(others);
      }
      case "learner": {
        const learners = nodes.slice(swarm.voters);
        return learners.length === 0 ? undefined : chance.pick(learners);
      }
    }
  }

  #leader(): SimNode | undefined {
    const leads = this.#init.leader();
    return this.#init.nodes.find((node) => node.id === leads);
  }

  #plan(inMs: number): void {
    const { events, chance, swarm, nodes } = this.#init;
    events.schedule(inMs, "nemesis", () => {
      if (this.#healed) return;
      const leader = chance.hits(swarm.nemesis.leaderShare) ? this.#leader() : undefined;
      this.#strike(this.#drawKind(), leader ?? chance.pick(nodes));
      this.#plan(chance.waitMs(swarm.nemesis.everyMeanMs));
    });
  }

  #drawKind(): FaultKind {
    const entries = Object.entries(this.#init.swarm.nemesis.weights) as [FaultKind, number][];
    let left = this.#init.chance.between(
      0,
      entries.reduce((sum, [, weight]) => sum + weight, 0),
    );
    for (const [kind, weight] of entries) {
      left -= weight;
      if (left < 0) return kind;
    }
    return "stop";
  }

  #strike(kind: FaultKind, node: SimNode): void {
    const { chance, swarm, nodes, note } = this.#init;
    const lastsMs = chance.waitMs(swarm.nemesis.lastsMeanMs);
    note(() => `nemesis: ${kind} n${node.id} for ${lastsMs.toFixed(1)} ms`);
    switch (kind) {
      case "shut-down":
        return node.shutDown(() => this.restartLater(node));
      case "kill":
        return this.#kill(node);
      case "power-cut":
        return this.#cutPower(node);
      case "kill-all":
        return nodes.forEach((each) => this.#kill(each));
      case "power-cut-all":
        return nodes.forEach((each) => this.#cutPower(each));
      case "stop":
        return this.#stop(node, lastsMs);
      case "stop-cut-off":
        return this.#stopCutOff(node, lastsMs);
      case "suspend":
        return this.#suspend(node, lastsMs + 2 * swarm.limits.wallAheadMaxMs);
      case "isolate":
      case "isolate-inward":
      case "isolate-outward":
        return this.#isolate(node, kind, lastsMs);
      case "isolate-from-voters":
        return this.#cut(
          nodes
            .slice(0, swarm.voters)
            .filter((other) => other !== node)
            .map((other) => [node.id, other.id]),
          lastsMs,
        );
      case "split":
        return this.#split(lastsMs);
      case "clock-rate":
        return this.#changeRate(node);
      case "wall-jump":
        return node.clock.jumpWall(chance.between(-WALL_JUMP_MAX_MS, WALL_JUMP_MAX_MS));
      case "disk-stall":
        return node.disk.stall(lastsMs);
      case "weather":
        return this.#weather(lastsMs);
    }
  }

  #later(inMs: number, label: string, run: () => void): void {
    this.#init.events.schedule(inMs, label, () => {
      if (!this.#healed) run();
    });
  }

  #kill(node: SimNode): void {
    if (!node.process.running) return;
    node.clock.resume();
    node.kill();
    this.restartLater(node);
  }

  #cutPower(node: SimNode): void {
    node.clock.resume();
    const ran = node.process.running;
    node.cutPower();
    if (ran) this.restartLater(node);
  }

  #stop(node: SimNode, lastsMs: number): void {
    if (!node.process.running || node.process.stopped) return;
    const { life } = node.process;
    node.process.stop();
    this.#later(lastsMs, `continue n${node.id}`, () => {
      if (node.process.life === life) this.#wake(node);
    });
  }

  /** What is on its way to it still comes; what is sent later, until well after it goes on, does not. */
  #stopCutOff(node: SimNode, lastsMs: number): void {
    const { swarm } = this.#init;
    const { electionTimeoutMs } = swarm.options;
    this.#stop(node, lastsMs);
    this.#later(electionTimeoutMs / 5, "cut off", () => {
      this.#isolate(node, "isolate-inward", lastsMs + electionTimeoutMs / 2);
    });
  }

  #suspend(node: SimNode, lastsMs: number): void {
    if (!node.process.running || node.process.stopped) return;
    node.clock.suspend();
    this.#stop(node, lastsMs);
  }

  #wake(node: SimNode): void {
    node.clock.resume();
    if (node.process.running && node.process.stopped) node.process.resume();
  }

  #isolate(
    node: SimNode,
    kind: "isolate" | "isolate-inward" | "isolate-outward",
    lastsMs: number,
  ): void {
    const links: [NodeId, NodeId][] = [];
    for (const other of this.#init.nodes) {
      if (other === node) continue;
      if (kind !== "isolate-outward") links.push([other.id, node.id]);
      if (kind !== "isolate-inward") links.push([node.id, other.id]);
    }
    this.#cut(links, lastsMs);
  }

  /** Each pair of the two sides, or only some of them, or one way only. */
  #split(lastsMs: number): void {
    const { nodes, chance } = this.#init;
    const left = new Set(nodes.filter(() => chance.hits(0.5)));
    const cutRate = chance.pick([1, 1, 0.6]);
    const links: [NodeId, NodeId][] = [];
    for (const from of nodes) {
      for (const to of nodes) {
        if (left.has(from) !== left.has(to) && chance.hits(cutRate)) links.push([from.id, to.id]);
      }
    }
    this.#cut(links, lastsMs);
  }

  #cut(links: readonly [NodeId, NodeId][], lastsMs: number): void {
    const { network } = this.#init;
    for (const [from, to] of links) network.cut(from, to);
    this.#later(lastsMs, "mend", () => {
      for (const [from, to] of links) network.mend(from, to);
    });
  }

  #changeRate(node: SimNode): void {
    const { chance, swarm } = this.#init;
    const drift = swarm.options.clockDriftMax;
    const within = chance.pick([1 - drift, 1 + drift, 1, chance.between(1 - drift, 1 + drift)]);
    node.clock.setRate(swarm.clocksWild && chance.hits(0.5) ? chance.pick(WILD_RATES) : within);
  }

  #weather(lastsMs: number): void {
    const { network, swarm } = this.#init;
    network.setFaults(swarm.nemesis.weather);
    this.#later(lastsMs, "fair weather", () => network.setFaults(swarm.network));
  }
}
