// What an operator asks of a member: alarms, hashes of its state, defragmentation, the way back to an older
// release.
import type { KvError } from "../base/index.ts";
import { etcdserverpb } from "../proto/index.ts";
import { answerOf } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { Courier } from "./courier.ts";
import { oneCall } from "./one-call.ts";
import type { OneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { checkedCount, wireId } from "./request.ts";
import { countOf, idOf } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

const { AlarmAction } = etcdserverpb.AlarmRequest;
const { DowngradeAction } = etcdserverpb.DowngradeRequest;

/** `no-space`: what takes space is refused. `corrupt`: members differ, and nothing is changed. */
export type AlarmType = "no-space" | "corrupt";

/** An alarm that stands, and the member it is of. */
export interface Alarm {
  /** Of whom it tells; 0n: of nobody in particular. */
  readonly memberId: bigint;
  readonly type: AlarmType;
}

/** The alarms that stand. */
export interface AlarmsAnswer extends Answer {
  readonly alarms: readonly Alarm[];
}

/** The hash of a member's state. */
export interface HashAnswer extends Answer {
  /** The member that was asked. */
  readonly endpoint: string;
  /** 32 bits, unsigned. */
  readonly hash: number;
}

/** The hash of a member's keys up to a revision. */
export interface HashKvAnswer extends HashAnswer {
  /** Of the keys as they stood there. */
  readonly hashRevision: number;
  /** Lower revisions are not in it; -1: the store was never compacted. */
  readonly compactRevision: number;
}

/** Of one member; `endpoint` absent: whichever is asked first. */
export interface MemberCallOptions extends CallOptions {
  readonly endpoint?: string;
}

const TYPES: Readonly<Record<AlarmType, number>> = {
  "no-space": etcdserverpb.AlarmType.NOSPACE,
  corrupt: etcdserverpb.AlarmType.CORRUPT,
};

/** What operators ask of single members. */
export class MaintenanceCalls {
  readonly #courier: Courier;
  readonly #addressOf: (endpoint: string) => string | KvError;

  /** `addressOf`: an endpoint as it is dialled, or why it is none. */
  constructor(courier: Courier, addressOf: (endpoint: string) => string | KvError) {
    this.#courier = courier;
    this.#addressOf = addressOf;
  }

  /** Those that stand, linearizable at any member. @throws {KvError} those of every call */
  alarms(options: MemberCallOptions = {}): Promise<AlarmsAnswer> {
    return this.#alarm({ action: AlarmAction.GET }, options);
  }

  /** An operator's word; it stands until an operator takes it back. @throws {KvError} those of every call */
  raise(alarm: Alarm, options: CallOptions = {}): Promise<AlarmsAnswer> {
    return this.#alarm({ action: AlarmAction.ACTIVATE, ...wireAlarm(alarm) }, options);
  }

  /**
   * Takes an alarm back, whoever raised it; one whose cause stands is raised again by who finds it. Answers with
   * what was taken back.
   *
   * @throws {KvError} those of every call
   */
  disarm(alarm: Alarm, options: CallOptions = {}): Promise<AlarmsAnswer> {
    return this.#alarm({ action: AlarmAction.DEACTIVATE, ...wireAlarm(alarm) }, options);
  }

  /** Of all of a member's state: comparable between members that have applied the same. @throws {KvError} */
  hash(options: MemberCallOptions = {}): Promise<HashAnswer> {
    return this.#ask("hash", options, async (connection, timeoutMs, signal) => {
      const wire = await connection.unary(METHODS.hash, {}, timeoutMs, signal);
      return { ...answerOf(wire), endpoint: connection.address, hash: wire.hash ?? 0 };
    });
  }

  /**
   * Of the keys at `revision` (absent: at the present one), equal on all members that are compacted alike; etcd's
   * own definition.
   *
   * @throws {KvError} `compacted`, `future-revision`, and those of every call
   */
  hashKv(options: MemberCallOptions & { readonly revision?: number } = {}): Promise<HashKvAnswer> {
    const request = { revision: checkedCount("revision", options.revision ?? 0) };
    return this.#ask("hashKv", options, async (connection, timeoutMs, signal) => {
      const wire = await connection.unary(METHODS.hashKv, request, timeoutMs, signal);
      return {
        ...answerOf(wire),
        endpoint: connection.address,
        hash: wire.hash ?? 0,
        hashRevision: countOf(wire.hash_revision),
        compactRevision: Number(wire.compact_revision ?? 0),
      };
    });
  }

  /** Gives back to a member's disk what it does not use; it serves on meanwhile. @throws {KvError} */
  defragment(options: MemberCallOptions = {}): Promise<Answer> {
    return this.#ask("defragment", options, async (connection, timeoutMs, signal) =>
      answerOf(await connection.unary(METHODS.defragment, {}, timeoutMs, signal)),
    );
  }

  /** @throws {KvError} `downgrade-version-malformed`, `downgrade-version-invalid`, `no-downgrade` */
  downgrade(
    action: "validate" | "enable" | "cancel",
    version = "",
    options: CallOptions = {},
  ): Promise<Answer & { readonly version: string }> {
    const actions = {
      validate: DowngradeAction.VALIDATE,
      enable: DowngradeAction.ENABLE,
      cancel: DowngradeAction.CANCEL,
    };
    const request = { action: actions[action], version };
    return this.#ask("downgrade", options, async (connection, timeoutMs, signal) => {
      const wire = await connection.unary(METHODS.downgrade, request, timeoutMs, signal);
      return { ...answerOf(wire), version: wire.version ?? "" };
    });
  }

  /** A change that is made twice is the same change. */
  #alarm(request: etcdserverpb.IAlarmRequest, options: MemberCallOptions): Promise<AlarmsAnswer> {
    return this.#ask("alarm", options, async (connection, timeoutMs, signal) => {
      const wire = await connection.unary(METHODS.alarm, request, timeoutMs, signal);
      return { ...answerOf(wire), alarms: (wire.alarms ?? []).flatMap(alarmOf) };
    });
  }

  #ask<T>(operation: string, options: MemberCallOptions, call: OneCall<T>): Promise<T> {
    const { endpoint } = options;
    const address = endpoint === undefined ? undefined : this.#addressOf(endpoint);
    if (typeof address === "object") return Promise.reject(address);
    const only = address === undefined ? {} : { only: address };
    const about = { operation, nature: "read", destination: "any", ...only } as const;
    return this.#courier.carry(oneCall(about, call), options);
  }
}

function wireAlarm({ memberId, type }: Alarm): etcdserverpb.IAlarmRequest {
  return { memberID: wireId(memberId), alarm: TYPES[type] };
}

/** A type that this release does not know says nothing to it. */
function alarmOf({ memberID, alarm }: etcdserverpb.IAlarmMember): Alarm[] {
  const type = (Object.keys(TYPES) as AlarmType[]).find((name) => TYPES[name] === alarm);
  return type === undefined ? [] : [{ memberId: idOf(memberID), type }];
}
