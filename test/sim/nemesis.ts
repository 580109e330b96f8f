// What goes wrong, and when: faults by a drawn schedule, and faults that strike at a telling moment (a vote,
// an election, an acknowledgement). Each ends by itself; healing ends them all.
import { present } from "../../base/index.ts";
import type { NodeId } from "../../base/index.ts";
import { isQuorum, isVoter, votersOf } from "../../consensus/index.ts";
import type { Membership } from "../../consensus/index.ts";
import { Changes } from "./changes.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { SimNetwork } from "./network.ts";
import { around, bridged, incomingOf, split } from "./partitions.ts";
import type { Link } from "./partitions.ts";
import type { SimNode } from "./sim-node.ts";
import { CHANGE_KINDS } from "./swarm.ts";
import type { FaultKind, Reaction, Swarm } from "./swarm.ts";
import { HEALTHY } from "./swarm.ts";

/** Rates of a clock that breaks its promise. */
const WILD_RATES = [0.5, 0.8, 1.25, 2];
const WALL_JUMP_MAX_MS = 10_000;

export interface NemesisInit {
  readonly swarm: Swarm;
  /** Every machine there is by now. */
  readonly nodes: () => readonly SimNode[];
  readonly network: SimNetwork<Uint8Array>;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly note: (what: () => string) => void;
  /** The member that leads in the highest term, if any does. */
  readonly leader: () => NodeId | undefined;
  /** The newest configuration that is committed. */
  readonly config: () => Membership;
}

export class Nemesis {
  readonly #init: NemesisInit;
  readonly #changes: Changes;
  /** When the machines that sleep fell asleep, in true time. */
  readonly #asleepSinceMs = new Map<SimNode, number>();
  #healed = false;

  constructor(init: NemesisInit) {
    this.#init = init;
    this.#changes = new Changes({ ...init, chance: init.chance.stream() });
  }

  begin(): void {
    const { chance, swarm, nodes } = this.#init;
    for (const node of nodes()) this.#changeRate(node);
    const { nemesis, changes } = swarm;
    if (Object.keys(nemesis.weights).length > 0) {
      this.#every(nemesis.everyMeanMs, () => this.#strikeSomebody());
    }
    if (Object.keys(changes.weights).length > 0) {
      this.#every(changes.everyMeanMs, () => this.#changes.attempt(drawn(chance, changes.weights)));
    }
  }

  /** Every fault ends, no other begins, and whoever is down starts. */
  heal(): void {
    const { network, nodes, swarm } = this.#init;
    this.#healed = true;
    network.mendAll();
    network.setFaults(HEALTHY.network);
    for (const node of nodes()) {
      this.spare(node);
      if (swarm.clocksWild) node.clock.setRate(1);
      this.#wakeAtLast(node);
      if (!node.process.running && !node.start()) this.restartLater(node);
    }
  }

  /** Nothing strikes a machine that comes when every fault has ended. */
  spare(node: SimNode): void {
    if (this.#healed) node.devices.setFaults(HEALTHY.disk, HEALTHY.disk, HEALTHY.gapRate);
  }

  /** A sleep too short to be noticed by the wall clock is within no bound: it ends no sooner (R7). */
  #wakeAtLast(node: SimNode): void {
    const { events, swarm } = this.#init;
    const sinceMs = this.#asleepSinceMs.get(node) ?? -Infinity;
    const leftMs = sinceMs + 2 * swarm.limits.wallAheadMaxMs - events.nowMs;
    if (leftMs <= 0) this.#wake(node);
    else events.schedule(leftMs, `wake n${node.id}`, () => this.#wake(node));
  }

  /** Something telling happened at `actor`. */
  onMoment(on: Reaction["on"], actor: NodeId): void {
    const { swarm, chance, events } = this.#init;
    if (this.#healed) return;
    for (const reaction of swarm.nemesis.reactions) {
      if (reaction.on !== on || !chance.hits(reaction.rate)) continue;
      events.schedule(chance.between(0, reaction.delayMaxMs), `after ${on}`, () => {
        const target = this.#target(reaction.to, actor);
        if (target !== undefined && !this.#healed) this.#react(reaction.does, target);
      });
    }
  }

  /** A process ended by itself (R18), or may not run yet: somebody starts it again. */
  restartLater(node: SimNode): void {
    const { swarm, chance, events, note } = this.#init;
    const soonMs = swarm.options.electionTimeoutMs / 10;
    const downMs = this.#healed ? soonMs : chance.waitMs(swarm.nemesis.downMeanMs);
    events.schedule(downMs, `start n${node.id}`, () => {
      if (node.process.running || node.start()) return;
      note(() => `n${node.id} may not start: its disk is empty`);
      if (!this.#healed || !node.wiped) this.restartLater(node);
    });
  }

  #react(does: Reaction["does"], target: SimNode): void {
    const change = CHANGE_KINDS.find((kind) => kind === does);
    if (change !== undefined) this.#changes.attempt(change);
    else this.#strike(does as FaultKind, target);
  }

  #target(to: Reaction["to"], actor: NodeId): SimNode | undefined {
    const { nodes, config, chance } = this.#init;
    const one = (wanted: (node: SimNode) => boolean): SimNode | undefined => {
      const found = nodes().filter(wanted);
      return found.length === 0 ? undefined : chance.pick(found);
    };
    switch (to) {
      case "actor":
        return nodes().find((node) => node.id === actor);
      case "leader":
        return this.#leader();
      case "other":
        return one(({ id }) => id !== actor && isVoter(config(), id));
      case "learner":
        return one(({ id }) => config().learners.includes(id));
      case "any":
        return one(() => true);
    }
  }

  #leader(): SimNode | undefined {
    const leads = this.#init.leader();
    return this.#init.nodes().find((node) => node.id === leads);
  }

  #every(meanMs: number, run: () => void): void {
    const { events, chance } = this.#init;
    events.schedule(chance.waitMs(meanMs), "nemesis", () => {
      if (this.#healed) return;
      run();
      this.#every(meanMs, run);
    });
  }

  #strikeSomebody(): void {
    const { chance, swarm, nodes } = this.#init;
    const { leaderShare, weights } = swarm.nemesis;
    const leader = chance.hits(leaderShare) ? this.#leader() : undefined;
    this.#strike(drawn(chance, weights), leader ?? chance.pick(nodes()));
  }

