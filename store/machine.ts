// The replicated state machine: log entries in, responses and engine operations out. Deterministic: the
// same entries give the same bytes on every replica, refusals included, whatever is cached. It reads no
// clock; its only time is what the log says. docs/architecture.md tells the life of a write through it.
import { assert, present } from "../base/index.ts";
import type { LogIndex, LogTimeMs, Revision } from "../base/index.ts";
import type { Entry } from "../consensus/index.ts";
import { AlarmTable } from "./alarms.ts";
import type { AlarmView } from "./alarms.ts";
import { AuthJudge } from "./auth-judge.ts";
import type { AuthView } from "./auth-judge.ts";
import { AuthTable } from "./auth-table.ts";
import { AppliedChain } from "./applied-chain.ts";
import type { Marker } from "./applied-chain.ts";
import { Changes } from "./changes.ts";
import { decodeCommand } from "./command.ts";
import type { CommandBody } from "./command.ts";
import { Digest } from "./digest.ts";
import type { FederationPort } from "./federation-port.ts";
import type { EngineRow } from "./engine.ts";
import { Execution } from "./execution.ts";
import { KeySpace } from "./key-space.ts";
import { LOG_STAMP_ZERO, stampAfter } from "./log-time.ts";
import type { LeaseView } from "./leases.ts";
import type { EngineBatch, MachineOptions } from "./machine-options.ts";
import type { RangePlan, RangeScan, TxnPlan } from "./plan.ts";
import { PointReading } from "./point-reading.ts";
import { readsBefore } from "./put.ts";
import { RangeReading } from "./range-reading.ts";
import type { RangeRequest, Request, TxnRequest } from "./request.ts";
import type { Refusal, Response } from "./response.ts";
import { RowSet } from "./row-set.ts";
import { familyOf } from "./rows.ts";
import { SESSION_LIMITS_DEFAULT, SessionTable } from "./sessions.ts";
import { StateHashing } from "./state-hash.ts";
import type { StateHashRequest } from "./state-hash.ts";
import { StateMarks } from "./state-marks.ts";
import type { StateMark } from "./state-marks.ts";
import { TxnReading } from "./txn-reading.ts";
import { canWrite } from "./txn.ts";
import { needCommand } from "./write.ts";

export type { EngineBatch, MachineOptions, RequestCodec } from "./machine-options.ts";

type CommandAsked = Omit<CommandBody, "kind" | "body"> & { readonly request: Request };

interface Prepared {
  readonly entry: Entry;
  readonly command?: CommandAsked;
  readonly rows: RowSet;
}

/** Three of the RocksDB engine's memtables, of which two may be full before one is in a table file. */
const ENGINE_LOG_BYTES_MAX = 96 * 1024 * 1024;

