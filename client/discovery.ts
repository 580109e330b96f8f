// Keeps the router's table true: asks members for their status and the cluster for its members, when a call
// finds the table old or doubtful. Runs beside the calls and fails none of them.
import { KvError } from "../base/index.ts";
import type { Connection } from "./connection.ts";
import { isAbsence } from "./retry.ts";
import { addressOf } from "./endpoint.ts";
import type { Destination, Router } from "./router.ts";
import { statusAnswerOf } from "./status.ts";
import { idOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/** Bound on one question to one member. */
const PROBE_MS = 1_000;
/** The table is asked anew when a call finds it this old. */
const AGE_MS_MAX = 10_000;
/** The same while a member's address is missing: it has just started, or is about to. */
const INCOMPLETE_AGE_MS_MAX = 1_000;
/** However doubtful, not asked more often than this: a failover takes longer. */
const PERIOD_MS_MIN = 250;

export interface DiscoveryParts {
  readonly router: Router;
  readonly configured: readonly string[];
  /** Whether members that are not configured are added. */
  readonly discover: boolean;
  readonly connectionTo: (address: string) => Connection;
  readonly disconnect: (address: string) => void;
  readonly nowMs: () => number;
}

export class Discovery {
  readonly #parts: DiscoveryParts;
  #running: Promise<void> | undefined;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #doubtful = false;
  #incomplete = false;
  /** No longer than the client's gate lets through. */
  #seeking: { readonly destination: Destination; readonly resolve: () => void }[] = [];
  #closed = false;

  constructor(parts: DiscoveryParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the router knows a member of this kind, or has asked everybody; never rejects. A member
   * that is silent holds up only those whom nobody else can serve, and for a few probes' time.
   */
  async find(destination: Destination): Promise<void> {
    if (this.#startedAtMs === Number.NEGATIVE_INFINITY) this.#start();
    if (this.#running === undefined || this.#parts.router.knows(destination)) return;
    await new Promise<void>((resolve) => this.#seeking.push({ destination, resolve }));
  }

  /** Called with every call: starts asking when it is time. */
  touch(): void {
    const ageMs = this.#parts.nowMs() - this.#startedAtMs;
    if (this.#running !== undefined || ageMs < PERIOD_MS_MIN) return;
    const ageMsMax = this.#incomplete ? INCOMPLETE_AGE_MS_MAX : AGE_MS_MAX;
    if (this.#doubtful || ageMs >= ageMsMax) this.#start();
  }

  /** What is known of the leader may be wrong. */
  doubt(): void {
    this.#doubtful = true;
    this.touch();
  }

  close(): void {
    this.#closed = true;
  }

  #start(): void {
    if (this.#closed || this.#isPointless()) {
      this.#startedAtMs = this.#parts.nowMs();
      return;
    }
    this.#doubtful = false;
    this.#startedAtMs = this.#parts.nowMs();
    this.#running = this.#ask().finally(() => {
      this.#running = undefined;
      for (const seeker of this.#seeking.splice(0)) seeker.resolve();
    });
  }

  /** The table has changed: lets go who waited for that. */
  #onNews(): void {
    const { router } = this.#parts;
    const found = this.#seeking.filter((seeker) => router.knows(seeker.destination));
    this.#seeking = this.#seeking.filter((seeker) => !router.knows(seeker.destination));
    for (const seeker of found) seeker.resolve();
  }

  /** One address and no others to come: there is no choice to inform. */
  #isPointless(): boolean {
    return !this.#parts.discover && this.#parts.configured.length === 1;
  }

  async #ask(): Promise<void> {
    const { router } = this.#parts;
    const before = router.members().map((member) => member.address);
    const answered = await this.#probeAll(before);
    if (!this.#parts.discover || answered.length === 0) return;
    await this.#askMembers(answered);
    const added = router
      .members()
      .map((member) => member.address)
      .filter((address) => !before.includes(address));
    await this.#probeAll(added);
  }

  /** Addresses that answered, in the order in which they did. */
  async #probeAll(addresses: readonly string[]): Promise<string[]> {
    const answered: string[] = [];
    await Promise.all(
      addresses.map(async (address) => {
        if (await this.#probe(address)) answered.push(address);
      }),
    );
    return answered;
  }

  async #probe(address: string): Promise<boolean> {
    const { router, connectionTo, nowMs } = this.#parts;
    try {
      const connection = connectionTo(address);
      // Connecting takes several round trips: it is no part of the latency.
      await connection.connected(PROBE_MS);
      const startedAtMs = nowMs();
      const wire = await connection.unary(METHODS.status, {}, PROBE_MS);
      const status = statusAnswerOf(address, wire);
      const parts = {
        memberId: status.header.memberId,
        leaderId: status.leader,
        term: status.header.raftTerm,
        isLearner: status.isLearner,
      };
      router.onStatus(address, parts, nowMs() - startedAtMs);
      this.#onNews();
      return true;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (isAbsence(error)) router.onAbsence(address, nowMs());
      return false;
    }
  }

  /** From the first member that tells; on none, the table stays as it is. */
  async #askMembers(addresses: readonly string[]): Promise<void> {
    const { router, connectionTo, disconnect, configured } = this.#parts;
    for (const address of addresses) {
      try {
        const request = { linearizable: false };
        const wire = await connectionTo(address).unary(METHODS.memberList, request, PROBE_MS);
        const members = (wire.members ?? []).map((member) => ({
          id: idOf(member.ID),
          addresses: (member.clientURLs ?? []).flatMap((url) => addressOf(url) ?? []),
          isLearner: member.isLearner ?? false,
        }));
        this.#incomplete = members.some((member) => member.addresses.length === 0);
        for (const gone of router.onMembers(members, new Set(configured))) disconnect(gone);
        this.#onNews();
        return;
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
      }
    }
  }
}
