// Which member to ask first: a table of what is known of each address, and the order for each kind of call.
// Pure: told the time, keeps no connection. Wrong knowledge costs a hop, never a wrong answer.
import type { Role } from "./answer.ts";

/**
 * Whom a call is best asked of: `leader` saves a hop (writes; `quorum`, `index` and `lease` reads),
 * `follower` and `learner` are such members, `any` spreads over all (`local` reads).
 */
export type Destination = "leader" | "follower" | "learner" | "any";

/** What the client knows of one member; for diagnosis. */
export interface MemberView {
  readonly address: string;
  readonly memberId: bigint | undefined;
  readonly role: Role | "unknown";
  /** Smoothed round trip of status probes, in ms; absent before the first. */
  readonly latencyMs: number | undefined;
  /** Failures since the last success. */
  readonly failureCount: number;
}

interface Row {
  address: string;
  memberId: bigint | undefined;
  role: Role | "unknown";
  latencyMs: number | undefined;
  failureCount: number;
  /** A failing member is asked last until this instant. */
  avoidUntilMs: number;
}

/** Weight of the newest sample: about the last ten probes count. */
const LATENCY_WEIGHT = 0.2;
const AVOID_FIRST_MS = 100;
/** Two failovers: a member that is back is found again within it even if nothing else asks. */
const AVOID_MAX_MS = 2_000;

/** Lower is asked first. A halted replica serves nobody; a candidate is a follower without a leader. */
const PREFERENCE: Readonly<Record<Destination, Readonly<Record<Role | "unknown", number>>>> = {
  leader: { leader: 0, follower: 1, unknown: 1, candidate: 2, learner: 3, halted: 4 },
  follower: { follower: 0, learner: 1, unknown: 1, candidate: 2, leader: 3, halted: 4 },
  learner: { learner: 0, follower: 1, unknown: 1, candidate: 2, leader: 3, halted: 4 },
  any: { leader: 0, follower: 0, learner: 0, unknown: 0, candidate: 0, halted: 4 },
};

export class Router {
  readonly #rows = new Map<string, Row>();
  /** The highest term heard; what an older one says of the leader is history. */
  #term = 0;
  #leaderId: bigint | undefined;
  #turn = 0;

  constructor(addresses: readonly string[]) {
    for (const address of addresses) this.#add(address);
  }

