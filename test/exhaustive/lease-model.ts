// A timed model of the leader's lease (R7, R11, R13), gone through whole: three real cores whose clocks run at the
// bounds of their rate, one round of heartbeats, and every time at which it may arrive, be acknowledged, and be
// followed by an election. Its one promise: whoever holds a lease knows of every commit.
//
//   time 0       member 1 leads, and sends a round; member 3 has heard nothing for long
//   receivedAt   member 2 hears the round
//   ackedAt      member 1 hears the answer, and then nothing more
//   electedAt    member 3 campaigns among 2 and 3, at any later time: if it may, it commits
//
// From there on member 1 may hold no lease. It is asked at every time, but its timers never fire: it might be too
// busy, or asleep, to notice that nobody answers.
import { assert, present } from "../../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId, PlantedBug } from "../../base/index.ts";
import type { Consensus, Envelope, Epoch } from "../../consensus/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { ConsensusMessage } from "../../rpc/peer-message.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { MemoryLog } from "../scenario/memory-log.ts";

const LEASE_MS = 10;
/** Wide, so that few moments tell all. */
export const RHO = 0.25;
const RATES = [1 - RHO, 1, 1 + RHO];
/** True time until which everything is tried; the longest lease is over before. */
const UNTIL_MS = 14;
const MEMBERS = [1, 2, 3] as NodeId[];
const [LEADER, RIVAL] = [0, 2];
/** Before the model begins, true time: boots and the first election. */
const BOOT_AT_MS = -1000;
const ELECT_AT_MS = -500;

export interface LeaseModel {
  readonly protocol: ProtocolName;
  /** The drift bound that the cores know; clocks run at up to RHO whatever it says. */
  readonly clockDriftMax: number;
  /** Member 1 hands over to member 3, whose leave to campaign arrives at `electedAt`. */
  readonly transfer: boolean;
  readonly planted?: PlantedBug;
}

export interface LeaseOutcome {
  readonly schedules: number;
  /** Schedules in which member 3 came to lead, and moments at which member 1 held a lease. */
  readonly elections: number;
  readonly leased: number;
  /** The first in which a lease outlived an election; it ends the search. */
  readonly overlap?: Schedule;
}

export interface Schedule {
  readonly rates: readonly number[];
  readonly receivedAtMs: number;
  readonly ackedAtMs: number;
  readonly electedAtMs: number;
  /** When member 1 still held its lease. */
  readonly leasedAtMs: number;
}

export function searchLeases(model: LeaseModel): LeaseOutcome {
  let [schedules, elections, leased] = [0, 0, 0];
  for (const rates of ratesOfAll()) {
    const begun = new Group(model, rates);
    begun.elect();
    for (let receivedAtMs = 0; receivedAtMs <= LEASE_MS; receivedAtMs += 1) {
      const received = begun.fork();
      received.round(receivedAtMs);
      for (let ackedAtMs = receivedAtMs; ackedAtMs <= UNTIL_MS; ackedAtMs += 1) {
        const acked = received.fork();
        acked.acknowledge(ackedAtMs);
        leased += acked.leasedFrom(ackedAtMs).length;
        for (let electedAtMs = ackedAtMs; electedAtMs <= UNTIL_MS; electedAtMs += 1) {
          schedules += 1;
          const elected = acked.fork();
          if (!elected.rivalWins(electedAtMs)) continue;
          elections += 1;
          const [leasedAtMs] = elected.leasedFrom(electedAtMs);
          if (leasedAtMs === undefined) continue;
          const overlap = { rates, receivedAtMs, ackedAtMs, electedAtMs, leasedAtMs };
          return { schedules, elections, leased, overlap };
        }
      }
    }
  }
  return { schedules, elections, leased };
}

/** Member 3 may campaign at any time anyway, so its own clock is of no account. */
function ratesOfAll(): readonly (readonly number[])[] {
  return RATES.flatMap((leader) => RATES.map((voter) => [leader, voter, 1]));
}

interface Member {
  readonly core: Consensus<ConsensusMessage>;
  readonly log: MemoryLog;
}

type Letter = Envelope<ConsensusMessage>;

class Group {
  readonly #model: LeaseModel;
  readonly #rates: readonly number[];
  #members: readonly Member[];
  /** Sent, and neither delivered nor given up. */
  #letters: Letter[] = [];
  #epoch: Epoch | undefined;

  constructor(model: LeaseModel, rates: readonly number[]) {
    this.#model = model;
    this.#rates = rates;
    this.#members = MEMBERS.map((id, at) => this.#boot(id, at));
  }

