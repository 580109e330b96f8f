// Which part of the log is durable here: what each outstanding write will vouch for, and what a truncation
// takes from it (R1, R3, S3).
import type { LogIndex, WriteId } from "../base/index.ts";
import { WriteLedger } from "../consensus/index.ts";
import type { Copier } from "../consensus/index.ts";

/** A write vouches for the log up to an index, or for nothing of it (0). */
export class Durability extends WriteLedger<number> {
  #index: LogIndex;

  /** Everything the log shows at boot has been recovered, hence is durable. */
  constructor(lastAtBoot: LogIndex) {
    super();
    this.#index = lastAtBoot;
  }

  /** The last entry that is durable here and still in the log. */
  get index(): LogIndex {
    return this.#index;
  }

  /**
   * Entries from `index` on are gone: a write still under way no longer vouches for them, even when others
   * take the same indexes before it ends (scenario 25).
   */
  onTruncated(index: LogIndex): void {
    const kept = index - 1;
    this.#index = Math.min(this.#index, kept) as LogIndex;
    for (const write of this.outstanding) write.vouched = Math.min(write.vouched, kept);
  }

  copied(by: Copier): Durability {
    const twin = new Durability(by.of(this.#index));
    this.copyLedger(twin, by);
    return twin;
  }

  override onPersisted(id: WriteId): number {
    const vouched = super.onPersisted(id);
    this.#index = Math.max(this.#index, vouched) as LogIndex;
    return vouched;
  }
}
