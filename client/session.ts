// Exactly-once writes (R9): numbers each write of the client inside one server session, and says up to which
// number all answers have arrived, so that the server may forget them.
import { assert } from "../base/index.ts";
import type { hansa } from "../proto/index.ts";

/** The numbers of one session: which are out, and below which none is. Pure. */
export class SequenceLedger {
  #next = 1;
  readonly #out = new Set<number>();

  /** Every number below this has ended. */
  get acknowledgedBelow(): number {
    // Numbers enter in order, so the first of the set is the least.
    const [least] = this.#out;
    return least ?? this.#next;
  }

  take(): number {
    const sequence = this.#next;
    this.#next += 1;
    assert(Number.isSafeInteger(sequence), "sequences of one session are exact");
    this.#out.add(sequence);
    return sequence;
  }

  /** The write has ended for its caller, whatever the answer: nobody will ask for it again. */
  end(sequence: number): void {
    assert(this.#out.delete(sequence), `sequence ${sequence} ends once`);
  }
}

/** One write's place in a session. */
export interface Numbered {
  readonly session: bigint;
  /** For the next attempt: the floor may have risen since the last. */
  requestId(): hansa.v1.IRequestId;
  /** To be called once, when the write has ended for its caller. */
  end(): void;
}

interface Opened {
  readonly id: bigint;
  readonly ledger: SequenceLedger;
}

/** The client's session at its servers: opened at the first write, and again when one has expired. */
export class WriteSession {
  readonly #open: () => Promise<bigint | undefined>;
  #opened: Opened | undefined;
  #opening: Promise<Opened | undefined> | undefined;
  #offered = true;

  /** @param open opens a session at some member; undefined when the servers have no such service. */
  constructor(open: () => Promise<bigint | undefined>) {
    this.#open = open;
  }

  /** The session that is open, if one is. */
  get id(): bigint | undefined {
    return this.#opened?.id;
  }

  /**
   * A number for one write; opens a session when there is none. Undefined when the servers offer none.
   *
   * @throws {KvError} as opening does; nothing of the write was done
   */
  async number(): Promise<Numbered | undefined> {
    if (!this.#offered) return undefined;
    const opened = this.#opened ?? (await this.#whenOpened());
    if (opened === undefined) return undefined;
    const { id, ledger } = opened;
    const sequence = ledger.take();
    return {
      session: id,
      requestId: () => ({
        session: id,
        sequence,
        acknowledged_below: ledger.acknowledgedBelow,
      }),
      end: () => {
        ledger.end(sequence);
      },
    };
  }

  /** The server does not know the session any more; the next write opens another. */
  forget(session: bigint): void {
    if (this.#opened?.id === session) this.#opened = undefined;
  }

  /** All who need a session wait for one opening. */
  #whenOpened(): Promise<Opened | undefined> {
    this.#opening ??= this.#start().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #start(): Promise<Opened | undefined> {
    const id = await this.#open();
    if (id === undefined) {
      this.#offered = false;
      return undefined;
    }
    this.#opened = { id, ledger: new SequenceLedger() };
    return this.#opened;
  }
}
