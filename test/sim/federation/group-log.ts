// A region's log that is a consensus group: real cores, drivers and segment logs on simulated machines, with the network
// between them and what goes wrong with all of it, as the groups' own simulator has them. Whoever leads an epoch, and
// has applied all that was committed before it, acts for the region; one that was deposed acts on until it hears of it.
import { assert } from "../../../base/index.ts";
import type { MonotonicMs, NodeId } from "../../../base/index.ts";
import { compareEpochs, sameEpoch } from "../../../consensus/index.ts";
import type { Epoch } from "../../../consensus/index.ts";
import { storeCodec } from "../../../rpc/store-codec.ts";
import type { ProtocolName } from "../../../server/cluster.ts";
import type { Replica } from "../../../server/replica.ts";
import { NOBODY } from "../../../store/index.ts";
import type { Machine, MachineOptions, Request } from "../../../store/index.ts";
import { Group } from "../group.ts";
import type { RestoredState } from "../restored-log.ts";
import type { SimNode } from "../sim-node.ts";
import { CORES } from "../simulate.ts";
import type { Swarm } from "../swarm.ts";
import type { Witness } from "../witness.ts";
import { FollowedMachine, GroupMember } from "./group-member.ts";
import { drawGroup } from "./group-swarm.ts";
import { UNKNOWN } from "./region-log.ts";
import type { Member, Proposed, RegionLog, RegionLogInit, Restore, Rows } from "./region-log.ts";
import { requestBytes } from "./request-bytes.ts";
import { machineOptions, restoredHost } from "./restored-host.ts";
import type { Story } from "./story.ts";

/** Of a proposal, longer than an election; and of what a leader asks before it acts. */
const PROPOSAL_MS_MAX = 7_000;
/** What is committed is on its way to every member that can be reached for no longer. */
const LEVEL_MS = 1_000;

export interface GroupLogInit extends RegionLogInit {
  readonly protocol: ProtocolName;
  readonly story: Story;
}

export class GroupLog implements RegionLog {
  readonly #init: GroupLogInit;
  readonly #swarm: Swarm;
  #group: Group;
  #members: readonly GroupMember[] = [];

  constructor(init: GroupLogInit) {
    this.#init = init;
    this.#swarm = drawGroup(init.chance, init.memberCount);
    this.#group = this.#found();
  }

