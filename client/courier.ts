// Carries one call to an answer: chooses a member, bounds the attempt, learns from its end, and repeats it
// when that is safe, until the call's deadline.
import { KvError } from "../base/index.ts";
import type { KvErrorCode, Outcome } from "../base/index.ts";
import { backoffMs } from "./backoff.ts";
import { Connection } from "./connection.ts";
import { cancelled, pause, within } from "./deadline.ts";
import { Discovery } from "./discovery.ts";
import { withOutcome } from "./failure.ts";
import { Gate } from "./gate.ts";
import { isSpanMs } from "./options.ts";
import type { CallOptions, OnMiss, Settings } from "./options.ts";
import { doubtsLeader, isAbsence, repetitionOf } from "./retry.ts";
import type { Nature } from "./retry.ts";
import { Router } from "./router.ts";
import type { Destination } from "./router.ts";
import { traced } from "./tracing.ts";
import type { CallNotes } from "./tracing.ts";

/** What the world lends the client; tests lend their own. */
export interface Surroundings {
  /** Monotonic, in ms. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What one attempt is given. */
export interface Attempt {
  readonly connection: Connection;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A call, as something that can be attempted more than once. */
export interface Task<T> {
  /** What it is called in traces. */
  readonly operation: string;
  readonly nature: Nature;
  readonly destination: Destination;
  readonly onMiss: OnMiss;
  /** The one member that may be asked; absent: any. */
  readonly only?: string;
  /** It waits for others than the member that is asked, who would wait as long elsewhere: no attempt is cut short. */
  readonly isPatient?: boolean;
  /** One attempt; throws KvError. */
  readonly attempt: (attempt: Attempt) => Promise<T>;
}

/** The store's verdict on the command itself: what it says is so, whatever earlier attempts left open. */
const VERDICTS: ReadonlySet<KvErrorCode> = new Set<KvErrorCode>([
  "key-not-provided",
  "key-not-found",
  "value-provided",
  "lease-provided",
  "lease-not-found",
  "too-many-operations",
  "duplicate-key",
  "invalid-sort-option",
  "request-too-large",
  "compacted",
  "future-revision",
  "invalid-argument",
]);

const CLOSED = "the client is closed";

/** A connection that is not there after an attempt of so long is tried anew. */
const CONNECT_MS_MAX = 1_000;

/** Of one call. */
interface CallBounds {
  readonly deadlineAtMs: number;
  readonly attemptsMax: number;
  readonly signal: AbortSignal | undefined;
  readonly notes: CallNotes;
}

/** Of the whole call, when its last attempt ended so; `doubtful`: some attempt left it open. */
function outcomeOf(error: KvError, doubtful: boolean): Outcome {
  if (error.outcome === "applied") return "applied";
  return doubtful && !VERDICTS.has(error.code) ? "unknown" : "not-applied";
}

export class Courier {
  readonly #settings: Settings;
  readonly #surroundings: Surroundings;
  readonly #gate: Gate;
  readonly #connections = new Map<string, Connection>();
  readonly router: Router;
  readonly discovery: Discovery;
  readonly #stop = new AbortController();
  #closed = false;

  constructor(settings: Settings, surroundings: Surroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#gate = new Gate(settings.limits);
    this.router = new Router(settings.addresses);
    this.discovery = new Discovery({
      router: this.router,
      configured: settings.addresses,
      discover: settings.discover,
      connectionTo: (address) => this.connectionTo(address),
      disconnect: (address) => {
        // Its calls are asked of another, as those of a member that is away.
        const error = new KvError("unavailable", "unknown", `${address} has left the cluster`);
        this.#disconnect(address, error);
      },
      nowMs: surroundings.nowMs,
    });
  }

