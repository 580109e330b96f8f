// Leases at one member: renewals gathered into one command while the one before is under way, questions answered
// from the applied state, and, at the leader, the decision that some are due, which only the log entry makes true.
import type { LeaseId, MonotonicMs } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";
import { leaseRenewalBytes } from "../rpc/index.ts";
import type { CallContext, Done, Header, LeaseState, Leases } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import { renewAsElected, revokeAsDeposed, unloggedTtlS } from "./planted-lease-bugs.ts";
import type { LeaseReplica } from "./planted-lease-bugs.ts";
import type { Reader } from "./reader.ts";
import type { Replica } from "./replica.ts";

export interface LeaseDeskInit {
  readonly replica: LeaseReplica & Pick<Replica, "endOfTurn" | "onChange" | "status">;
  readonly reader: Pick<Reader, "moment">;
  readonly header: () => Header;
}

interface Renewal {
  readonly id: LeaseId;
  readonly done: Done<number>;
}

/** In one command. */
export const RENEWALS_MAX = 1_024;
/** Of a renewal and of an expiry: longer than an election. */
const COMMAND_MS_MAX = 7_000;
/**
 * Log time is written down so often while there are leases and nothing else moves it on: what a restart of all
 * members can add to a lease.
 */
const CHECKPOINT_MS = 1_000;
/** A leader that has just begun, or was not running, hears first who renewed meanwhile. */
const HEARING_MS = 200;
const NO_BYTES = new Uint8Array(0);

export class LeaseDesk implements Leases {
  readonly #init: LeaseDeskInit;
  #renewals: Renewal[] = [];
  /** Commands of renewals that have no answer yet. */
  #renewing = 0;
  #gathering = false;
  #expiring = false;
  #lookedAtMs: MonotonicMs;
  #ledSince: { readonly epoch: Epoch; readonly atMs: MonotonicMs } | undefined;

  constructor(init: LeaseDeskInit) {
    this.#init = init;
    this.#lookedAtMs = init.replica.now();
    init.replica.onChange(() => this.#look());
  }

  renew(id: LeaseId, _: CallContext, done: Done<number>): void {
    this.#renewals.push({ id, done });
    this.#gather();
  }

  state(id: LeaseId, context: CallContext, done: Done<LeaseState>): void {
    const { replica, reader, header } = this.#init;
    reader.moment("index", context, (refused) => {
      if (refused !== undefined) {
        done({ ok: false, error: refused });
        return;
      }
      const lease = replica.machine.leases.get(id);
      if (lease === undefined) {
        const value = { id, ttlS: -1, grantedTtlS: 0, keys: [] };
        done({ ok: true, header: header(), value });
        return;
      }
      const leftMs = Math.max(0, lease.dueAtMs - replica.logClock.read());
      const ttlS = Math.floor(leftMs / 1000);
      const keys = [...lease.keys].sort();
      done({
        ok: true,
        header: header(),
        value: { id, ttlS, grantedTtlS: lease.ttlMs / 1000, keys },
      });
    });
  }

  list(context: CallContext, done: Done<readonly LeaseId[]>): void {
    const { replica, reader, header } = this.#init;
    reader.moment("index", context, (refused) => {
      if (refused !== undefined) done({ ok: false, error: refused });
      else {
        const value = replica.machine.leases.list().map(({ id }) => id);
        done({ ok: true, header: header(), value });
      }
    });
  }

  /**
   * What comes in one turn is one command, and what comes while a command is under way is the next, which is
   * sooner there than an entry of its own would be: an entry costs all members as much as dozens of renewals.
   */
  #gather(): void {
    if (this.#gathering) return;
    if (this.#renewing > 0 && this.#renewals.length < RENEWALS_MAX) return;
    this.#gathering = true;
    this.#init.replica.endOfTurn(() => {
      this.#gathering = false;
      const renewals = this.#renewals;
      this.#renewals = [];
      for (let from = 0; from < renewals.length; from += RENEWALS_MAX) {
        this.#submit(renewals.slice(from, from + RENEWALS_MAX));
      }
    });
  }

  #submit(renewals: readonly Renewal[]): void {
    const { replica, header } = this.#init;
    if (this.#planted === "renewal-not-logged") {
      for (const { id, done } of renewals) {
        done({ ok: true, header: header(), value: unloggedTtlS(replica, id) });
      }
      return;
    }
    this.#renewing += 1;
    replica.submit({
      kind: "lease-renew",
      caller: OWN_AUTHORITY,
      body: leaseRenewalBytes(renewals.map(({ id }) => id)),
      deadlineAtMs: (replica.now() + COMMAND_MS_MAX) as MonotonicMs,
      done: (result) => {
        this.#renewing -= 1;
        if (this.#renewals.length > 0) this.#gather();
        renewals.forEach(({ done }, at) => {
          if (!result.ok) done(result);
          else {
            const { response } = result;
            const ttlMs = response.kind === "lease-renew" ? (response.ttlsMs[at] ?? 0) : 0;
            done({ ok: true, header: header(), value: ttlMs / 1000 });
          }
        });
      },
    });
  }

  get #planted(): string | undefined {
    return this.#init.replica.machine.changes.planted;
  }

  /** Only a leader decides, one decision at a time; a deposed one's is committed by nobody (etcd#15247). */
  #look(): void {
    const { replica } = this.#init;
    const now = replica.now();
    const pausedMs = now - this.#lookedAtMs;
    this.#lookedAtMs = now;
    const { role, epoch } = replica.status();
    if (role !== "leader") {
      const decides = this.#planted === "lease-expired-by-deposed-leader";
      if (decides && this.#ledSince !== undefined) revokeAsDeposed(replica);
      else this.#ledSince = undefined;
      return;
    }
    const known = this.#ledSince !== undefined && sameEpoch(this.#ledSince.epoch, epoch);
    if (this.#ledSince === undefined || !known || pausedMs > HEARING_MS) {
      if (!known && this.#planted === "lease-extended-by-new-leader") renewAsElected(replica);
      this.#ledSince = { epoch, atMs: now };
    }
    if (now - this.#ledSince.atMs >= HEARING_MS && !this.#expiring) this.#expire(now);
  }

  #expire(now: MonotonicMs): void {
    const { replica } = this.#init;
    const { leases, logTime, alarms } = replica.machine;
    // Of a corrupt state nothing is ended: an expiry would be refused.
    if (leases.nextDueAtMs === undefined || alarms.stands("corrupt")) return;
    const current = replica.logClock.read();
    if (leases.nextDueAtMs > current && current - logTime < CHECKPOINT_MS) return;
    this.#expiring = true;
    replica.submit({
      kind: "lease-expire",
      caller: OWN_AUTHORITY,
      body: NO_BYTES,
      deadlineAtMs: (now + COMMAND_MS_MAX) as MonotonicMs,
      done: () => {
        this.#expiring = false;
      },
    });
  }
}
