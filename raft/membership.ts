// The configurations along this log: the latest appended is in force, committed or not, and a truncation
// brings the one before it back (R10, Thesis 4.1).
import { assert } from "../base/index.ts";
import { MembershipHistory } from "../consensus/index.ts";
import type { Copier, Entry, Membership } from "../consensus/index.ts";

export class AppendedMembership extends MembershipHistory {
  get current(): Membership {
    return this.latest;
  }

  copied(by: Copier): AppendedMembership {
    return new AppendedMembership(by.of(this.all));
  }

  override onPut(entry: Entry): void {
    if (entry.kind !== "config") return;
    assert(entry.index > this.latest.index, "configurations follow each other along the log");
    super.onPut(entry);
  }
}