  /**
   * Runs `task` to its end within the call's deadline.
   *
   * @throws {KvError} the last failure, with the outcome of the whole call
   */
  async carry<T>(task: Task<T>, options: CallOptions): Promise<T> {
    const deadlineMs = options.deadlineMs ?? this.#settings.deadlineMs;
    if (!isSpanMs(deadlineMs)) {
      const message = "deadlineMs is not a number of ms above 0 and below 2^31";
      throw new KvError("invalid-argument", "not-applied", message);
    }
    const deadlineAtMs = this.#surroundings.nowMs() + deadlineMs;
    const { signal, attemptsMax = this.#settings.limits.attemptsMax } = options;
    if (!Number.isSafeInteger(attemptsMax) || attemptsMax < 1) {
      throw new KvError("invalid-argument", "not-applied", "attemptsMax is not an integer >= 1");
    }
    this.#checkOpen(signal);
    return traced(task.operation, async (notes) => {
      const entry = this.#gate.enter(deadlineMs, signal);
      if (entry !== undefined) await entry;
      try {
        await this.#find(task.destination, deadlineAtMs, signal);
        return await this.#repeat(task, { deadlineAtMs, attemptsMax, signal, notes });
      } finally {
        this.#gate.leave();
      }
    });
  }

  /**
   * A member for a stream, which no call's deadline bounds; `avoided` is asked only if there is no other.
   *
   * @throws {KvError} `cancelled` once the client is closed, or by the signal
   */
  async memberFor(
    destination: Destination,
    avoided: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    this.#checkOpen(signal);
    await this.#find(destination, this.nowMs() + this.#settings.attemptMs, signal);
    const tried = new Set(avoided === undefined ? [] : [avoided]);
    return this.connectionTo(this.#choose(destination, tried));
  }

  /** What became of a stream: it was answered, or it failed. */
  report(address: string, error: KvError | undefined): void {
    if (error === undefined) this.router.onSuccess(address);
    else this.#learn(address, error);
  }

  /** Before repetition `attempt` of a stream. @throws {KvError} as `memberFor` */
  async pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    await pause(backoffMs(this.#settings.backoff, attempt, this.#surroundings.random), signal);
    this.#checkOpen(signal);
  }

  /** Aborted once calls are stopped, for streams: closing a grpc-js channel lets them run on. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** The surroundings' monotonic clock. */
  nowMs(): number {
    return this.#surroundings.nowMs();
  }

  connectionTo(address: string): Connection {
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const { limits, security, credentials } = this.#settings;
    const made = new Connection(address, security, {
      answerBytesMax: limits.answerBytesMax,
      credentials,
    });
    this.#connections.set(address, made);
    return made;
  }

  /** Ends all calls with `cancelled`, and lets none begin. */
  stopCalls(): void {
    this.#closed = true;
    this.#stop.abort();
    this.discovery.close();
    this.#gate.close(new KvError("cancelled", "not-applied", CLOSED));
    const error = new KvError("cancelled", "unknown", CLOSED);
    for (const connection of this.#connections.values()) connection.cancelCalls(error);
  }

  closeConnections(): void {
    const error = new KvError("cancelled", "unknown", CLOSED);
    for (const address of [...this.#connections.keys()]) this.#disconnect(address, error);
  }

  /** Before anything is known, the few milliseconds of a question save a hop, or the wrong member. */
  async #find(
    destination: Destination,
    deadlineAtMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.discovery.touch();
    if (this.router.knows(destination)) return;
    await within(this.discovery.find(destination), deadlineAtMs - this.nowMs(), signal);
  }

  async #repeat<T>(task: Task<T>, bounds: CallBounds): Promise<T> {
    const { deadlineAtMs, attemptsMax, signal, notes } = bounds;
    const tried = new Set<string>();
    const { backoff } = this.#settings;
    const attemptMsMax = this.#attemptMsMax(deadlineAtMs - this.nowMs());
    let doubtful = false;
    let told: KvError | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const address = task.only ?? this.#choose(task.destination, tried);
      const remainingMs = deadlineAtMs - this.nowMs();
      // A plain write is not cut short to be asked elsewhere: that would leave its outcome open. And what one member
      // alone can answer gains nothing by being asked again: a hash would begin anew.
      const { only, isPatient = false } = task;
      const isWhole = isPatient || task.nature === "plain-write" || only !== undefined;
      const timeoutMs = isWhole ? remainingMs : Math.min(attemptMsMax, remainingMs);
      notes.attempt(address);
      const ended = await this.#attempt(task, address, timeoutMs, signal);
      if (ended.ok) return ended.value;
      const { error } = ended;
      // Silence through a rest of time says nothing against the member.
      if (error.code !== "deadline-exceeded" || timeoutMs * 2 >= attemptMsMax) {
        this.#learn(address, error);
      }
      doubtful ||= error.outcome === "unknown" && task.nature !== "read";
      const outcome = outcomeOf(error, doubtful);
      const repetition = repetitionOf(error, task.nature, task.onMiss);
      const pauseMs = backoffMs(backoff, attempt, this.#surroundings.random);
      this.#checkOpen(signal, outcome);
      const isLast =
        repetition === "never" || attempt >= attemptsMax || this.nowMs() + pauseMs >= deadlineAtMs;
      // The last attempt may have had no time: what a member has said before says more.
      if (error.code !== "deadline-exceeded") told = error;
      if (isLast) throw withOutcome(told ?? error, outcome);
      if (repetition === "same-member") tried.delete(address);
      await pause(pauseMs, signal);
      this.#checkOpen(signal, outcome);
    }
  }

  /** A silent member must leave time to ask another, if there is another, of a short call too. */
  #attemptMsMax(deadlineMs: number): number {
    const { attemptMs } = this.#settings;
    return this.router.size > 1 ? Math.min(attemptMs, deadlineMs / 2) : attemptMs;
  }

  /** The best member that this call has not asked, or the best when it has asked all. */
  #choose(destination: Destination, tried: Set<string>): string {
    const order = this.router.order(destination, this.nowMs());
    const untried = order.find((address) => !tried.has(address));
    if (untried === undefined) tried.clear();
    const chosen = untried ?? order[0];
    if (chosen === undefined) throw new KvError("unavailable", "not-applied", "no member is known");
    tried.add(chosen);
    return chosen;
  }

  async #attempt<T>(
    task: Task<T>,
    address: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ ok: true; value: T } | { ok: false; error: KvError }> {
    const connection = this.connectionTo(address);
    const startedAtMs = this.nowMs();
    try {
      if (task.nature === "plain-write") {
        await connection.connected(Math.min(timeoutMs, this.#settings.attemptMs));
      }
      const leftMs = Math.max(1, timeoutMs - (this.nowMs() - startedAtMs));
      const value = await task.attempt({ connection, timeoutMs: leftMs, signal });
      this.router.onSuccess(address);
      return { ok: true, value };
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (this.nowMs() - startedAtMs >= CONNECT_MS_MAX) this.#startOver(connection);
      return { ok: false, error };
    }
  }

  /**
   * grpc-js leaves a connection that hears nothing to the kernel, which asks again after ever longer pauses: a
   * member that was cut off for half a minute would be found again only half a minute after it is back.
   */
  #startOver(connection: Connection): void {
    if (!connection.isConnecting) return;
    const { address } = connection;
    if (this.#connections.get(address) === connection) this.#connections.delete(address);
    connection.abandon();
  }

  #learn(address: string, error: KvError): void {
    if (isAbsence(error)) this.router.onAbsence(address, this.nowMs());
    if (doubtsLeader(error)) {
      this.router.onDoubt(address);
      this.discovery.doubt();
    }
  }

  #checkOpen(signal: AbortSignal | undefined, outcome: Outcome = "not-applied"): void {
    if (this.#closed) throw new KvError("cancelled", outcome, CLOSED);
    if (signal?.aborted === true) throw withOutcome(cancelled(), outcome);
  }

  #disconnect(address: string, error: KvError): void {
    this.#connections.get(address)?.close(error);
    this.#connections.delete(address);
  }
}