export class Machine {
  /** The history, for watches. */
  readonly changes: Changes;
  readonly #options: MachineOptions;
  readonly #space: KeySpace;
  readonly #sessions: SessionTable;
  readonly #alarms: AlarmTable;
  readonly #marks = new StateMarks();
  readonly #accounts: AuthTable;
  readonly #judge: AuthJudge;
  readonly #execution: Execution;
  readonly #chain: AppliedChain;
  /** Shared by all commands that read nothing. */
  readonly #noRows: RowSet;
  #applied = 0 as LogIndex;
  /** Log time, and whose stamp moved it last. */
  #stamp = LOG_STAMP_ZERO;
  /** What `needs` made of the next entry; its rows are held until the entry is applied. */
  #prepared: Prepared | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#space = new KeySpace(options.valueCacheBytesMax, options.planted);
    this.#space.federation = options.createFederation?.(this.#space);
    this.changes = new Changes(this.#space);
    this.#noRows = new RowSet(this.#space.cache);
    const limits = options.sessionLimits ?? SESSION_LIMITS_DEFAULT;
    this.#sessions = new SessionTable(this.#space.writes, limits);
    this.#alarms = new AlarmTable(this.#space.writes);
    this.#accounts = new AuthTable(this.#space.writes);
    this.#judge = new AuthJudge(this.#accounts, this.#space.leases, options.planted);
    this.#execution = new Execution({
      codec: options.codec,
      space: this.#space,
      sessions: this.#sessions,
      alarms: this.#alarms,
      accounts: this.#accounts,
      judge: this.#judge,
    });
    this.#chain = new AppliedChain(options.engineLogBytesMax ?? ENGINE_LOG_BYTES_MAX);
  }

  /** Index of the last entry applied. */
  get applied(): LogIndex {
    return this.#applied;
  }

  /** Of the last write; 1 for the empty store. */
  get revision(): Revision {
    return this.#space.revision as Revision;
  }

  /** Revisions below it can no longer be read; 0 before the first compaction. */
  get compacted(): Revision {
    return Math.max(this.#space.floor, 0) as Revision;
  }

  /** Deleted ones that have a history included, as in etcd. */
  get keyCount(): number {
    return this.#space.index.size;
  }

  /** The largest log time applied (R9): where a leader's own begins. */
  get logTime(): LogTimeMs {
    return this.#stamp.logTimeMs;
  }

  /** Their times are log times. */
  get leases(): LeaseView {
    return this.#space.leases;
  }

  get alarms(): AlarmView {
    return this.#alarms;
  }

  /** What members compare to find that they differ. */
  get marks(): readonly StateMark[] {
    return this.#marks.list({ applied: this.#applied, digest: this.#standing() });
  }

  /** Users, roles and tokens, and who may do what by them. */
  get auth(): AuthView {
    return this.#judge;
  }

  /** Applied but not yet reported as `flushed`: keys and values of engine operations. */
  get unflushedBytes(): number {
    return this.#space.writes.bytes;
  }

  /** Whether a compaction still has rows to delete; `drain` goes on with it in bounded steps. */
  get isSweeping(): boolean {
    return this.#space.isSweeping;
  }

  /**
   * Takes over rows of the engine, which its owner scans whole and in key order before anything else is
   * asked of the machine. The machine keeps the value bytes.
   *
   * @throws {AssertionError} for a row that no machine wrote.
   */
  restore(rows: readonly EngineRow[]): void {
    for (const { key, value } of rows) this.#restoreRow(key, value);
  }

  #restoreRow(key: Uint8Array, value: Uint8Array): void {
    const family = familyOf(key);
    switch (family) {
      case "base":
        this.#chain.restoreBase(value);
        break;
      case "lease":
        this.#space.leases.restore(key, value);
        break;
      case "federation":
        present(this.federation, "a federation, which left rows behind").restore(key, value);
        break;
      case "chain":
        this.#chain.restoreLink(key, value);
        break;
      case "alarm":
        this.#alarms.restore(key, value);
        break;
      case "auth":
        this.#accounts.restore(key, value);
        break;
      case "session":
        if (!this.#forgetsSessions) this.#sessions.restoreHead(key, value);
        break;
      case "answer":
        if (!this.#forgetsSessions) this.#sessions.restoreAnswer(key, value);
        break;
      case "version":
        this.#space.restoreVersion(key, value);
        break;
      case undefined:
        assert(false, `an engine row begins with byte ${key[0] ?? "none"}, which is no family`);
    }
  }

  get #forgetsSessions(): boolean {
    return this.#options.planted === "session-forgotten-on-restart";
  }

  /**
   * Ends the restore. `ok` false: batches are missing in the middle (S2). The
   * machine is then useless: discard the engine's rows, make another machine, and apply from the log.
   */
  restored():
    | { readonly ok: true; readonly applied: LogIndex }
    | { readonly ok: false; readonly reason: string } {
    const gap = this.#chain.verify();
    if (gap !== undefined && this.#options.planted !== "state-gap-ignored-at-boot") {
      return { ok: false, reason: gap };
    }
    const { applied, revision, floor, stamp, writeDigest } = this.#chain.last;
    this.#space.restoreMarker(revision, floor, writeDigest);
    this.#stamp = stamp;
    this.federation?.restored();
    const again = this.#options.planted === "apply-twice-on-restart";
    this.#applied = again ? this.#chain.base.applied : applied;
    return { ok: true, applied: this.#applied };
  }

  /**
   * For a state that begins another cluster, whose epochs begin anew: its revisions go on `revisionsSkipped` later and
   * what is before is compacted, so that nobody who knows a revision of the old cluster takes one of this for it. What
   * it minted for a federation it may have minted on: it does so under that name no more (federation 1).
   */
  beginAnew(revisionsSkipped: number): void {
    const isCount = Number.isSafeInteger(revisionsSkipped) && revisionsSkipped >= 0;
    assert(isCount, `${revisionsSkipped} revisions cannot be left out`);
    if (revisionsSkipped > 0) this.#space.skip(revisionsSkipped);
    this.#stamp = { ...LOG_STAMP_ZERO, logTimeMs: this.logTime };
    this.federation?.disown();
  }

  /**
   * Engine keys of the rows that applying `entry` may read and that are not in memory. Asked of the next
   * entry, after the one before it was applied. The rows that are in memory are held until `apply`.
   */
  needs(entry: Entry): readonly Uint8Array[] {
    this.#prepared = this.#prepare(entry);
    return this.#prepared.rows.missing;
  }

  #prepare(entry: Entry): Prepared {
    assert(entry.index === this.#applied + 1, `applied ${this.#applied}, next ${entry.index}`);
    if (entry.kind !== "command") return { entry, rows: this.#noRows };
    const { kind, stamp, caller, body } = decodeCommand(entry.data);
    const request = this.#options.codec.decodeRequest(kind, body);
    const rows = readsRows(request) ? new RowSet(this.#space.cache) : this.#noRows;
    if (rows !== this.#noRows) needCommand(request, this.#space, rows);
    return { entry, command: { request, caller, stamp }, rows };
  }

  /**
   * Applies the next entry. `loaded` are the values for what `needs(entry)` named, in its order; empty if
   * it named nothing. undefined for an entry that is no command.
   *
   * @throws {AssertionError} if a value is missing: the engine has lost a row, and the state is not to be
   * trusted.
   */
  apply(entry: Entry, loaded: readonly (Uint8Array | undefined)[]): Response | undefined {
    const prepared = this.#prepared?.entry === entry ? this.#prepared : this.#prepare(entry);
    this.#prepared = undefined;
    prepared.rows.supply(loaded);
    this.#applied = entry.index;
    const { command, rows } = prepared;
    const response = command && this.#run(command, rows);
    this.#marks.note(this.#applied, () => this.#standing());
    return response;
  }

  #run({ request, caller, stamp }: CommandAsked, rows: RowSet): Response {
    const before = this.logTime;
    this.#stamp = stampAfter(this.#stamp, stamp);
    const now = this.logTime;
    this.#sessions.advance(before, now);
    const occasion = { caller, index: this.#applied, now, rows };
    this.federation?.enter(occasion);
    return this.#execution.run(request, occasion);
  }

  /**
   * All engine operations since the last drain, a bounded step of a compaction, and the batch's link in
   * the chain of applied indexes; undefined if there is nothing. Write batches one at a time, in order,
   * without sync, and report each by `flushed`; drain again after it, until there is nothing.
   */
  drain(): EngineBatch | undefined {
    const { writes } = this.#space;
    const sweeps = this.#space.canSweep(this.#applied);
    if (!sweeps && !this.#hasNews) return undefined;
    if (sweeps) this.#space.sweep(this.#applied);
    this.federation?.beforeBatch();
    this.#chain.extend(this.#marker, writes);
    return { ops: writes.drain(this.#applied), upTo: this.#applied };
  }

  /**
   * As `drain`, but the batch must be written synced: once it is, everything up to its index survives
   * power loss, and the log before it may go. Moves the chain's base on, and removes the chain rows up to
   * it, one for each batch. undefined: all of it survives already.
   */
  checkpoint(): EngineBatch | undefined {
    if (!this.#hasNews && !this.#chain.isExtended) return undefined;
    const { writes } = this.#space;
    this.federation?.beforeBatch();
    this.#chain.checkpoint(this.#marker, writes);
    return { ops: writes.drain(this.#applied), upTo: this.#applied };
  }

  get #hasNews(): boolean {
    const { applied, revision, stamp } = this.#chain.last;
    const isSame = this.#applied === applied && this.revision === revision && this.#stamp === stamp;
    return !isSame || !this.#space.writes.isEmpty;
  }

  get #marker(): Marker {
    const { floor, writeDigest } = this.#space;
    const { revision, applied } = this;
    return { applied, revision, floor, stamp: this.#stamp, writeDigest };
  }

  /** The engine holds every batch up to `upTo`: their values may leave memory. */
  flushed(upTo: LogIndex): void {
    this.#space.writes.flushed(upTo);
    this.federation?.flushed(upTo);
  }

  /** Whether a command is worth proposing: refused if its session has no room (R9). Advisory. */
  admits(request: Request): Refusal | undefined {
    const named = "requestId" in request && request.requestId !== undefined;
    return named ? this.#sessions.admits(request.requestId) : undefined;
  }

  /** A range read of the state as it is; refused for a revision that is compacted or in the future. */
  planRange(request: RangeRequest): RangePlan | Refusal {
    const fault = this.#alarms.barsReads ?? this.#space.checkRevision(request.revision);
    if (fault !== undefined) return fault;
    return request.end === undefined
      ? new PointReading(this.#space, request)
      : new RangeReading(this.#space, request, Infinity);
  }

  /** The same in steps of at most `keysPerStepMax` keys, for ranges of any size. */
  scanRange(request: RangeRequest, keysPerStepMax: number): RangeScan | Refusal {
    const fault = this.#alarms.barsReads ?? this.#space.checkRevision(request.revision);
    return fault ?? new RangeReading(this.#space, request, keysPerStepMax);
  }

  /** @throws {AssertionError} if the transaction may write: that goes through the log. */
  planTxn(request: TxnRequest): TxnPlan | Refusal {
    assert(!canWrite(request), "a transaction that may write is not planned but logged");
    return this.#alarms.barsReads ?? new TxnReading(this.#space, request);
  }

  /** The hash of what the engine holds, for comparison with other members. */
  hashing(request: StateHashRequest): StateHashing | Refusal {
    return StateHashing.begin(this.#space, request);
  }

  get federation(): FederationPort | undefined {
    return this.#space.federation;
  }

  /** Cheap: the running hash of all writes stands for the keys, and counts for the rest. */
  #standing(): number {
    const { revision, floor, writeDigest, leases } = this.#space;
    const digest = new Digest().count(revision).count(floor).count(writeDigest);
    digest.count(this.logTime).count(leases.size).count(this.#accounts.revision);
    return digest.count(this.federation?.standing ?? 0).value();
  }

  /**
   * A hash of everything that decides later answers: equal on replicas at equal applied index, before and
   * after a restart. Looks at every key: for checks, not for every entry.
   */
  hash(): number {
    const { epoch, logTimeMs } = this.#stamp;
    const digest = new Digest().count(logTimeMs);
    digest.count(epoch.config).count(epoch.round).count(epoch.node);
    this.#space.addTo(digest);
    this.#sessions.addTo(digest);
    this.#accounts.addTo(digest);
    this.#alarms.addTo(digest);
    this.federation?.addTo(digest);
    return digest.value();
  }
}

/** Whether applying it may look at a value; most puts do not. */
function readsRows(request: Request): boolean {
  switch (request.kind) {
    case "put":
      return readsBefore(request.put);
    case "txn":
    case "delete-range":
    case "federation":
      return true;
    default:
      return false;
  }
}