  /** Every address, best first; failing ones last. Equal members of `any` take turns. */
  order(destination: Destination, nowMs: number): string[] {
    const rows = [...this.#rows.values()];
    if (destination === "any") {
      this.#turn = (this.#turn + 1) % rows.length;
      rows.push(...rows.splice(0, this.#turn));
    }
    const preference = PREFERENCE[destination];
    const avoided = (row: Row): number => (nowMs < row.avoidUntilMs ? 1 : 0);
    return rows
      .sort((left, right) => {
        const byHealth = avoided(left) - avoided(right);
        if (byHealth !== 0) return byHealth;
        const byRole = preference[left.role] - preference[right.role];
        if (byRole !== 0 || destination === "any") return byRole;
        return compareLatency(left.latencyMs, right.latencyMs);
      })
      .map((row) => row.address);
  }

  get size(): number {
    return this.#rows.size;
  }

  members(): MemberView[] {
    return [...this.#rows.values()].map(({ address, memberId, role, latencyMs, failureCount }) => ({
      address,
      memberId,
      role,
      latencyMs,
      failureCount,
    }));
  }

  /** Whether a call of this kind has a member of its kind to go to. */
  knows(destination: Destination): boolean {
    if (destination === "any") return true;
    return [...this.#rows.values()].some((row) => row.role === destination);
  }

  /** A status probe's answer. */
  onStatus(
    address: string,
    status: { memberId: bigint; leaderId: bigint; term: number; isLearner: boolean },
    roundTripMs: number,
  ): void {
    const row = this.#rows.get(address);
    if (row === undefined) return;
    row.latencyMs =
      row.latencyMs === undefined
        ? roundTripMs
        : row.latencyMs + LATENCY_WEIGHT * (roundTripMs - row.latencyMs);
    this.onSuccess(address);
    row.memberId = status.memberId;
    this.#onLeader(status.leaderId === 0n ? undefined : status.leaderId, status.term);
    row.role = this.#roleOf(status.memberId, status.isLearner);
  }

  /** What a read's proof says of the member that answered. */
  onProof(
    address: string,
    proof: { memberId: bigint; role: Role | "unknown" },
    term: number,
  ): void {
    const row = this.#rows.get(address);
    if (row === undefined) return;
    // Through a proxy or a forwarding member the proof is of another than the one that was asked.
    if (row.memberId !== undefined && row.memberId !== proof.memberId) {
      if (proof.role === "leader") this.#onLeader(proof.memberId, term);
      return;
    }
    row.memberId = proof.memberId;
    if (proof.role === "leader") this.#onLeader(proof.memberId, term);
    else if (this.#leaderId === proof.memberId && term >= this.#term) this.#forgetLeader();
    row.role = proof.role;
  }

  /**
   * The cluster's members. An address of a member that is already known by another address is left out
   * (a default etcd advertises `localhost` for what was configured as `127.0.0.1`); members that are gone
   * are dropped, unless configured by the user, who then sees their errors.
   *
   * @returns addresses that are no longer in the table.
   */
  onMembers(
    members: readonly { id: bigint; addresses: readonly string[]; isLearner: boolean }[],
    configured: ReadonlySet<string>,
  ): string[] {
    const listed = new Set(members.map((member) => member.id));
    const gone = [...this.#rows.values()].filter(
      (row) =>
        !configured.has(row.address) && (row.memberId === undefined || !listed.has(row.memberId)),
    );
    for (const row of gone) this.#rows.delete(row.address);
    for (const member of members) {
      const known = [...this.#rows.values()].filter(
        (row) => row.memberId === member.id || member.addresses.includes(row.address),
      );
      const [first] = member.addresses;
      const rows = known.length === 0 && first !== undefined ? [this.#add(first)] : known;
      for (const row of rows) {
        row.memberId = member.id;
        row.role = this.#roleOf(member.id, member.isLearner);
      }
    }
    const kept = new Set(this.#rows.keys());
    return gone.map((row) => row.address).filter((address) => !kept.has(address));
  }

  onSuccess(address: string): void {
    const row = this.#rows.get(address);
    if (row === undefined) return;
    row.failureCount = 0;
    row.avoidUntilMs = 0;
  }

  /** The member did not answer: it is asked last for a while that doubles with each failure. */
  onAbsence(address: string, nowMs: number): void {
    const row = this.#rows.get(address);
    if (row === undefined) return;
    row.failureCount += 1;
    const avoidMs = Math.min(AVOID_MAX_MS, AVOID_FIRST_MS * 2 ** (row.failureCount - 1));
    row.avoidUntilMs = nowMs + avoidMs;
  }

  /**
   * A call to `address` failed for want of a leader. If that member was held to be the leader, nobody is
   * until the next news; another's trouble says nothing against the one that is known.
   */
  onDoubt(address: string): void {
    if (this.#rows.get(address)?.role === "leader") this.#forgetLeader();
  }

  #forgetLeader(): void {
    this.#leaderId = undefined;
    for (const row of this.#rows.values()) if (row.role === "leader") row.role = "unknown";
  }

  #onLeader(leaderId: bigint | undefined, term: number): void {
    if (term < this.#term) return;
    if (term === this.#term && leaderId === undefined) return;
    this.#term = term;
    if (leaderId === this.#leaderId) return;
    this.#leaderId = leaderId;
    for (const row of this.#rows.values()) {
      if (row.role === "leader") row.role = "follower";
      if (leaderId !== undefined && row.memberId === leaderId) row.role = "leader";
    }
  }

  #roleOf(memberId: bigint, isLearner: boolean): Role | "unknown" {
    if (isLearner) return "learner";
    if (this.#leaderId === undefined) return "unknown";
    return memberId === this.#leaderId ? "leader" : "follower";
  }

  #add(address: string): Row {
    const row: Row = {
      address,
      memberId: undefined,
      role: "unknown",
      latencyMs: undefined,
      failureCount: 0,
      avoidUntilMs: 0,
    };
    this.#rows.set(address, row);
    return row;
  }
}

/** Measured before unmeasured, then nearer first. */
function compareLatency(left: number | undefined, right: number | undefined): number {
  return (left ?? Number.MAX_VALUE) - (right ?? Number.MAX_VALUE);
}
