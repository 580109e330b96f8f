// Changes of membership and of leadership that clients and members ask for: planned against the configuration in
// force, proposed by compare-and-set, tried again while another is under way, and answered once committed.
import { KvError, present } from "../base/index.ts";
import type { MemberId, MonotonicMs, NodeId } from "../base/index.ts";
import { isMember, nextMembership, sameEpoch, sameMembership } from "../consensus/index.ts";
import type {
  Epoch,
  Membership,
  MembershipWish,
  ProposeReject,
  Status,
} from "../consensus/index.ts";
import { planChange } from "./member-change.ts";
import type { ChangeRules, MemberChange } from "./member-change.ts";
import type { Replica } from "./replica.ts";

/** Changes that have no answer yet; each takes a commit or two. */
const CHANGES_WAITING_MAX = 64;

export type ChangeResult = { readonly ok: true } | { readonly ok: false; readonly error: KvError };

export interface MembershipDeskInit {
  readonly replica: Pick<
    Replica,
    "id" | "now" | "status" | "peers" | "proposeConfig" | "transferTo"
  >;
  readonly electionTimeoutMs: number;
  readonly rules: Omit<ChangeRules, "isActive">;
}

interface Proposed {
  /** In which the entry was proposed. */
  readonly epoch: Epoch;
  /** What its entry makes of the configuration before, unless it goes by way of a joint one. */
  readonly config: Membership;
}

interface Waiting {
  readonly change: MemberChange;
  readonly deadlineAtMs: MonotonicMs;
  readonly done: (result: ChangeResult) => void;
  /** Undefined while another change is under way. */
  proposed: Proposed | undefined;
}

interface Moving {
  readonly target: NodeId;
  readonly deadlineAtMs: MonotonicMs;
  readonly done: (result: ChangeResult) => void;
}

export class MembershipDesk {
  readonly #init: MembershipDeskInit;
  #waiting: Waiting[] = [];
  #moving: Moving | undefined;

  constructor(init: MembershipDeskInit) {
    this.#init = init;
  }

  /**
   * At the leader; elsewhere it ends with `not-leader`, but waits while nobody leads. `done` comes once, possibly
   * inside the call.
   */
  change(
    change: MemberChange,
    deadlineAtMs: MonotonicMs,
    done: (result: ChangeResult) => void,
  ): void {
    if (this.#waiting.length >= CHANGES_WAITING_MAX) {
      done(refused("too-many-requests", "etcdserver: too many requests"));
      return;
    }
    const waiting = { change, deadlineAtMs, done, proposed: undefined };
    this.#waiting.push(waiting);
    this.#attempt(waiting);
  }

  /** Hands leadership to `target`, as etcd's MoveLeader: only the leader can. */
  moveLeader(
    target: MemberId,
    deadlineAtMs: MonotonicMs,
    done: (result: ChangeResult) => void,
  ): void {
    const { replica } = this.#init;
    const { config, role } = replica.status();
    const row = config.roster?.members.find(({ id }) => id === target);
    if (role !== "leader") done(refused("not-leader", "etcdserver: not leader"));
    else if (row === undefined)
      done(refused("bad-transferee", "etcdserver: bad leader transferee"));
    else this.#move(row.node, deadlineAtMs, done);
  }

  /** To the voter that is alive and holds most (scenario 85). @returns false if there is none, or no need. */
  handOver(deadlineAtMs: MonotonicMs, done: (result: ChangeResult) => void): boolean {
    const { replica } = this.#init;
    const { config, role } = replica.status();
    if (role !== "leader") return false;
    const [best] = replica
      .peers()
      .filter(({ node }) => config.incoming.includes(node) && this.#isActive(node))
      .sort((left, right) => right.match - left.match);
    if (best === undefined) return false;
    this.#move(best.node, deadlineAtMs, done);
    return true;
  }

  /** To be called whenever something may have come of what waits: on every change and tick of the replica. */
  poll(): void {
    const status = this.#init.replica.status();
    for (const waiting of [...this.#waiting]) {
      if (waiting.proposed === undefined) this.#attempt(waiting);
      else this.#look(waiting, status);
    }
    this.#lookAtMove(status);
    if (this.#waiting.length === 0) this.#promoteNext(status);
  }

  #move(target: NodeId, deadlineAtMs: MonotonicMs, done: (result: ChangeResult) => void): void {
    if (this.#moving !== undefined) {
      done(refused("unavailable", "hansa: leadership is being handed over already"));
      return;
    }
    const result = this.#init.replica.transferTo(target);
    if (!result.ok) {
      done({ ok: false, error: errorOf(result.reason) });
      return;
    }
    this.#moving = { target, deadlineAtMs, done };
    this.#lookAtMove(this.#init.replica.status());
  }

  #lookAtMove({ leader, role, transferee }: Status): void {
    const moving = this.#moving;
    if (moving === undefined) return;
    const given = role === "leader" && transferee === undefined && leader !== moving.target;
    const late = this.#init.replica.now() >= moving.deadlineAtMs;
    if (leader !== moving.target && !given && !late) return;
    this.#moving = undefined;
    if (leader === moving.target) moving.done({ ok: true });
    else moving.done({ ok: false, error: timedOut("unknown") });
  }

  #attempt(waiting: Waiting): void {
    const { replica, rules } = this.#init;
    const { role, config, committed, leader } = replica.status();
    if (role !== "leader" && leader !== undefined) {
      this.#end(waiting, refused("not-leader", "etcdserver: not leader"));
    } else if (replica.now() >= waiting.deadlineAtMs) {
      const led = leader !== undefined;
      const late = led ? timedOut("not-applied") : noLeader();
      this.#end(waiting, { ok: false, error: late });
    } else if (role !== "leader") {
      // Between two configurations of Paxos nobody does, for a round trip.
      return;
    } else if (config.roster === undefined) {
      this.#end(waiting, refused("unimplemented", "hansa: this cluster keeps no member table"));
    } else if (!isPending(config, committed)) {
      try {
        const isActive = this.#isActive.bind(this);
        const { wish } = planChange(config, config.roster, waiting.change, { ...rules, isActive });
        if (wish === undefined) this.#end(waiting, { ok: true });
        else this.#propose(waiting, config, wish);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        this.#end(waiting, { ok: false, error });
      }
    }
  }

