// A lease that somebody keeps: renewed at thirds of its time over a stream, at another member when one is gone.
// Whether it still stands is judged by this client's own clock, from when it asked and not from when it heard.
import type { etcdserverpb } from "../proto/index.ts";
import { KvError } from "../base/index.ts";
import type { Connection } from "./connection.ts";
import type { Courier } from "./courier.ts";
import { pause } from "./deadline.ts";
import { streamErrorOf } from "./failure.ts";
import { wireId } from "./request.ts";
import { resumed } from "./resumed-stream.ts";
import { countOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/**
 * Why a lease is kept no longer:
 * - `gone`: the cluster says that it does not exist: it ran out or was revoked.
 * - `unheard`: its time has passed here without an answer: it may be gone, and must be taken as such.
 * - `refused`: the cluster does not keep it, for the reason in `error`.
 * - `stopped`: `stop` was called, or the client closed; it runs out by itself.
 */
export interface LeaseLoss {
  readonly reason: "gone" | "unheard" | "refused" | "stopped";
  readonly error?: KvError;
}

/** Of its time between two renewals. */
const SHARE = 1 / 3;

/** A lease that this client keeps alive, until `stop` or until it is lost. */
export class KeptLease {
  /** Of the lease. */
  readonly id: bigint;
  /** Granted, in seconds. */
  readonly ttlS: number;
  /** Called after each renewal with the time to live in seconds; for whoever wants to see them. */
  onRenewed: (ttlS: number) => void = () => undefined;
  /** Resolves once, with why; never rejects. */
  readonly lost: Promise<LeaseLoss>;
  readonly #courier: Courier;
  readonly #onEnd: () => void;
  readonly #abort = new AbortController();
  #lose: (loss: LeaseLoss) => void = () => undefined;
  /** It stands until then, by this client's clock. */
  #untilMs: number;
  #cancelStream: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Made by `LeaseCalls.keepAlive`. */
  constructor(
    courier: Courier,
    lease: { readonly id: bigint; readonly ttlS: number },
    onEnd: () => void,
  ) {
    this.id = lease.id;
    this.ttlS = lease.ttlS;
    this.#courier = courier;
    this.#onEnd = onEnd;
    this.#untilMs = courier.nowMs() + lease.ttlS * 1000;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /** Aborted when it is lost, for the work that rests on it; its reason is the `LeaseLoss`. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** How much longer it stands for sure, in ms; 0: it may be gone. */
  get standsMs(): number {
    return this.#abort.signal.aborted ? 0 : Math.max(0, this.#untilMs - this.#courier.nowMs());
  }

  /** Called once, by who made it. */
  start(): void {
    this.#watchTime();
    this.#run().catch((error: unknown) => {
      const failure = error instanceof KvError ? error : undefined;
      const reason = failure?.code === "cancelled" ? "stopped" : "refused";
      this.#end(failure === undefined ? { reason } : { reason, error: failure });
    });
  }

  /** Keeps it no more; it runs out by itself. */
  stop(): void {
    this.#end({ reason: "stopped" });
  }

  #end(loss: LeaseLoss): void {
    if (this.#abort.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#abort.abort(loss);
    this.#cancelStream();
    this.#onEnd();
    this.#lose(loss);
  }

  #watchTime(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (this.#courier.nowMs() < this.#untilMs) this.#watchTime();
        else this.#end({ reason: "unheard" });
      },
      Math.max(1, Math.ceil(this.#untilMs - this.#courier.nowMs())),
    );
  }

  async #run(): Promise<void> {
    const asked = { destination: "leader", signal: this.#abort.signal } as const;
    const renewals = resumed(this.#courier, asked, (connection, onHeard) =>
      this.#keepAt(connection, onHeard),
    );
    for await (const ttlS of renewals) this.onRenewed(ttlS);
  }

  /** The renewals over one stream to one member, until it breaks or the lease is gone. */
  async *#keepAt(connection: Connection, onHeard: () => void): AsyncGenerator<number, void> {
    const stream = connection.stream(METHODS.leaseKeepAlive, { requireLeader: true });
    this.#cancelStream = () => stream.cancel();
    stream.on("error", () => undefined);
    let askedAtMs = this.#courier.nowMs();
    // An answer that does not come in time is asked for elsewhere.
    const silence = (): NodeJS.Timeout =>
      setTimeout(() => stream.cancel(), this.ttlS * 1000 * SHARE);
    let timer = silence();
    try {
      stream.write({ ID: wireId(this.id) });
      for await (const message of stream as AsyncIterable<etcdserverpb.ILeaseKeepAliveResponse>) {
        clearTimeout(timer);
        const ttlS = countOf(message.TTL);
        if (ttlS === 0) {
          this.#end({ reason: "gone" });
          return;
        }
        onHeard();
        this.#untilMs = askedAtMs + ttlS * 1000;
        this.#watchTime();
        yield ttlS;
        await pause(ttlS * 1000 * SHARE, this.#abort.signal);
        if (this.#abort.signal.aborted) return;
        askedAtMs = this.#courier.nowMs();
        timer = silence();
        stream.write({ ID: wireId(this.id) });
      }
    } catch (cause) {
      const error = streamErrorOf(cause, connection.address);
      const isOwn = error instanceof KvError && error.code === "cancelled";
      throw isOwn
        ? new KvError("unavailable", "unknown", `${connection.address} is silent`)
        : error;
    } finally {
      clearTimeout(timer);
      this.#cancelStream = () => undefined;
      stream.cancel();
    }
  }
}
