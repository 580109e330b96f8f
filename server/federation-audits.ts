// A region's leader compares its state with its neighbours' from time to time, and when an operator asks for it; what is
// found damaged is repaired through the log, or told to people (federation 17). One audit at a time; an idle pair costs
// a question of 16 bytes and its answer.
import { setTimeout as pause } from "node:timers/promises";
import { KvError } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { auditOf, covers, memberNamed, regionOf } from "../federation/index.ts";
import type {
  AuditReply,
  AuditReport,
  AuditStep,
  Finding,
  FoundRecord,
  OriginId,
  RepairChange,
} from "../federation/index.ts";
import type { Header, Verified, Verifier, VerifyOrder } from "../rpc/index.ts";
import type { AuditTally } from "./audit-tally.ts";
import { lookEvery } from "./chores.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { FederationPulling } from "./federation-pulling.ts";
import { readRecords } from "./federation-records.ts";
import type { RecordEngine } from "./federation-records.ts";
import type { Clock, Journal } from "./ports.ts";
import type { RegionQuestions } from "./region-questions.ts";

export interface AuditOrder extends VerifyOrder {
  /** Every value here is read and held against its hash too. */
  readonly scrubs: boolean;
}

interface Asked {
  readonly order: VerifyOrder;
  /** Never rejects: what it was refused with is told to who still asks. */
  readonly run: Promise<Verified | KvError>;
  endedAtMs: number | undefined;
}

interface AuditEnded {
  readonly report: AuditReport;
}

/** The leader's streams to its neighbours. */
export type AuditedLinks = Pick<FederationPulling, "links" | "reportOf"> & {
  readonly questions: Pick<RegionQuestions, "compare">;
};

export interface FederationAuditsInit {
  readonly state: FederatedRegion;
  /** Of the state in force. */
  readonly engine: () => RecordEngine;
  /** Undefined: this member does not lead, or its region has no origin. */
  readonly pulling: () => AuditedLinks | undefined;
  /** `done` gets why it was refused. */
  readonly propose: (change: RepairChange, done: (why: string | undefined) => void) => void;
  readonly tally: AuditTally;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
}

const AUDIT_EVERY_MS = 60_000;
/** For a neighbour's answer, and for what is under way to arrive. */
const ANSWER_MS = 10_000;
const SETTLE_MS = 10_000;
const LOOK_MS = 20;
/** Read at once, while every value is held against its hash. */
const SCRUBBED_KEYS = 64;
const DAMAGED_MAX = 1_024;
/** Of a call's time, the part in which its end is waited for. */
const WAIT_SHARE = 0.7;
/** For so long the end of an audit is kept for the call that began it. */
const TOLD_MS = 30_000;

export class FederationAudits {
  readonly #init: FederationAuditsInit;
  #busy = false;
  /** What an operator asked for, until its end was told. */
  #asked: Asked | undefined;
  #stopped = false;
  /** Keys of the audit under way whose values were read. */
  #scrubbed = 0;

  constructor(init: FederationAuditsInit) {
    this.#init = init;
  }

