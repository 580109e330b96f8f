// The configurations along this log: the latest appended is in force, committed or not, and a truncation
// brings the one before it back (R10, Thesis 4.1).
import { assert, present } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { checkMembership, configAt } from "../consensus/index.ts";
import type { Membership } from "../consensus/index.ts";

export class MembershipHistory {
  readonly #history: Membership[];
  #current: Membership;

  /** `history` runs from the snapshot or bootstrap on, oldest first. */
  constructor(history: readonly Membership[]) {
    this.#history = [...history];
    this.#current = this.#latest();
    for (const config of history) checkMembership(config);
  }

  get current(): Membership {
    return this.#current;
  }

  get all(): readonly Membership[] {
    return this.#history;
  }

  at(index: LogIndex): Membership {
    return configAt(this.#history, index);
  }

  onAppended(config: Membership, index: LogIndex): void {
    assert(config.index === index, `config ${config.index} stands in the entry at ${index}`);
    assert(config.index > this.#current.index, "configurations follow each other along the log");
    checkMembership(config);
    this.#history.push(config);
    this.#current = config;
  }

  onTruncated(index: LogIndex): void {
    while (this.#history.length > 1 && this.#latest().index >= index) this.#history.pop();
    this.#current = this.#latest();
    assert(this.#current.index < index, `no configuration is left before ${index}`);
  }

  /** What the snapshot covers is known by its configuration alone; `keeps`: entries behind it stay (R15). */
  onInstalled(config: Membership, index: LogIndex, { keeps }: { readonly keeps: boolean }): void {
    checkMembership(config);
    const behind = keeps ? this.#history.filter((later) => later.index > index) : [];
    this.#history.splice(0, this.#history.length, config, ...behind);
    this.#current = this.#latest();
  }

  /** Configurations that were replaced before `index`, of no entry that is left, go. */
  onCompacted(index: LogIndex): void {
    const inForce = configAt(this.#history, index);
    this.#history.splice(0, this.#history.indexOf(inForce));
  }

  #latest(): Membership {
    return present(this.#history.at(-1), "the configuration in force");
  }
}
