// Breadth first through every world that the bounds allow, from members that know nothing, each checked as it
// is met.
import { AssertionError } from "../../base/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { Bounds } from "./bounds.ts";
import { campaignersIn, firstMoversIn, lastEpochIn, nextValues } from "./alike.ts";
import { checkWorld } from "./checks.ts";
import type { Sight } from "./checks.ts";
import { Network } from "./network.ts";
import { Node } from "./node.ts";
import type { Setting } from "./node.ts";
import { CRASH, Members, PROPOSE, TIMEOUT } from "./members.ts";
import type { Member, Move } from "./members.ts";
import { MessageSets } from "./message-sets.ts";
import { campaignsIn, checkFits, isNoMore, spentAfter } from "./spent.ts";
import { storyOf } from "./story.ts";
import { WorldSet } from "./world-set.ts";

export interface Outcome {
  readonly worlds: number;
  /** Of these, given up for a world met later that covers them. */
  readonly covered: number;
  /** Of the states of all members; what the checks see is a matter of these alone. */
  readonly combinations: number;
  /** The states that members are in, and the messages between them, over all worlds. */
  readonly memberStates: number;
  readonly messages: number;
  /** Inputs from the beginning to the last world met. */
  readonly depth: number;
  /** False when the bound on worlds ended it, or a violation did. */
  readonly exhausted: boolean;
  /** What is broken, and inputs that lead there: about the fewest, for a world may be given up for a later one. */
  readonly violation?: { readonly message: string; readonly story: readonly string[] };
}

/** Who looks on. */
export interface Watcher {
  onDepth?(outcome: Outcome): void;
  /** Each combination of members' states that is met, once. */
  onCombination?(members: readonly Sight[]): void;
}

/** @throws {RangeError} for bounds that are too large. */
export function search(bounds: Bounds, watcher: Watcher = {}): Outcome {
  checkFits(bounds);
  return new Search(bounds, watcher).run();
}

class Search {
  readonly #bounds: Bounds;
  readonly #watcher: Watcher;
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

  constructor(bounds: Bounds, watcher: Watcher) {
    const { nodes, protocol, forgets, covers } = bounds;
    const incoming = Array.from({ length: nodes }, (_, at) => (at + 1) as NodeId);
    this.#bounds = bounds;
    this.#watcher = watcher;
    this.#campaigners = campaignersIn(bounds);
    this.#setting = {
      bounds,
      membership: { index: 0 as LogIndex, incoming, learners: [], leaseMs: 1 },
      create: protocol === "raft" ? createRaft : createPaxos,
      network: new Network(bounds),
      epochLast: lastEpochIn(bounds),
    };
    this.#members = new Members(this.#setting);
    this.#sets = new MessageSets(this.#setting.network, nodes, forgets);
    this.#worlds = new WorldSet(nodes, (all, less, part, more) => {
      if (!covers) return all === part && less === more;
      return isNoMore(less, more, nodes) && this.#sets.isPartOf(part, all);
    });
    const members = incoming.map((id) => this.#members.numberOf(Node.start(id, this.#setting)));
    this.#now = [...members, this.#sets.empty, 0];
    this.#next = [...this.#now];
  }

  run(): Outcome {
    this.#worlds.add(this.#next, 0, 0);
    this.#check();
    let depthEnd = this.#worlds.count;
    try {
      for (; this.#world < this.#worlds.count; this.#world += 1) {
        if (this.#world === depthEnd) {
          this.#depth += 1;
          depthEnd = this.#worlds.count;
          this.#watcher.onDepth?.(this.#outcome(false));
        }
        if (this.#worlds.count > this.#bounds.worldsMax) return this.#outcome(false);
        if (!this.#worlds.isCovered(this.#world)) this.#expand();
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
      covered: this.#worlds.covered,
      combinations: this.#worlds.lists,
      memberStates: this.#members.count,
      messages: this.#setting.network.size,
      depth: this.#depth,
      exhausted,
    };
  }

  #expand(): void {
    const { nodes } = this.#bounds;
    for (let at = 0; at < this.#now.length; at += 1)
      this.#now[at] = this.#worlds.part(this.#world, at);
    const movers = this.#world === 0 ? firstMoversIn(this.#bounds) : nodes;
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
    const { campaigns } = this.#bounds;
    if (at < this.#campaigners && campaignsIn(this.#spent) < campaigns) {
      this.#reach(at, -1 - TIMEOUT, this.#members.afterOwn(member, TIMEOUT));
    }
    this.#reach(at, -1 - CRASH, this.#members.afterOwn(member, CRASH));
    for (const value of nextValues(this.#spent, this.#bounds)) {
      const input = PROPOSE + value;
      this.#reach(at, -1 - input, this.#members.afterOwn(member, input));
    }
  }

  get #spent(): number {
    return this.#now[this.#bounds.nodes + 1] ?? 0;
  }

  #sight(world: readonly number[], at: number): Sight {
    return this.#members.at(world[at] ?? 0).sight;
  }

  /** Member `at` may make any of these moves; `cause`: a message, or below 0 an own input. */
  #reach(at: number, cause: number, moves: readonly Move[]): void {
    const { nodes } = this.#bounds;
    const before = this.#now[at] ?? 0;
    for (const { member, sent, cost } of moves) {
      // All that it would cost is crashes and campaigns: the world that it is has not spent them.
      if (member === before && sent.length === 0) continue;
      const spent = spentAfter(this.#spent, at, cost, this.#bounds);
      if (spent === undefined) continue;
      for (let each = 0; each < nodes; each += 1) this.#next[each] = this.#now[each] ?? 0;
      this.#next[at] = member;
      const memberAt = (place: number): Member => this.#members.at(this.#next[place] ?? 0);
      const left = this.#sets.without(this.#now[nodes] ?? 0, at, memberAt);
      this.#next[nodes] = this.#sets.with(left, sent, memberAt);
      this.#next[nodes + 1] = spent;
      if (this.#worlds.add(this.#next, this.#world, cause) === "new-members") this.#check();
    }
  }

  #check(): void {
    const { nodes, protocol } = this.#bounds;
    const sights = Array.from({ length: nodes }, (_, at) => this.#sight(this.#next, at));
    this.#watcher.onCombination?.(sights);
    // The story of what is broken ends with the world that breaks it.
    const world = this.#world;
    this.#world = this.#worlds.count - 1;
    checkWorld(sights, protocol);
    this.#world = world;
  }
}