  fork(): Group {
    const twin = new Group(this.#model, this.#rates);
    twin.#members = this.#members.map(({ core, log }) => {
      const own = log.copy();
      return { core: core.fork(own, { u32: () => 0 }), log: own };
    });
    twin.#letters = [...this.#letters];
    twin.#epoch = this.#epoch;
    return twin;
  }

  /** Member 1 leads, all have all it has, and then member 3 hears nothing for long. */
  elect(): void {
    this.#tick(LEADER, ELECT_AT_MS);
    this.#deliver(ELECT_AT_MS, () => true);
    const { role, epoch, committed } = this.#core(LEADER).status();
    assert(role === "leader" && committed > 0, "member 1 leads and has committed in its epoch");
    this.#epoch = epoch;
    this.#letters = [];
    if (!this.#model.transfer) return;
    const told = this.#core(LEADER).transferTo(3 as NodeId, this.#now(LEADER, 0));
    assert(told.ok, "member 3 has all it takes to lead");
    this.#drain(LEADER, 0);
  }

  round(receivedAtMs: number): void {
    // A read asks for a round at once; a tick would find that nobody has answered for long.
    const deadlineAtMs = this.#now(LEADER, 10 * UNTIL_MS);
    this.#core(LEADER).read({ id: 1, mode: "index", deadlineAtMs }, this.#now(LEADER, 0));
    this.#drain(LEADER, 0);
    this.#deliver(receivedAtMs, ({ to, body }) => to === 2 && body.kind === "heartbeat", 1);
  }

  acknowledge(atMs: number): void {
    this.#deliver(atMs, ({ to, body }) => to === 1 && body.kind === "heartbeat-ack", 1);
  }

  /** @returns whether member 3 leads and has committed, with member 2 alone. */
  rivalWins(atMs: number): boolean {
    if (this.#model.transfer) this.#deliver(atMs, ({ body }) => body.kind === "timeout-now", 1);
    else {
      this.#letters = [];
      this.#tick(RIVAL, atMs);
    }
    this.#deliver(atMs, ({ from, to }) => from !== 1 && to !== 1);
    const { role, epoch, committed } = this.#core(RIVAL).status();
    return role === "leader" && committed > 1 && epoch.round > present(this.#epoch, "epoch").round;
  }

  /** Times from `atMs` on at which member 1 would answer under its lease. */
  leasedFrom(atMs: number): readonly number[] {
    const epoch = present(this.#epoch, "the epoch of member 1");
    const times = Array.from({ length: UNTIL_MS - atMs + 1 }, (_, later) => atMs + later);
    return times.filter((time) => this.#core(LEADER).leaseHolds(epoch, this.#now(LEADER, time)));
  }

  #boot(id: NodeId, at: number): Member {
    const { protocol, clockDriftMax, planted } = this.#model;
    const bootstrap = {
      index: 0 as LogIndex,
      incoming: MEMBERS,
      learners: [],
      leaseMs: LEASE_MS,
    };
    const log = new MemoryLog(bootstrap);
    const core = (protocol === "raft" ? createRaft : createPaxos)({
      id,
      incarnation: 1n,
      boot: BigInt(id) as BootNonce,
      log,
      promised: log.promised,
      votedFor: 0,
      commitHint: 0 as LogIndex,
      applied: 0 as LogIndex,
      configs: [bootstrap],
      rng: { u32: () => 0 },
      bootAtMs: this.#now(at, BOOT_AT_MS),
      options: {
        electionTimeoutMs: LEASE_MS,
        heartbeatMs: 1,
        clockDriftMax,
        leaseMarginMs: 0,
        appendBytesMax: 1000,
        inflightMessagesMax: 8,
        inflightBytesMax: 1000,
        uncommittedBytesMax: 1000,
        readsWaitingMax: 10,
        readLagEntriesMax: 10,
        ...(planted === undefined ? {} : { planted }),
      },
    });
    return { core, log };
  }

  #core(at: number): Consensus<ConsensusMessage> {
    return present(this.#members[at], "a member").core;
  }

  /** What the clock of this member shows at a true time. */
  #now(at: number, trueMs: number): MonotonicMs {
    return (trueMs * (this.#rates[at] ?? 1)) as MonotonicMs;
  }

  #tick(at: number, trueMs: number): void {
    this.#core(at).tick(this.#now(at, trueMs));
    this.#drain(at, trueMs);
  }

  /** Delivers what is wanted, and what comes of it, until none is left or `most` are. The rest stays. */
  #deliver(trueMs: number, wanted: (letter: Letter) => boolean, most = Infinity): void {
    for (let count = 0; count < most; count += 1) {
      const next = this.#letters.find(wanted);
      if (next === undefined) return;
      this.#letters = this.#letters.filter((letter) => letter !== next);
      const at = next.to - 1;
      this.#core(at).step(next, this.#now(at, trueMs));
      this.#drain(at, trueMs);
    }
  }

  /** Disks are instant. */
  #drain(at: number, trueMs: number): void {
    const { core, log } = present(this.#members[at], "a member");
    const now = this.#now(at, trueMs);
    while (core.hasReady()) {
      const { write, send, committed } = core.ready();
      this.#letters.push(...send);
      if (write !== undefined) {
        log.take(write.ops);
        core.persisted(write.id, now);
        this.#letters.push(...write.after);
      }
      const last = committed.at(-1);
      if (last !== undefined) core.applied(last.index, now);
    }
  }
}
