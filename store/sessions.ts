// Sessions: a write named by (session, sequence) takes effect once, however often it comes (R9). Judged in
// apply only, by what the log says: an open session, its floor, the answers kept, and log time. Every
// change is a row in the same batch as the state, so a restart forgets nothing.
import { assert } from "../base/index.ts";
import type { LogIndex, LogTimeMs, SessionId } from "../base/index.ts";
import type { Digest } from "./digest.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { refusal } from "./refusal.ts";
import type { RequestId } from "./request.ts";
import type { Refusal } from "./response.ts";
import { numberInRowKey, numberedRowKey, putUint64, readUint64 } from "./rows.ts";

/** Part of the rules of the state machine: equal on all members of a group. */
export interface SessionLimits {
  readonly sessionsMax: number;
  /** Unacknowledged answers of one session. */
  readonly answersMax: number;
  /** Their bytes, of one session; the answer that crosses the bound is the last one kept. */
  readonly answerBytesMax: number;
  /** The same over all sessions. */
  readonly answerBytesTotalMax: number;
  readonly ttlMsMin: number;
  readonly ttlMsMax: number;
  /** What a session gets that asks for 0. */
  readonly ttlMsDefault: number;
}

export const SESSION_LIMITS_DEFAULT: SessionLimits = {
  sessionsMax: 10_000,
  answersMax: 1024,
  answerBytesMax: 4 * 1024 * 1024,
  answerBytesTotalMax: 256 * 1024 * 1024,
  ttlMsMin: 1_000,
  ttlMsMax: 24 * 60 * 60 * 1000,
  ttlMsDefault: 60_000,
};

/** Expired sessions are cleared when log time passes a multiple of it. */
const SWEEP_EVERY_MS = 1000;

interface Answer {
  readonly hash: number;
  readonly bytes: Uint8Array;
}

interface Session {
  readonly id: number;
  readonly ttlMs: number;
  /** The user that opened it; empty: somebody, while auth was off. */
  readonly owner: string;
  /** Sequences below it were acknowledged, and are never answered again. */
  floor: number;
  usedAtMs: number;
  readonly answers: Map<number, Answer>;
  answerBytes: number;
}

/** `answered`: the bytes of the answer that this very command got before. */
export type Judgement =
  { readonly kind: "run" } | { readonly kind: "answered"; readonly bytes: Uint8Array } | Refusal;

const RUN: Judgement = { kind: "run" };
const HEAD_BYTES = 24;
const HASH_BYTES = 8;
const NO_BYTES = new Uint8Array(0);

export class SessionTable {
  readonly #writes: PendingWrites;
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<number, Session>();
  #answerBytesTotal = 0;