  /** @returns the way to end it; an audit under way ends by itself. */
  follow(): () => void {
    const unlook = lookEvery(AUDIT_EVERY_MS, () => this.#onTime());
    return () => {
      this.#stopped = true;
      unlook();
    };
  }

  /** @throws {KvError} `not-leader`, `too-many-requests` while another is under way, `invalid-argument`. */
  async verify({ source, repairs, scrubs }: AuditOrder): Promise<Verified & AuditEnded> {
    const { state, pulling } = this.#init;
    const { config, self } = state;
    const links = pulling()?.links;
    if (links === undefined || self === undefined) throw notLeading();
    const from = source === "" ? undefined : memberNamed(config, source)?.origin;
    if (source !== "" && from === undefined) {
      const problem = `no region of the federation is named ${source}`;
      throw new KvError("invalid-argument", "not-applied", problem);
    }
    if (this.#busy) {
      const problem = "hansa: this region is being verified already";
      throw new KvError("too-many-requests", "not-applied", problem);
    }
    this.#busy = true;
    this.#scrubbed = 0;
    try {
      const damaged = scrubs ? await this.#scrub() : [];
      const audit = auditOf({
        ...{ self, damaged, repairs, mine: state.state.comparing },
        neighbours: [...links.keys()],
        regionCount: config.members.length,
        ...(from === undefined ? {} : { source: from }),
      });
      const report = await this.#carryOn(audit);
      this.#tell(report);
      return { config, self, report, scrubbed: this.#scrubbed };
    } finally {
      this.#busy = false;
    }
  }

  /** Of an operator: every value is read. A call that may not wait for the end is told that it is under way. */
  answering(header: () => Header): Verifier["verify"] {
    return (order, { deadlineAtMs }, done) => {
      const leftMs = deadlineAtMs - this.#init.clock.monotonicMs();
      this.#waited(order, Math.max(0, leftMs * WAIT_SHARE))
        .then((value) => {
          if (value instanceof KvError) done({ ok: false, error: value });
          else done({ ok: true, header: header(), value });
        })
        .catch(this.#init.onBug);
    };
  }

  async #waited(order: VerifyOrder, waitMs: number): Promise<Verified | KvError> {
    const { config, self } = this.#init.state;
    if (self === undefined) return notLeading();
    const asked = this.#goesOn(order) ?? this.#ask(order);
    this.#asked = asked;
    const timeout = pause(waitMs, undefined, { ref: false });
    const ended = await Promise.race([asked.run, timeout]);
    if (ended === undefined) return { config, self, report: undefined, scrubbed: this.#scrubbed };
    if (this.#asked === asked) this.#asked = undefined;
    return ended;
  }

  /** The audit that the same call asked for before, if its end was not told, and is not old. */
  #goesOn({ source, repairs }: VerifyOrder): Asked | undefined {
    const asked = this.#asked;
    if (asked?.order.source !== source || asked.order.repairs !== repairs) return undefined;
    const agoMs = this.#init.clock.monotonicMs() - (asked.endedAtMs ?? Infinity);
    return agoMs > TOLD_MS ? undefined : asked;
  }

  #ask(order: VerifyOrder): Asked {
    const run = this.#begun(order)
      .catch((cause: unknown) => this.#refusalIn(cause))
      .finally(() => {
        asked.endedAtMs = this.#init.clock.monotonicMs();
      });
    const asked: Asked = { order, run, endedAtMs: undefined };
    return asked;
  }

  /** Anything but a refusal is a bug, and told as one at once: who asked may have gone. */
  #refusalIn(cause: unknown): KvError {
    if (cause instanceof KvError) return cause;
    this.#init.onBug(cause);
    return new KvError("unavailable", "unknown", "hansa: the audit has failed", { cause });
  }

  /** One that goes by the clock is waited for: it is short. */
  async #begun(order: VerifyOrder): Promise<Verified> {
    const untilMs = this.#init.clock.monotonicMs() + SETTLE_MS;
    while (this.#busy && this.#init.clock.monotonicMs() < untilMs) await pause(LOOK_MS);
    return this.verify({ ...order, scrubs: true });
  }

  #onTime(): void {
    const { pulling, journal } = this.#init;
    if (this.#busy || pulling() === undefined) return;
    this.verify({ source: "", repairs: true, scrubs: false }).catch((cause: unknown) => {
      const reason = this.#refusalIn(cause).message;
      journal.warn("this region could not be compared with others", { reason });
    });
  }

  async #carryOn(audit: ReturnType<typeof auditOf>): Promise<AuditReport> {
    let next = audit.next({ reply: "awaited", covered: true });
    while (next.done !== true) next = audit.next(await this.#do(next.value));
    return next.value;
  }

  async #do(step: AuditStep): Promise<AuditReply> {
    const { pulling, state, propose } = this.#init;
    switch (step.step) {
      case "ask": {
        const answer = await pulling()?.questions.compare(step.of, step.question, ANSWER_MS);
        return { reply: "answer", answer };
      }
      case "read": {
        const applied = new Map(state.applied);
        const records = await this.#read(step.keys);
        return { reply: "answer", answer: { answer: "records", applied, records } };
      }
      case "await":
        return { reply: "awaited", covered: await this.#covered(step) };
      case "repair": {
        const { key, copy } = step;
        const { region: from, applied, record: content } = copy;
        const change = { change: "repair", key, from, copy: { applied, content } } as const;
        const why = await new Promise<string | undefined>((done) => propose(change, done));
        return { reply: "repaired", why };
      }
    }
  }

  async #covered({ of, vector }: Extract<AuditStep, { step: "await" }>): Promise<boolean> {
    const { state, pulling, clock } = this.#init;
    const untilMs = clock.monotonicMs() + SETTLE_MS;
    for (;;) {
      const theirs = of === state.self ? state.applied : pulling()?.reportOf(of);
      if (theirs === undefined || this.#stopped) return false;
      if (covers(state.applied, vector) && covers(theirs, vector)) return true;
      if (clock.monotonicMs() >= untilMs) return false;
      await pause(LOOK_MS);
    }
  }

  /** @throws {KvError} `unavailable`: the engine has failed. */
  #read(keys: readonly Key[]): Promise<readonly FoundRecord[]> {
    const { state, engine } = this.#init;
    return new Promise((resolve, reject) => {
      readRecords(state.state, engine(), keys, (records) => {
        const problem = "hansa: values cannot be read";
        if (records === undefined) reject(new KvError("unavailable", "not-applied", problem));
        else resolve(records);
      });
    });
  }

  /** Keys whose values are not what they were hashed to; one batch is read after the other. */
  async #scrub(): Promise<readonly Key[]> {
    const { state, tally } = this.#init;
    const damaged: Key[] = [];
    let keys: Key[] = [];
    const look = async (): Promise<void> => {
      const records = await this.#read(keys);
      for (const { key, expected } of records) if (expected !== undefined) damaged.push(key);
      tally.scrubbed += records.length;
      this.#scrubbed += records.length;
      keys = [];
    };
    for (const key of state.state.comparing.everyKey()) {
      keys.push(key);
      if (keys.length === SCRUBBED_KEYS) await look();
      if (this.#stopped || damaged.length >= DAMAGED_MAX) break;
    }
    await look();
    return damaged;
  }

  #tell({ neighbours, findings, more }: AuditReport): void {
    const { tally, journal, clock } = this.#init;
    tally.note(neighbours, findings, clock.wallMs());
    for (const finding of findings)
      journal.error("a key differs between regions", this.#of(finding));
    if (more) journal.error("more keys differ between regions than one look takes", {});
  }

  #of({ key, against, outcome, from, why }: Finding): Readonly<Record<string, string>> {
    const { config } = this.#init.state;
    const name = (origin: OriginId): string => regionOf(config, origin) ?? String(origin);
    return {
      key: JSON.stringify(key),
      against: against.map(name).join(),
      outcome,
      ...(from === undefined ? {} : { from: name(from) }),
      ...(why === undefined ? {} : { why }),
    };
  }
}

function notLeading(): KvError {
  return new KvError("not-leader", "not-applied", "hansa: this member does not lead its region");
}
