// What operators do to a running cluster: members added, promoted, removed and replaced, several voters at
// once, and leadership moved; by the desk that serves clients, or straight at the replica with any wish. None
// of it takes more from the cluster than it can give: a quorum of voters that keep their disks is left.
import type { LogIndex, MemberId, MonotonicMs, NodeId } from "../../base/index.ts";
import { isVoter, majorityOf, membersOf } from "../../consensus/index.ts";
import type { Membership, MembershipWish } from "../../consensus/index.ts";
import type { MemberChange } from "../../server/member-change.ts";
import type { Chance } from "./chance.ts";
import type { Serving, SimNode } from "./sim-node.ts";
import type { ChangeKind, Swarm } from "./swarm.ts";

/** Members of the cluster at once. */
const MEMBERS_MAX = 7;
/** Changes asked for at somebody who does not lead, of all. */
const ASTRAY_RATE = 0.1;

export interface ChangesInit {
  readonly swarm: Swarm;
  readonly nodes: () => readonly SimNode[];
  readonly chance: Chance;
  readonly note: (what: () => string) => void;
  /** The member that leads in the highest term, if any does. */
  readonly leader: () => NodeId | undefined;
  /** The newest configuration that is committed. */
  readonly config: () => Membership;
}

export class Changes {
  readonly #init: ChangesInit;
  #memberLast = 1000n;
  /** Asked for at a desk and not answered, by the life of the process that was asked. */
  #open: { readonly node: SimNode; readonly life: number }[] = [];

  constructor(init: ChangesInit) {
    this.#init = init;
  }

  attempt(kind: ChangeKind): void {
    const { chance, note } = this.#init;
    const asked = this.#asked(chance.hits(ASTRAY_RATE));
    const serving = asked?.serving;
    if (asked === undefined || serving === undefined || asked.process.stopped) return;
    note(() => `operator: ${kind} at n${asked.id}`);
    const { config } = serving.replica.status();
    switch (kind) {
      case "add-voter":
      case "add-learner":
        return this.#add(asked, serving, config, kind === "add-learner");
      case "promote":
        return this.#promote(asked, serving, config);
      case "remove":
        return this.#remove(asked, serving, config, chance.pick(membersOf(config)));
      case "remove-leader":
        return this.#remove(asked, serving, config, asked.id);
      case "replace":
        return this.#replace(serving, config);
      case "reshape":
        return this.#reshape(serving, config);
      case "stale-change":
        return this.#proposeStale(serving, config);
      case "transfer":
        return this.#transfer(serving);
      case "move-leader":
        return this.#moveLeader(serving, config);
    }
  }

