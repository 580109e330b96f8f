// Breadth first through every world that the bounds allow, from members that know nothing, each checked as it
// is met.
import { AssertionError } from "../../base/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { Bounds } from "./bounds.ts";
import { checkWorld } from "./checks.ts";
import type { Sight } from "./checks.ts";
import { Network } from "./network.ts";
import { Node } from "./node.ts";
import type { Setting } from "./node.ts";
import { CRASH, Members, PROPOSE, TIMEOUT } from "./members.ts";
import type { Move } from "./members.ts";
import { MessageSets } from "./message-sets.ts";
import { storyOf } from "./story.ts";
import { WorldSet } from "./world-set.ts";

export interface Outcome {
  readonly worlds: number;
  /** The states that members are in, and the messages between them, over all worlds. */
  readonly memberStates: number;
  readonly messages: number;
  /** Inputs from the beginning to the last world met. */
  readonly depth: number;
  /** False when the bound on worlds ended it, or a violation did. */
  readonly exhausted: boolean;
  /** What is broken, and the inputs that lead there: the fewest there are. */
  readonly violation?: { readonly message: string; readonly story: readonly string[] };
}

export function search(bounds: Bounds, onDepth: (outcome: Outcome) => void = () => {}): Outcome {
  return new Search(bounds, onDepth).run();
}

class Search {
  readonly #bounds: Bounds;
  readonly #onDepth: (outcome: Outcome) => void;
  readonly #setting: Setting;
  readonly #members: Members;
  readonly #sets: MessageSets;
  /** Each the numbers of its members, and of its set of messages behind them. */
  readonly #worlds: WorldSet;
  /** Those who campaign: as many as there are campaigns, and the others' names are as good. */
  readonly #campaigners: number;
  #depth = 0;
  #world = 0;
  /** The world under way, and the one that an input makes of it. */
  readonly #now: number[];
  readonly #next: number[];

  constructor(bounds: Bounds, onDepth: (outcome: Outcome) => void) {
    const { nodes, campaigns, protocol, forgets } = bounds;
    const incoming = Array.from({ length: nodes }, (_, at) => (at + 1) as NodeId);
    this.#bounds = bounds;
    this.#onDepth = onDepth;
    this.#campaigners = Math.min(nodes, campaigns);
    this.#setting = {
      bounds,
      membership: { index: 0 as LogIndex, incoming, learners: [], leaseMs: 1 },
      create: protocol === "raft" ? createRaft : createPaxos,
      network: new Network(bounds),
    };
    this.#members = new Members(this.#setting);
    this.#sets = new MessageSets(this.#setting.network, nodes, forgets);
    this.#worlds = new WorldSet(nodes + 1);
    const members = incoming.map((id) => this.#members.numberOf(Node.start(id, this.#setting)));
    this.#now = [...members, this.#sets.empty];
    this.#next = [...this.#now];
  }

  run(): Outcome {
    this.#worlds.add(this.#now, 0, 0);
    let depthEnd = this.#worlds.count;
    try {
      for (; this.#world < this.#worlds.count; this.#world += 1) {
        if (this.#world === depthEnd) {
          this.#depth += 1;
          depthEnd = this.#worlds.count;
          this.#onDepth(this.#outcome(false));
        }
        if (this.#worlds.count > this.#bounds.worldsMax) return this.#outcome(false);
        this.#expand();
      }
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      const story = storyOf(this.#worlds, this.#world, this.#members, this.#setting);
      return { ...this.#outcome(false), violation: { message: error.message, story } };
    }
    return this.#outcome(true);
  }

  #outcome(exhausted: boolean): Outcome {
    return {
      worlds: this.#worlds.count,
      memberStates: this.#members.count,
      messages: this.#setting.network.size,
      depth: this.#depth,
      exhausted,
    };
  }

  #expand(): void {
    const { nodes, protocol } = this.#bounds;
    for (let at = 0; at <= nodes; at += 1) this.#now[at] = this.#worlds.member(this.#world, at);
    // Raft knows no order of names, so the first to do anything is the first; ballots are ordered by name.
    const movers = this.#world === 0 && protocol === "raft" ? 1 : nodes;
    const set = this.#now[nodes] ?? 0;
    for (let at = 0; at < movers; at += 1) {
      const member = this.#now[at] ?? 0;
      this.#giveOwn(at, member);
      for (const message of this.#sets.to(set, at)) {
        this.#reach(at, message, this.#members.afterDelivery(member, message));
      }
    }
  }

  #giveOwn(at: number, member: number): void {
    const { campaigns, crashes, values } = this.#bounds;
    if (at < this.#campaigners && this.#sum("campaigns") < campaigns) {
      this.#reach(at, -1 - TIMEOUT, this.#members.afterOwn(member, TIMEOUT));
    }
    if (this.#sum("crashes") < crashes) {
      this.#reach(at, -1 - CRASH, this.#members.afterOwn(member, CRASH));
    }
    const value = this.#nextValue();
    if (value >= values) return;
    const input = PROPOSE + value;
    this.#reach(at, -1 - input, this.#members.afterOwn(member, input));
  }

  #sum(what: "campaigns" | "crashes"): number {
    let sum = 0;
    for (let at = 0; at < this.#bounds.nodes; at += 1)
      sum += this.#sight(this.#now, at).facts[what];
    return sum;
  }

  /** The values are alike, so they are proposed in order. */
  #nextValue(): number {
    let proposed = 0;
    for (let at = 0; at < this.#bounds.nodes; at += 1) {
      proposed |= this.#sight(this.#now, at).facts.proposed;
    }
    return Math.log2(proposed + 1);
  }

  #sight(world: readonly number[], at: number): Sight {
    return this.#members.at(world[at] ?? 0).sight;
  }

  /** Member `at` may make any of these moves; `cause`: a message, or below 0 an own input. */
  #reach(at: number, cause: number, moves: readonly Move[]): void {
    const { nodes, crashes } = this.#bounds;
    const before = this.#now[at] ?? 0;
    for (const { member, sent } of moves) {
      if (member === before && sent.length === 0) continue;
      const crashed = this.#members.at(member).sight.facts.crashes;
      const more = crashed - this.#sight(this.#now, at).facts.crashes;
      if (more > 0 && this.#sum("crashes") >= crashes) continue;
      for (let each = 0; each < nodes; each += 1) this.#next[each] = this.#now[each] ?? 0;
      this.#next[at] = member;
      const left = this.#sets.without(this.#now[nodes] ?? 0, at, this.#members.at(member));
      this.#next[nodes] = this.#sets.with(left, sent, (to) =>
        this.#members.at(this.#next[to] ?? 0),
      );
      if (this.#worlds.add(this.#next, this.#world, cause)) this.#check();
    }
  }

  #check(): void {
    const { nodes, protocol } = this.#bounds;
    const sights = Array.from({ length: nodes }, (_, at) => this.#sight(this.#next, at));
    // The story of what is broken ends with the world that breaks it.
    const world = this.#world;
    this.#world = this.#worlds.count - 1;
    checkWorld(sights, protocol);
    this.#world = world;
  }
}
