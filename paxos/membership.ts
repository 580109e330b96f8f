// The configurations along these slots: the latest chosen is in force, and each is a stop-sign, the last slot of
// the configuration that it ends (P8). One that is only accepted governs nothing.
import { assert } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { MembershipHistory } from "../consensus/index.ts";
import type { Copier, Membership } from "../consensus/index.ts";

export class ChosenMembership extends MembershipHistory {
  /** It governs every slot behind the chosen prefix. */
  current: Membership;

  /** Every slot up to `chosen` is chosen. */
  constructor(history: readonly Membership[], chosen: LogIndex) {
    super(history);
    this.current = this.at(chosen);
  }

  copied(by: Copier): ChosenMembership {
    return new ChosenMembership(by.of(this.all), by.of(this.current.index));
  }

  /** A stop-sign's own slot still belongs to the configuration before it. */
  governing(slot: LogIndex): Membership {
    assert(slot > 0, "slots are counted from 1");
    return this.at((slot - 1) as LogIndex);
  }

  /** @returns whether another configuration is in force since every slot up to `chosen` is chosen. */
  onChosen(chosen: LogIndex): boolean {
    const before = this.current.index;
    if (this.latest.index === before) return false;
    this.current = this.at(chosen);
    return this.current.index !== before;
  }
}
