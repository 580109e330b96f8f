// Which slots are durable here: everything but what outstanding writes, and the one to come, still put. And
// which acceptances of this node's own proposals each write will make true (P2, S3).
import type { LogIndex, MonotonicMs, WriteId } from "../base/index.ts";
import { WriteLedger } from "../consensus/index.ts";
import type { Copier } from "../consensus/index.ts";

/** What a write makes durable: slots from `lowest` on, and own proposals [from, until) if any. */
interface Vouched {
  readonly lowest: number;
  readonly from: number;
  readonly until: number;
}

const NOTHING: Vouched = { lowest: Infinity, from: Infinity, until: 0 };

export class Durability extends WriteLedger<Vouched> {
  readonly #log: { readonly last: LogIndex };
  #pending: Vouched = NOTHING;

  /** `log.last`: the highest slot that holds anything. */
  constructor(log: { readonly last: LogIndex }) {
    super();
    this.#log = log;
  }

  /** Every slot up to here that holds anything holds it durably. */
  get index(): LogIndex {
    let lowest = this.#pending.lowest;
    for (const { vouched } of this.outstanding) lowest = Math.min(lowest, vouched.lowest);
    return Math.min(lowest - 1, this.#log.last) as LogIndex;
  }

  /** True when everything put so far is durable. */
  get idle(): boolean {
    return this.#pending.lowest === Infinity && this.outstanding.length === 0;
  }

  onPut(slot: LogIndex, by: "proposer" | "acceptor"): void {
    const { lowest, from, until } = this.#pending;
    const own = by === "proposer";
    this.#pending = {
      lowest: Math.min(lowest, slot),
      from: own ? Math.min(from, slot) : from,
      until: own ? Math.max(until, slot + 1) : until,
    };
  }

  /** The ballot under which the own proposals were made is over. */
  onBallotChanged(): void {
    this.#pending = { ...NOTHING, lowest: this.#pending.lowest };
    for (const write of this.outstanding) {
      write.vouched = { ...NOTHING, lowest: write.vouched.lowest };
    }
  }

  copied(by: Copier): Durability {
    const twin = new Durability(by.of(this.#log));
    twin.#pending = by.of(this.#pending);
    this.copyLedger(twin, by);
    return twin;
  }

  beginWrite(now: MonotonicMs): WriteId {
    const vouched = this.#pending;
    this.#pending = NOTHING;
    return this.begin(vouched, now);
  }
}