  constructor(writes: PendingWrites, limits: SessionLimits) {
    this.#writes = writes;
    this.#limits = limits;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Heads come before answers: rows come in key order. */
  restoreHead(key: Uint8Array, value: Uint8Array): void {
    const id = numberInRowKey(key, 0);
    assert(value.length >= HEAD_BYTES, `session ${id} has a head of ${value.length} bytes`);
    this.#sessions.set(id, {
      id,
      ttlMs: readUint64(value, 0),
      owner: new TextDecoder().decode(value.subarray(HEAD_BYTES)),
      floor: readUint64(value, 8),
      usedAtMs: readUint64(value, 16),
      answers: new Map(),
      answerBytes: 0,
    });
  }

  restoreAnswer(key: Uint8Array, value: Uint8Array): void {
    const session = this.#sessions.get(numberInRowKey(key, 0));
    assert(session !== undefined, "an answer belongs to a session");
    const bytes = value.subarray(HASH_BYTES);
    this.#keep(session, numberInRowKey(key, 1), { hash: readUint64(value, 0), bytes });
  }

  /** The session's id is the index of the entry that opens it. Returns the time to live granted. */
  open(index: LogIndex, ttlMsAsked: number, now: LogTimeMs, owner = ""): number | Refusal {
    const { sessionsMax, ttlMsMin, ttlMsMax, ttlMsDefault } = this.#limits;
    if (this.#sessions.size >= sessionsMax) this.#clearExpired(now);
    if (this.#sessions.size >= sessionsMax) return refusal("session-full");
    const asked = ttlMsAsked === 0 ? ttlMsDefault : ttlMsAsked;
    const ttlMs = Math.min(Math.max(asked, ttlMsMin), ttlMsMax);
    const session: Session = {
      id: index,
      ttlMs,
      owner,
      floor: 1,
      usedAtMs: now,
      answers: new Map(),
      answerBytes: 0,
    };
    this.#sessions.set(index, session);
    this.#writeHead(session);
    return ttlMs;
  }

  /** `asker`: as in `judge`. */
  close(id: SessionId, now: LogTimeMs, asker?: string): Refusal | undefined {
    const session = this.#live(id, now);
    if (session === undefined) return refusal("session-expired");
    if (isAnothers(session, asker)) return refusal("permission-denied");
    this.#remove(session);
    return undefined;
  }

  /** Log time moves on: sessions unused for longer than their time to live end, by it alone. */
  advance(before: LogTimeMs, now: LogTimeMs): void {
    if (Math.floor(before / SWEEP_EVERY_MS) === Math.floor(now / SWEEP_EVERY_MS)) return;
    this.#clearExpired(now);
  }

  /**
   * Whether a command runs, was answered before, or is refused; counts as a use of the session. `asker`: the
   * user that asks, who may use his own sessions only; undefined: auth is off.
   */
  judge(request: RequestId, hash: number, now: LogTimeMs, asker?: string): Judgement {
    const session = this.#live(request.session, now);
    if (session === undefined) return refusal("session-expired");
    if (isAnothers(session, asker)) return refusal("permission-denied");
    session.usedAtMs = now;
    this.#raiseFloor(session, request.acknowledgedBelow);
    this.#writeHead(session);
    if (request.sequence < session.floor) return refusal("already-acknowledged");
    const answer = session.answers.get(request.sequence);
    if (answer === undefined) return this.#isFull(session) ? refusal("session-full") : RUN;
    if (answer.hash !== hash) return refusal("session-mismatch");
    return { kind: "answered", bytes: answer.bytes };
  }

  /** Keeps the answer to a command that `judge` let run. */
  record(request: RequestId, hash: number, bytes: Uint8Array): void {
    const session = this.#sessions.get(Number(request.session));
    assert(session !== undefined, "the session was judged to be open");
    const value = new Uint8Array(HASH_BYTES + bytes.length);
    putUint64(value, 0, hash);
    value.set(bytes, HASH_BYTES);
    this.#keep(session, request.sequence, { hash, bytes });
    this.#writes.put(numberedRowKey("answer", session.id, request.sequence), value);
  }

  /**
   * Whether a proposal of this command is worth its place in the log: the bounds that `judge` enforces,
   * asked early so that a full session costs no entry. Advisory.
   */
  admits(request: RequestId): Refusal | undefined {
    const session = this.#sessions.get(Number(request.session));
    if (session === undefined || session.answers.has(request.sequence)) return undefined;
    if (request.acknowledgedBelow > session.floor) return undefined;
    return this.#isFull(session) ? refusal("session-full") : undefined;
  }

  /** Everything that decides a later answer. */
  addTo(digest: Digest): void {
    const ids = [...this.#sessions.keys()].sort((left, right) => left - right);
    digest.count(ids.length);
    for (const id of ids) {
      const session = this.#sessions.get(id);
      assert(session !== undefined, "ids are those of the table");
      digest.count(id).count(session.ttlMs).count(session.floor).count(session.usedAtMs);
      if (session.owner !== "") digest.bytes(new TextEncoder().encode(session.owner));
      digest.count(session.answers.size);
      const sequences = [...session.answers].sort(([left], [right]) => left - right);
      for (const [sequence, { hash, bytes }] of sequences) {
        digest.count(sequence).count(hash).bytes(bytes);
      }
    }
  }

  #live(id: SessionId, now: LogTimeMs): Session | undefined {
    if (id <= 0n || id > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
    const session = this.#sessions.get(Number(id));
    if (session === undefined || !hasExpired(session, now)) return session;
    this.#remove(session);
    return undefined;
  }

  #clearExpired(now: LogTimeMs): void {
    for (const session of this.#sessions.values()) {
      if (hasExpired(session, now)) this.#remove(session);
    }
  }

  #isFull(session: Session): boolean {
    const { answersMax, answerBytesMax, answerBytesTotalMax } = this.#limits;
    return (
      session.answers.size >= answersMax ||
      session.answerBytes >= answerBytesMax ||
      this.#answerBytesTotal >= answerBytesTotalMax
    );
  }

  #raiseFloor(session: Session, acknowledgedBelow: number): void {
    if (acknowledgedBelow <= session.floor) return;
    session.floor = acknowledgedBelow;
    for (const sequence of session.answers.keys()) {
      if (sequence < acknowledgedBelow) this.#forget(session, sequence);
    }
  }

  #keep(session: Session, sequence: number, answer: Answer): void {
    session.answers.set(sequence, answer);
    session.answerBytes += answer.bytes.length;
    this.#answerBytesTotal += answer.bytes.length;
  }

  #forget(session: Session, sequence: number): void {
    const answer = session.answers.get(sequence);
    assert(answer !== undefined, "only a kept answer is forgotten");
    session.answers.delete(sequence);
    session.answerBytes -= answer.bytes.length;
    this.#answerBytesTotal -= answer.bytes.length;
    this.#writes.delete(numberedRowKey("answer", session.id, sequence));
  }

  #remove(session: Session): void {
    for (const sequence of session.answers.keys()) this.#forget(session, sequence);
    this.#sessions.delete(session.id);
    this.#writes.delete(numberedRowKey("session", session.id));
  }

  #writeHead({ id, ttlMs, floor, usedAtMs, owner }: Session): void {
    const name = owner === "" ? NO_BYTES : new TextEncoder().encode(owner);
    const value = new Uint8Array(HEAD_BYTES + name.length);
    putUint64(value, 0, ttlMs);
    putUint64(value, 8, floor);
    putUint64(value, 16, usedAtMs);
    value.set(name, HEAD_BYTES);
    this.#writes.put(numberedRowKey("session", id), value);
  }
}

function isAnothers({ owner }: Session, asker: string | undefined): boolean {
  return asker !== undefined && owner !== "" && owner !== asker;
}

function hasExpired(session: Session, now: LogTimeMs): boolean {
  return now - session.usedAtMs > session.ttlMs;
}
