// The lives of all leases: what their holders asked and heard, and what the committed entries made of them.
import { present } from "../../base/index.ts";
import type { LeaseId } from "../../base/index.ts";
import type { LeaseEnd, LeaseRecord, LeaseTerm } from "../robustness/lease-record.ts";
import type { LeaseTurn } from "./oracle-leases.ts";

/** A term that was asked for, to be answered or not. */
export interface OpenTerm extends LeaseTerm {
  answeredAtMs: number | undefined;
}

class Life implements LeaseRecord {
  readonly id: LeaseId;
  readonly ttlMs: number;
  readonly terms: OpenTerm[] = [];
  revokeAskedAtMs: number | undefined;
  end: LeaseEnd | undefined;
  renewals = 0;

  constructor(id: LeaseId, ttlMs: number) {
    this.id = id;
    this.ttlMs = ttlMs;
  }
}

export class LeaseBook {
  readonly #nowMs: () => number;
  readonly #lives = new Map<bigint, Life>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get records(): readonly LeaseRecord[] {
    return [...this.#lives.values()];
  }

  /** Of a new lease; ids are never used again. */
  onGrantAsked(id: LeaseId, ttlMs: number): OpenTerm {
    this.#lives.set(id, new Life(id, ttlMs));
    return this.onRenewalAsked(id);
  }

  onRenewalAsked(id: LeaseId): OpenTerm {
    const term: OpenTerm = { askedAtMs: this.#nowMs(), answeredAtMs: undefined };
    this.#lifeOf(id).terms.push(term);
    return term;
  }

  onGiven(term: OpenTerm): void {
    term.answeredAtMs = this.#nowMs();
  }

  onRevokeAsked(id: LeaseId): void {
    this.#lifeOf(id).revokeAskedAtMs ??= this.#nowMs();
  }

  /** An entry is known to be committed, at this moment. */
  onTurns(turns: readonly LeaseTurn[]): void {
    for (const { id, turn } of turns) {
      const life = this.#lifeOf(id);
      if (turn === "renewed") life.renewals += 1;
      if (turn === "revoked") life.end = { by: "revoke", atMs: this.#nowMs() };
      if (turn === "expired") life.end = { by: "expire", atMs: this.#nowMs() };
    }
  }

  #lifeOf(id: bigint): Life {
    return present(this.#lives.get(id), `lease ${id}`);
  }
}