  #found(restored?: RestoredState): Group {
    const { name, story, queue, chance, protocol } = this.#init;
    const group = new Group({
      swarm: this.#swarm,
      planted: undefined,
      protocol,
      createConsensus: CORES[protocol],
      events: queue,
      chance: chance.stream(),
      atlasChance: chance.stream(),
      note: (what) => story.tell(`${name} ${what()}`),
      createMachine: (id, witness) => this.#createMachine(id, witness),
      ...(restored === undefined ? {} : { restored }),
      onServing: (node) => this.#onServing(node),
      onDown: (node) => this.#onDown(node),
    });
    this.#members = group.nodes.map((node, at) => {
      return new GroupMember(at, node, this.#createMachine(node.id, group.witness), queue);
    });
    return group;
  }

  get #machineOptions(): Omit<MachineOptions, "codec"> {
    const { valueCacheBytes } = this.#swarm;
    return machineOptions(valueCacheBytes, this.#init.planted);
  }

  #createMachine(node: NodeId, witness: Witness): Machine {
    const options = { codec: storeCodec, ...this.#machineOptions };
    const follower = {
      onApplying: (by: Machine) => this.#onApplying(node, by),
      onApplied: (index: number) => this.#onApplied(node, index),
    };
    return new FollowedMachine(options, { node, witness }, follower);
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  get leader(): Member | undefined {
    let found: GroupMember | undefined;
    for (const member of this.#members) {
      if (member.led?.ready !== true) continue;
      const isLater =
        found?.led === undefined || compareEpochs(member.led.epoch, found.led.epoch) > 0;
      if (isLater) found = member;
    }
    return found;
  }

  open(): void {
    for (const node of this.#group.nodes) node.start();
    this.#group.nemesis.begin();
  }

  propose(request: Request, at: Member, done: Proposed): void {
    const member = this.#members.find((one) => one === at);
    if (member?.node.process.running !== true) {
      done(UNKNOWN);
      return;
    }
    const end: Proposed = (outcome) => {
      if (member.waiting.delete(end)) done(outcome);
    };
    member.waiting.add(end);
    member.node.process.arrive("propose", () => {
      const replica = member.node.serving?.replica;
      if (replica === undefined) end(UNKNOWN);
      else this.#submit(member, replica, request, end);
    });
  }

  #submit(member: GroupMember, replica: Replica, request: Request, end: Proposed): void {
    replica.submit({
      kind: request.kind,
      caller: NOBODY,
      body: requestBytes(request),
      deadlineAtMs: (replica.now() + PROPOSAL_MS_MAX) as MonotonicMs,
      done: (result) => {
        // It is answered as its entry is applied here, before the next one is.
        end(result.ok ? { response: result.response, minted: member.minted } : UNKNOWN);
      },
    });
  }

  #memberOf(id: number): GroupMember {
    const member = this.#members[id - 1];
    assert(member !== undefined, `node ${id} is a member`);
    return member;
  }

  #onApplying(id: NodeId, machine: Machine): void {
    const member = this.#memberOf(id);
    member.machineBefore = machine;
    this.#init.onApplying(member);
  }

  #onApplied(id: NodeId, index: number): void {
    const member = this.#memberOf(id);
    member.minted = this.#init.onApplied(member, index);
  }

  #onServing(node: SimNode): void {
    const member = this.#memberOf(node.id);
    const replica = node.serving?.replica;
    assert(replica !== undefined, "a member that serves has its replica");
    member.onServing();
    replica.onChange(() => this.#look(member, replica));
  }

  #onDown(node: SimNode): void {
    const member = this.#memberOf(node.id);
    this.#unlead(member);
    for (const end of [...member.waiting]) end(UNKNOWN);
    if (member.onDown()) this.#init.onLost(member);
  }

  /** Called after entries were applied, on every tick, and when leadership changes. */
  #look(member: GroupMember, replica: Replica): void {
    if (member.node.serving?.replica !== replica) return;
    const { role, epoch } = replica.status();
    const leads = role === "leader";
    if (!leads || (member.led !== undefined && !sameEpoch(member.led.epoch, epoch))) {
      this.#unlead(member);
    }
    if (leads && member.led === undefined) this.#makeReady(member, replica, epoch);
    if (member.hasNews()) this.#init.onNews(member);
  }

  /** What a leader has not applied yet, other regions may have pulled: it does nothing before it has all of it. */
  #makeReady(member: GroupMember, replica: Replica, epoch: Epoch): void {
    const led = { epoch, ready: false };
    member.led = led;
    const deadlineAtMs = (replica.now() + PROPOSAL_MS_MAX) as MonotonicMs;
    replica.read("index", deadlineAtMs, ({ ok }) => {
      if (member.led !== led) return;
      if (!ok) member.led = undefined;
      else {
        led.ready = true;
        this.#init.onLead(member);
      }
    });
  }

  #unlead(member: GroupMember): void {
    const { led } = member;
    member.led = undefined;
    if (led?.ready === true) this.#init.onUnlead(member);
  }

  isLevel({ host }: Member): boolean {
    const nextAtMs = this.#group.witness.committedAtMs(host.machine.applied + 1);
    return nextAtMs === undefined || nextAtMs > this.#init.queue.nowMs - LEVEL_MS;
  }

  standing({ host }: Member): string {
    return `${host.machine.applied}/${this.#group.witness.committedLast}`;
  }

  crash(member: Member): void {
    const { node } = this.#memberOf(member.at + 1);
    if (!node.process.running) return;
    node.clock.resume();
    if (this.#init.chance.hits(0.5)) node.kill();
    else node.cutPower(false);
  }

  restart(member: Member): void {
    const { node } = this.#memberOf(member.at + 1);
    if (!node.process.running) node.start();
  }

  handOver(): void {
    const { leader } = this;
    const others = this.#members.filter((member) => member !== leader);
    if (leader === undefined || others.length === 0) return;
    const { node } = this.#init.chance.pick(others);
    this.#memberOf(leader.at + 1).node.serving?.replica.transferTo(node.id);
  }

  stall(ms: number): void {
    for (const { devices } of this.#group.nodes) devices.disk.stall(ms);
  }

  heal(): void {
    this.#group.nemesis.heal();
  }

  /** What some member's engine holds, which may be behind what is applied; undefined: nothing yet. */
  backup(): Rows | undefined {
    const up = this.#members.filter((member) => member.up);
    if (up.length === 0) return undefined;
    const { rows } = this.#init.chance.pick(up).node.devices.engine;
    return rows.size === 0 ? undefined : rows;
  }

  begin(restore?: Restore): void {
    this.end();
    const host = restore && restoredHost(this.#machineOptions, restore);
    this.#group = this.#found(host && { rows: host.rows, index: host.machine.applied });
    this.open();
  }

  /** Without their disks none of them may run. */
  end(): void {
    for (const node of this.#group.nodes) node.wipe();
    this.#group.nemesis.heal();
  }
}