  /** What a desk was asked for and may still do. */
  get open(): number {
    this.#open = this.#open.filter(({ node, life }) => {
      return node.process.running && node.process.life === life;
    });
    return this.#open.length;
  }

  /** Whether the voters that keep their disks are a quorum of every configuration that anybody goes by. */
  mayLose(victim: SimNode): boolean {
    return this.open === 0 && this.#configs().every((config) => this.survives(config, victim.id));
  }

  survives(
    { incoming, outgoing }: Pick<Membership, "incoming" | "outgoing">,
    lost?: NodeId,
  ): boolean {
    const keeps = (node: NodeId): boolean => node !== lost && !this.#isLost(node);
    const enough = (voters: readonly NodeId[]): boolean =>
      voters.filter(keeps).length >= this.#needed(voters.length);
    return enough(incoming) && (outgoing === undefined || enough(outgoing));
  }

  #needed(voters: number): number {
    const { quorums } = this.#init.swarm.options;
    return quorums === undefined ? majorityOf(voters) : Math.max(quorums.phase1, quorums.phase2);
  }

  #configs(): readonly Membership[] {
    const { nodes, config } = this.#init;
    const known = nodes().flatMap(({ serving }) => serving?.replica.status().config ?? []);
    return [config(), ...known];
  }

  #isLost(id: NodeId): boolean {
    const node = this.#init.nodes().find((other) => other.id === id);
    return node !== undefined && (node.wiped || node.stateLost);
  }

  #asked(astray: boolean): SimNode | undefined {
    const { nodes, leader, chance } = this.#init;
    if (astray) return chance.pick(nodes());
    const leads = leader();
    return nodes().find(({ id }) => id === leads);
  }

  #add(asked: SimNode, serving: Serving, config: Membership, isLearner: boolean): void {
    const { nodes, swarm, chance } = this.#init;
    const machines = Math.max(nodes().length, config.roster?.nodeLast ?? 0);
    if (membersOf(config).length >= MEMBERS_MAX || machines >= swarm.changes.machinesMax) return;
    this.#memberLast += 1n;
    const id = this.#memberLast as MemberId;
    const peerUrls = [`http://m${id}`];
    const incarnation = chance.u64();
    this.#change(asked, serving, { kind: "add", id, incarnation, peerUrls, isLearner });
  }

  #promote(asked: SimNode, serving: Serving, config: Membership): void {
    const { chance } = this.#init;
    if (config.learners.length === 0) return;
    const learner = chance.pick(config.learners);
    if (this.#isLost(learner)) return;
    const row = rowOf(config, learner);
    if (row !== undefined && chance.hits(0.5)) {
      this.#change(asked, serving, { kind: "promote", id: row.id });
      return;
    }
    const learners = config.learners.filter((node) => node !== learner);
    this.#propose(serving, config, { voters: [...config.incoming, learner], learners });
  }

  #remove(asked: SimNode, serving: Serving, config: Membership, chosen: NodeId): void {
    const wiped = membersOf(config).find((node) => this.#isLost(node));
    const victim = wiped ?? chosen;
    const voters = config.incoming.filter((node) => node !== victim);
    const row = rowOf(config, victim);
    if (row === undefined || voters.length === 0 || !this.survives({ incoming: voters })) return;
    this.#change(asked, serving, { kind: "remove", id: row.id });
  }

  /** A learner takes a voter's place: two voters change at once. */
  #replace(serving: Serving, config: Membership): void {
    const { chance } = this.#init;
    const joining = config.learners.filter((node) => !this.#isLost(node));
    if (joining.length === 0) return;
    const next = chance.pick(joining);
    const leaves =
      config.incoming.find((node) => this.#isLost(node)) ?? chance.pick(config.incoming);
    const voters = [...config.incoming.filter((node) => node !== leaves), next];
    const learners = config.learners.filter((node) => node !== next);
    this.#propose(serving, config, { voters, learners });
  }

  /** Any voters, any learners, of those that are members. */
  #reshape(serving: Serving, config: Membership): void {
    const { chance } = this.#init;
    const members = membersOf(config).filter((node) => !this.#isLost(node));
    const voters = members.filter((node) => chance.hits(isVoter(config, node) ? 0.7 : 0.5));
    if (voters.length === 0) return;
    const learners = members.filter((node) => !voters.includes(node) && chance.hits(0.7));
    this.#propose(serving, config, { voters, learners });
  }

  /** Compare-and-set on a configuration that is not the one in force (scenario 55). */
  #proposeStale({ replica }: Serving, config: Membership): void {
    const wish = { voters: config.incoming, learners: config.learners };
    replica.proposeConfig(wish, (config.index + this.#init.chance.pick([-1, 1])) as LogIndex);
  }

  #propose({ replica }: Serving, config: Membership, wish: MembershipWish): void {
    const { voters } = wish;
    const { quorums } = this.#init.swarm.options;
    const meets =
      quorums === undefined ||
      (quorums.phase1 + quorums.phase2 > voters.length &&
        Math.max(quorums.phase1, quorums.phase2) <= voters.length);
    if (!meets || !this.survives({ incoming: voters })) return;
    const result = replica.proposeConfig(wish, config.index);
    this.#init.note(() => {
      const what = `[${voters.join()}] and learners [${wish.learners.join()}]`;
      return `operator: ${what}: ${result.ok ? `at ${result.index}` : result.reason}`;
    });
  }

  #change(asked: SimNode, { desk, replica }: Serving, change: MemberChange): void {
    const { note, swarm } = this.#init;
    const open = { node: asked, life: asked.process.life };
    this.#open.push(open);
    const deadlineAtMs = (replica.now() + 4 * swarm.options.electionTimeoutMs) as MonotonicMs;
    desk.change(change, deadlineAtMs, (result) => {
      this.#open = this.#open.filter((other) => other !== open);
      note(() => `operator: ${change.kind}: ${result.ok ? "done" : result.error.message}`);
    });
  }

  /** To anybody: one that is down, that lags, that only learns, or that is no member. */
  #transfer({ replica }: Serving): void {
    const { nodes, chance, note } = this.#init;
    const target = chance.pick(nodes()).id;
    const result = replica.transferTo(target);
    note(() => `operator: transfer to n${target}: ${result.ok ? "begun" : result.reason}`);
  }

  #moveLeader({ desk, replica }: Serving, config: Membership): void {
    const { chance, swarm, note } = this.#init;
    const row = rowOf(config, chance.pick(config.incoming));
    if (row === undefined) return;
    const deadlineAtMs = (replica.now() + 2 * swarm.options.electionTimeoutMs) as MonotonicMs;
    desk.moveLeader(row.id, deadlineAtMs, (result) => {
      note(() => `operator: move-leader: ${result.ok ? "done" : result.error.message}`);
    });
  }
}

function rowOf(config: Membership, node: NodeId): { readonly id: MemberId } | undefined {
  return config.roster?.members.find((row) => row.node === node);
}