  #propose(waiting: Waiting, before: Membership, wish: MembershipWish): void {
    const result = this.#init.replica.proposeConfig(wish, before.index);
    if (result.ok) {
      const { index, epoch } = result;
      waiting.proposed = { epoch, config: nextMembership(before, wish, index) };
      return;
    }
    switch (result.reason) {
      case "config-pending":
      case "config-stale":
      case "no-commit-in-epoch":
      case "transferring":
        return;
      default:
        this.#end(waiting, { ok: false, error: errorOf(result.reason) });
    }
  }

  /** Done when its configuration, or the one that ended it, is committed, and somebody leads by it. */
  #look(waiting: Waiting, { config, committed, epoch, leader }: Status): void {
    const proposed = present(waiting.proposed, "a proposed change");
    const decided = config.index >= proposed.config.index && !isPending(config, committed);
    // Paxos begins another epoch with each configuration, so there the configuration itself must tell.
    const mine = sameEpoch(epoch, proposed.epoch) || sameMembership(config, proposed.config);
    const late = this.#init.replica.now() >= waiting.deadlineAtMs;
    if (decided && mine) {
      // Who has left hears of no leader any more.
      const settled = leader !== undefined || !isMember(config, this.#init.replica.id);
      if (settled || late) this.#end(waiting, { ok: true });
    } else if (!mine) {
      const error = new KvError("leader-changed", "unknown", "etcdserver: leader changed");
      this.#end(waiting, { ok: false, error });
    } else if (late) {
      this.#end(waiting, { ok: false, error: timedOut("unknown") });
    }
  }

  /** A member that was added to vote does so once it has caught up; a refusal meanwhile is tried again. */
  #promoteNext({ role, config, committed }: Status): void {
    const joining = config.roster?.members.filter(({ votesNext }) => votesNext) ?? [];
    if (role !== "leader" || joining.length === 0 || isPending(config, committed)) return;
    const { replica, electionTimeoutMs } = this.#init;
    const ready = replica.peers().filter(({ caughtUp }) => caughtUp);
    const next = joining.find(({ node }) => ready.some((peer) => peer.node === node));
    if (next === undefined) return;
    const deadlineAtMs = (replica.now() + electionTimeoutMs) as MonotonicMs;
    this.change({ kind: "promote", id: next.id }, deadlineAtMs, () => undefined);
  }

  #isActive(node: NodeId): boolean {
    const { replica, electionTimeoutMs } = this.#init;
    if (node === replica.id) return true;
    const peer = replica.peers().find((other) => other.node === node);
    return peer !== undefined && replica.now() - peer.heardAtMs < electionTimeoutMs;
  }

  #end(waiting: Waiting, result: ChangeResult): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
    waiting.done(result);
  }
}

function isPending({ outgoing, index }: Membership, committed: number): boolean {
  return outgoing !== undefined || index > committed;
}

function errorOf(reason: ProposeReject): KvError {
  switch (reason) {
    case "learner-behind":
      return new KvError(
        "learner-not-ready",
        "not-applied",
        "etcdserver: can only promote a learner member which is in sync with leader",
      );
    case "bad-transferee":
      return new KvError("bad-transferee", "not-applied", "etcdserver: bad leader transferee");
    case "quorums-do-not-meet":
      return new KvError(
        "unhealthy-cluster",
        "not-applied",
        "hansa: the quorums of this group would not meet among so many voters",
      );
    case "too-many-voters":
      return new KvError("unhealthy-cluster", "not-applied", "hansa: more voters than 31");
    case "halted":
      return new KvError("server-stopped", "not-applied", "etcdserver: server stopped");
    case "not-leader":
    case "no-leader":
      return new KvError("not-leader", "not-applied", "etcdserver: not leader");
    default:
      return new KvError("unavailable", "not-applied", `hansa: ${reason}`);
  }
}

function noLeader(): KvError {
  return new KvError("no-leader", "not-applied", "etcdserver: no leader");
}

function timedOut(outcome: "not-applied" | "unknown"): KvError {
  return new KvError("timed-out", outcome, "etcdserver: request timed out");
}

function refused(
  code: "too-many-requests" | "not-leader" | "bad-transferee" | "unimplemented" | "unavailable",
  message: string,
): ChangeResult {
  return { ok: false, error: new KvError(code, "not-applied", message) };
}
