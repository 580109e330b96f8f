// What a client can ask of the store, as types. rpc/ makes them from bytes, once; here they are trusted.
import type { Key, LeaseId, MemberId, Revision, SessionId } from "../base/index.ts";
import type { AuthRequest } from "./auth-change.ts";
import type { KeyRange } from "./key-range.ts";
import type { AlarmType } from "./alarm.ts";

export type { KeyRange } from "./key-range.ts";

export type SortOrder = "none" | "ascend" | "descend";
export type SortTarget = "key" | "version" | "create" | "mod" | "value";

/** 0 means "not given" for limit and every revision, as on the wire. */
export interface RangeRequest extends KeyRange {
  readonly limit: number;
  readonly revision: Revision;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

export interface PutRequest {
  readonly key: Key;
  readonly value: Uint8Array;
  /** 0: none. */
  readonly lease: LeaseId;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
  /** Which siblings of a federated key its client has read, as federation/ writes it; absent: what is shown. */
  readonly siblingContext?: Uint8Array;
  /** What is done to a key of a kind, in place of `value`, as federation/ writes it. */
  readonly operation?: Uint8Array;
}

export interface DeleteRangeRequest extends KeyRange {
  readonly prevKv: boolean;
  /** As of a put; of one key only. */
  readonly siblingContext?: Uint8Array;
}

export type CompareResult = "equal" | "greater" | "less" | "not-equal";

export type Compare = KeyRange & { readonly result: CompareResult } & (
    | { readonly target: "version"; readonly version: number }
    | { readonly target: "create"; readonly createRevision: number }
    | { readonly target: "mod"; readonly modRevision: number }
    | { readonly target: "value"; readonly value: Uint8Array }
    | { readonly target: "lease"; readonly lease: LeaseId }
  );

export type RequestOp =
  | { readonly kind: "range"; readonly range: RangeRequest }
  | { readonly kind: "put"; readonly put: PutRequest }
  | { readonly kind: "delete-range"; readonly deleteRange: DeleteRangeRequest }
  | { readonly kind: "txn"; readonly txn: TxnRequest };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface CompactionRequest {
  readonly revision: Revision;
  readonly physical: boolean;
}

/** Makes a write exactly once across retries, leader changes and restarts (R9). */
export interface RequestId {
  readonly session: SessionId;
  /** From 1, one for each command of the session. */
  readonly sequence: number;
  /** Every answer to a sequence below this has arrived: the store may forget it. */
  readonly acknowledgedBelow: number;
}

/** What a log entry asks of the state machine. */
export type Request =
  | { readonly kind: "put"; readonly put: PutRequest; readonly requestId?: RequestId }
  | {
      readonly kind: "delete-range";
      readonly deleteRange: DeleteRangeRequest;
      readonly requestId?: RequestId;
    }
  | { readonly kind: "txn"; readonly txn: TxnRequest; readonly requestId?: RequestId }
  | { readonly kind: "compaction"; readonly compaction: CompactionRequest }
  | { readonly kind: "session-open"; readonly ttlMs: number }
  | { readonly kind: "session-close"; readonly session: SessionId }
  /** Not 0, and a time that the edge has settled. */
  | { readonly kind: "lease-grant"; readonly id: LeaseId; readonly ttlMs: number }
  | { readonly kind: "lease-revoke"; readonly id: LeaseId }
  | { readonly kind: "lease-renew"; readonly ids: readonly LeaseId[] }
  /** Ends what is due by the log time of the entry. */
  | { readonly kind: "lease-expire" }
  | AlarmRequest
  | AuthRequest
  /** Read by federation/ alone. */
  | { readonly kind: "federation"; readonly body: Uint8Array };

/** `alarm`: an operator's word; `alarm-finding`: what a member found of itself, or of another. */
export interface AlarmRequest {
  readonly kind: "alarm" | "alarm-finding";
  readonly action: "activate" | "deactivate";
  readonly member: MemberId;
  readonly alarm: AlarmType | "none";
}

export type RequestKind = Request["kind"];