  #strike(kind: FaultKind, node: SimNode): void {
    const { chance, swarm, note } = this.#init;
    const nodes = this.#init.nodes();
    const ids = nodes.map(({ id }) => id);
    const config = this.#init.config();
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
      case "suspend-in-pair":
        return this.#suspendInPair(node, lastsMs + 2 * swarm.limits.wallAheadMaxMs);
      case "isolate":
        return this.#cut(around(node.id, ids, "both"), lastsMs);
      case "isolate-inward":
        return this.#cut(around(node.id, ids, "inward"), lastsMs);
      case "isolate-outward":
        return this.#cut(around(node.id, ids, "outward"), lastsMs);
      case "isolate-from-voters":
        return this.#cut(around(node.id, votersOf(config), "outward"), lastsMs);
      case "isolate-from-incoming":
        return this.#isolateFromIncoming(node, lastsMs);
      case "split":
        return this.#cut(split(ids, chance), lastsMs);
      case "one-way":
        return this.#cut([[node.id, chance.pick(ids)]], lastsMs);
      case "bridge":
        return this.#cut(bridged(node.id, ids, chance), lastsMs);
      case "wipe":
        return this.#wipe(node);
      case "clock-rate":
        return this.#changeRate(node);
      case "wall-jump":
        return node.clock.jumpWall(chance.between(-WALL_JUMP_MAX_MS, WALL_JUMP_MAX_MS));
      case "disk-stall":
        return node.devices.disk.stall(lastsMs);
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
    this.#asleepSinceMs.delete(node);
    node.kill();
    this.restartLater(node);
  }

  #cutPower(node: SimNode): void {
    node.clock.resume();
    const ran = node.process.running;
    node.cutPower(this.#mayLoseState(node));
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
      const ids = this.#init.nodes().map(({ id }) => id);
      this.#cut(around(node.id, ids, "inward"), lastsMs + electionTimeoutMs / 2);
    });
  }

  /** Of one member at a time, and only if the others could go on without it: somebody must send it a snapshot. */
  #mayLoseState(node: SimNode): boolean {
    const others = this.#init.nodes().filter((other) => other !== node && !other.wiped);
    const whole = others.every(({ stateLost }) => !stateLost);
    return whole && this.#changes.mayLose(node);
  }

  #suspend(node: SimNode, lastsMs: number): void {
    if (!node.process.running || node.process.stopped) return;
    node.suspend();
    this.#asleepSinceMs.set(node, this.#init.events.nowMs);
    this.#stop(node, lastsMs);
  }

  /** It sleeps while the others can elect, and wakes beside one member that heard of nobody in between. */
  #suspendInPair(node: SimNode, lastsMs: number): void {
    const { nodes, chance, config, swarm } = this.#init;
    const friends = votersOf(config()).filter((id) => id !== node.id);
    if (friends.length === 0 || node.process.stopped) return;
    const pair = [node.id, chance.pick(friends)];
    if (!isQuorum(config(), (id) => !pair.includes(id))) return;
    const others = nodes().flatMap(({ id }) => (pair.includes(id) ? [] : [id]));
    const awakeMs = 2 * swarm.options.electionTimeoutMs;
    for (const id of pair) this.#cut(around(id, others, "both"), lastsMs + awakeMs);
    this.#suspend(node, lastsMs);
  }

  #wake(node: SimNode): void {
    node.clock.resume();
    if (node.process.running && node.process.stopped) node.process.resume();
  }

  #isolateFromIncoming(node: SimNode, lastsMs: number): void {
    const config = node.serving?.replica.status().config;
    if (config === undefined) return;
    const others = incomingOf(node.id, config, this.#init.config());
    // They hear of the change; what they answer is lost, and then they hear nothing any more.
    this.#cut(around(node.id, others, "inward"), lastsMs);
    this.#later(this.#init.swarm.options.electionTimeoutMs / 20, "cut off", () => {
      this.#cut(around(node.id, others, "outward"), lastsMs);
    });
  }

  /** What the cluster can do without; whoever finds the disk empty tries to start on it (scenario 54). */
  #wipe(node: SimNode): void {
    const { nodes } = this.#init;
    const whole = nodes().every(({ wiped, stateLost }) => !wiped && !stateLost);
    if (!whole || node.serving === undefined || !this.#changes.mayLose(node)) return;
    this.#wake(node);
    node.wipe();
    this.restartLater(node);
  }

  #cut(links: readonly Link[], lastsMs: number): void {
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

/** One of these, by their weights. */
function drawn<K extends string>(chance: Chance, weights: Readonly<Partial<Record<K, number>>>): K {
  const entries = Object.entries(weights) as [K, number][];
  let left = chance.between(
    0,
    entries.reduce((sum, [, weight]) => sum + weight, 0),
  );
  for (const [kind, weight] of entries) {
    left -= weight;
    if (left < 0) return kind;
  }
  return present(entries[0], "something to draw")[0];
}
