// The bound on what one client has on the wire: so many calls at once, so many in line, the rest refused.
import { assert, KvError } from "../base/index.ts";
import type { ClientLimits } from "./options.ts";

interface Waiting {
  readonly enter: () => void;
  readonly refuse: (error: KvError) => void;
}

export class Gate {
  readonly #limits: Pick<ClientLimits, "inFlightMax" | "queuedMax">;
  readonly #line = new Set<Waiting>();
  #inFlight = 0;

  constructor(limits: Pick<ClientLimits, "inFlightMax" | "queuedMax">) {
    this.#limits = limits;
  }

  /**
   * Resolves when the call may go, in the order of asking; undefined when it may go at once. Each entry is
   * ended by one `leave`.
   *
   * @throws {KvError} `too-many-requests` when the line is full, `deadline-exceeded` or `cancelled` when the
   *   wait ends first; each with `not-applied`.
   */
  enter(deadlineMs: number, signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#inFlight < this.#limits.inFlightMax) {
      this.#inFlight += 1;
      return undefined;
    }
    if (this.#line.size >= this.#limits.queuedMax) {
      const message = `${this.#limits.queuedMax} calls are in line already`;
      return Promise.reject(new KvError("too-many-requests", "not-applied", message));
    }
    return this.#wait(deadlineMs, signal);
  }

  leave(): void {
    assert(this.#inFlight > 0, "as many calls leave as have entered");
    const [next] = this.#line;
    if (next === undefined) this.#inFlight -= 1;
    else next.enter();
  }

  /** Refuses everything in line. */
  close(error: KvError): void {
    for (const waiting of [...this.#line]) waiting.refuse(error);
  }

  #wait(deadlineMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#line.delete(waiting);
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const waiting: Waiting = {
        enter: () => {
          end();
          resolve();
        },
        refuse: (error) => {
          end();
          reject(error);
        },
      };
      const onAbort = (): void => {
        waiting.refuse(new KvError("cancelled", "not-applied", "cancelled while in line"));
      };
      const timer = setTimeout(() => {
        const message = `${deadlineMs} ms passed in line`;
        waiting.refuse(new KvError("deadline-exceeded", "not-applied", message));
      }, deadlineMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#line.add(waiting);
    });
  }
}
