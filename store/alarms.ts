// What is wrong with a member, and what the whole cluster therefore refuses. Replicated state: every member
// bars the same commands from the same entry on. An operator's word stands until an operator takes it back;
// what a member found itself is taken back by a finding too, so that it ends when its cause does.
import { assert } from "../base/index.ts";
import type { Revision } from "../base/index.ts";
import type { Alarm, AlarmType } from "./alarm.ts";
import type { Digest } from "./digest.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { refusal, refused } from "./refusal.ts";
import type { Request, RequestOp, TxnRequest } from "./request.ts";
import type { Refusal, Response } from "./response.ts";
import { alarmOfRowKey, alarmRowKey } from "./rows.ts";

/** What its owner may look at. */
export interface AlarmView {
  /** By member and type; of one type, or of all. */
  list(type?: AlarmType): readonly Alarm[];
  stands(type: AlarmType): boolean;
  has(alarm: Alarm): boolean;
  /** Those of `type` that are no operator's word. */
  findings(type: AlarmType): readonly Alarm[];
}

export type AlarmCommand = Extract<Request, { readonly kind: "alarm" | "alarm-finding" }>;

/** A rule of the state machine: equal on all members. More than members can raise. */
const ALARMS_MAX = 1_024;

/** Codes in rows: never reused. */
const TYPE_CODES: Readonly<Record<AlarmType, number>> = { "no-space": 1, corrupt: 2 };
const SOURCE_CODES: Readonly<Record<AlarmCommand["kind"], number>> = {
  alarm: 0,
  "alarm-finding": 1,
};

interface Entry extends Alarm {
  readonly source: AlarmCommand["kind"];
}

export function isAlarmCommand(request: Request): request is AlarmCommand {
  return request.kind === "alarm" || request.kind === "alarm-finding";
}

export class AlarmTable implements AlarmView {
  readonly #writes: PendingWrites;
  #alarms: readonly Entry[] = [];

  constructor(writes: PendingWrites) {
    this.#writes = writes;
  }

  list(type?: AlarmType): readonly Alarm[] {
    const asked = this.#alarms.filter((alarm) => type === undefined || alarm.type === type);
    return asked.map(({ member, type: own }) => ({ member, type: own }));
  }

  findings(type: AlarmType): readonly Alarm[] {
    const found = this.#alarms.filter((alarm) => alarm.source === "alarm-finding");
    return found.filter((alarm) => alarm.type === type);
  }

  stands(type: AlarmType): boolean {
    return this.#alarms.some((alarm) => alarm.type === type);
  }

  has(alarm: Alarm): boolean {
    return this.#find(alarm) !== undefined;
  }

  restore(rowKey: Uint8Array, row: Uint8Array): void {
    const { member, code } = alarmOfRowKey(rowKey);
    const type = typeOf(code);
    assert(type !== undefined && row.length === 1, `alarm ${code} of ${member} is unknown`);
    this.#alarms = [...this.#alarms, { member, type, source: sourceOf(row[0] ?? 0) }];
  }

  run(command: AlarmCommand, revision: Revision): Response {
    const { action, member, alarm: type, kind: source } = command;
    const alarms = type === "none" ? [] : this.#change(action, { member, type, source });
    return isFull(alarms) ? refused(alarms, revision) : { kind: "alarm", revision, alarms };
  }

  #change(action: AlarmCommand["action"], entry: Entry): readonly Alarm[] | Refusal {
    const { member, type } = entry;
    const standing = this.#find(entry);
    if (action === "activate") {
      if (standing === undefined && this.#alarms.length >= ALARMS_MAX) {
        return refusal("too-many-requests");
      }
      if (standing === undefined || standing.source === "alarm-finding") this.#put(entry);
      return [{ member, type }];
    }
    const keeps = entry.source === "alarm-finding" && standing?.source === "alarm";
    if (standing === undefined || keeps) return [];
    this.#alarms = this.#alarms.filter((alarm) => alarm !== standing);
    this.#writes.delete(alarmRowKey(member, TYPE_CODES[type]));
    return [{ member, type }];
  }

  #put(entry: Entry): void {
    const { member, type, source } = entry;
    const others = this.#alarms.filter((alarm) => !isSame(alarm, entry));
    this.#alarms = [...others, entry].sort(compareAlarms);
    this.#writes.put(alarmRowKey(member, TYPE_CODES[type]), Uint8Array.of(SOURCE_CODES[source]));
  }

  #find(alarm: Alarm): Entry | undefined {
    return this.#alarms.find((entry) => isSame(entry, alarm));
  }

  /**
   * Without space nothing may take more of it; of a corrupt state nothing may be changed at all, so that what
   * there is can be compared. Renewals go on, so that no lease ends for want of an operator.
   */
  bars(request: Request): Refusal | undefined {
    if (this.#alarms.length === 0) return undefined;
    if (this.stands("corrupt") && changesKeys(request)) return refusal("corrupt");
    if (this.stands("no-space") && takesSpace(request)) return refusal("no-space");
    return undefined;
  }

  /** What is read may be what was damaged. */
  get barsReads(): Refusal | undefined {
    return this.stands("corrupt") ? refusal("corrupt") : undefined;
  }

  addTo(digest: Digest): void {
    digest.count(this.#alarms.length);
    for (const { member, type, source } of this.#alarms) {
      digest.wide(member).word(TYPE_CODES[type]).word(SOURCE_CODES[source]);
    }
  }
}

function changesKeys({ kind }: Request): boolean {
  const keys = kind === "put" || kind === "delete-range" || kind === "txn";
  const leases = kind === "lease-grant" || kind === "lease-revoke" || kind === "lease-expire";
  return keys || leases || kind === "compaction" || kind === "federation";
}

/** Whichever branch a transaction would take: etcd refuses it for a put in either. */
function takesSpace(request: Request): boolean {
  if (request.kind === "txn") return holdsPut(request.txn);
  return request.kind === "put" || request.kind === "lease-grant";
}

function holdsPut(txn: TxnRequest): boolean {
  const puts = (operation: RequestOp): boolean =>
    operation.kind === "put" || (operation.kind === "txn" && holdsPut(operation.txn));
  return txn.success.some(puts) || txn.failure.some(puts);
}

function isFull(alarms: readonly Alarm[] | Refusal): alarms is Refusal {
  return "code" in alarms;
}

function isSame(left: Alarm, right: Alarm): boolean {
  return left.member === right.member && left.type === right.type;
}

function compareAlarms(left: Alarm, right: Alarm): number {
  if (left.member !== right.member) return left.member < right.member ? -1 : 1;
  return TYPE_CODES[left.type] - TYPE_CODES[right.type];
}

function typeOf(code: number): AlarmType | undefined {
  return (Object.keys(TYPE_CODES) as AlarmType[]).find((type) => TYPE_CODES[type] === code);
}

function sourceOf(code: number): AlarmCommand["kind"] {
  return code === SOURCE_CODES.alarm ? "alarm" : "alarm-finding";
}
