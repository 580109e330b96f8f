// Those who run the cluster's machines: a machine for every member that is added, with what it may begin on;
// its name in the member table once it runs; and, when everything else is well, the removal of members whose
// disks are lost.
import { assert, present } from "../../base/index.ts";
import type { MemberId, MonotonicMs, NodeId, PlantedBug } from "../../base/index.ts";
import { isMember, membersOf } from "../../consensus/index.ts";
import type { MemberRow, Membership } from "../../consensus/index.ts";
import { joinersView, standingOf } from "../../server/founding-rules.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { SimNode } from "./sim-node.ts";
import type { Swarm } from "./swarm.ts";

export interface CrewInit {
  readonly swarm: Swarm;
  readonly planted: PlantedBug | undefined;
  readonly founding: Membership;
  readonly nodes: () => readonly SimNode[];
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly note: (what: () => string) => void;
  readonly leader: () => NodeId | undefined;
  readonly config: () => Membership;
  /** Puts another machine there. */
  readonly build: (row: MemberRow) => SimNode;
}

export class Crew {
  readonly #init: CrewInit;

  constructor(init: CrewInit) {
    this.#init = init;
  }

  /** A configuration is committed: whoever is new in it gets a machine, which starts after a while. */
  onConfig(config: Membership): void {
    const { nodes, build, events, chance, swarm, note } = this.#init;
    for (const row of config.roster?.members ?? []) {
      if (nodes().some(({ id }) => id === row.node)) continue;
      const node = build(row);
      const delayMs = chance.waitMs(swarm.changes.startMeanMs);
      note(() => `n${row.node} is a member and starts in ${delayMs.toFixed(1)} ms`);
      events.schedule(delayMs, `start n${row.node}`, () => this.#start(node));
    }
  }

  /** It tries until it finds a member to learn of the cluster from, or has no place in it any more. */
  #start(node: SimNode): void {
    const { events, swarm } = this.#init;
    if (node.wiped) return;
    if (node.process.running || node.start()) this.#publish(node);
    else if (isMember(this.#init.config(), node.id)) {
      const againMs = swarm.options.electionTimeoutMs;
      events.schedule(againMs, `start n${node.id}`, () => this.#start(node));
    }
  }

  /** What an empty disk is to begin with; undefined: the machine may not run on it (R10, scenario 54). */
  found(node: SimNode): Membership | undefined {
    const { founding, planted } = this.#init;
    const founds = isMember(founding, node.id);
    if (founds && !node.wiped) return founding;
    const view = this.#view();
    if (view?.roster === undefined) return undefined;
    if (node.wiped && this.#init.swarm.changes.wipedLearn) {
      return joinersView(view, view.roster, node.id);
    }
    const standing = standingOf(view.roster, node.memberId, planted);
    if (standing !== "expected") return undefined;
    return founds ? founding : joinersView(view, view.roster, node.id);
  }

  /** The newest decided configuration that any member which serves has; members ask each other for it. */
  #view(): Membership | undefined {
    let newest: Membership | undefined;
    for (const { serving } of this.#init.nodes()) {
      if (serving === undefined) continue;
      const { config, committed } = serving.replica.status();
      if (config.outgoing !== undefined || config.index > committed) continue;
      if (newest === undefined || config.index > newest.index) newest = config;
    }
    return newest;
  }

  /** A member says its name as soon as it runs; the leader puts it into the table. */
  #publish(node: SimNode): void {
    const { events, swarm } = this.#init;
    const row = this.#init.config().roster?.members.find((member) => member.node === node.id);
    if (row === undefined || row.name !== "") return;
    const desk = this.#leader()?.serving?.desk;
    const leads = this.#leader()?.serving?.replica;
    if (desk !== undefined && leads !== undefined && node.serving !== undefined) {
      const url = `http://m${row.id}`;
      const deadlineAtMs = (leads.now() + swarm.options.electionTimeoutMs) as MonotonicMs;
      const change = {
        kind: "publish",
        id: row.id,
        name: `n${node.id}`,
        clientUrls: [url],
      } as const;
      desk.change(change, deadlineAtMs, () => undefined);
    }
    const againMs = 2 * swarm.options.electionTimeoutMs;
    events.schedule(againMs, `publish n${node.id}`, () => this.#publish(node));
  }

  #leader(): SimNode | undefined {
    const leads = this.#init.leader();
    return this.#init.nodes().find(({ id }) => id === leads);
  }

  /** Members whose disks are lost. */
  get lost(): readonly SimNode[] {
    const { nodes, config } = this.#init;
    return nodes().filter(({ wiped, id }) => wiped && membersOf(config()).includes(id));
  }

  /** Asks the leader to remove the first of them, as an operator would. */
  removeLost(): void {
    const [first] = this.lost;
    const serving = this.#leader()?.serving;
    if (first === undefined || serving === undefined) return;
    const { desk, replica } = serving;
    const deadlineAtMs = (replica.now() +
      this.#init.swarm.options.electionTimeoutMs) as MonotonicMs;
    desk.change({ kind: "remove", id: first.memberId }, deadlineAtMs, (result) => {
      this.#init.note(
        () => `n${first.id}, whose disk is lost: ${result.ok ? "removed" : result.error.message}`,
      );
    });
  }
}

/** The member table that the cluster begins with; everybody in it runs. */
export function foundersOf(nodes: readonly NodeId[]): readonly MemberRow[] {
  assert(nodes.length > 0, "a cluster has at least one member");
  return nodes.map((node) => ({
    node,
    id: BigInt(node) as MemberId,
    incarnation: BigInt(node),
    name: `n${node}`,
    peerUrls: [`http://n${node}`],
    clientUrls: [`http://n${node}`],
    votesNext: false,
  }));
}

/** The last of the founders' nodes: the table allots those behind it (R10). */
export function nodeLastOf(nodes: readonly NodeId[]): NodeId {
  return present(nodes.at(-1), "a founder");
}
