// What the store answers, as types; rpc/ turns them into bytes and adds the header.
import type { Key, KvErrorCode, LeaseId, Revision, SessionId } from "../base/index.ts";
import type { Alarm } from "./alarm.ts";

export interface KeyValue {
  readonly key: Key;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly version: number;
  readonly value: Uint8Array;
  /** 0: none. */
  readonly lease: LeaseId;
  /** The whole as mvccpb.KeyValue bytes, where the store has them at hand: encoders may copy them. */
  readonly encoded?: Uint8Array;
}

export interface RangeResponse {
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

export interface PutResponse {
  readonly prevKv?: KeyValue;
  /** It was the operation of a kind that was done. */
  readonly operated?: true;
}

export interface DeleteRangeResponse {
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

export type ResponseOp =
  | { readonly kind: "range"; readonly range: RangeResponse }
  | { readonly kind: "put"; readonly put: PutResponse }
  | { readonly kind: "delete-range"; readonly deleteRange: DeleteRangeResponse }
  | { readonly kind: "txn"; readonly txn: TxnResponse };

export interface TxnResponse {
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

/** An expected refusal, the same on every replica: nothing was changed. */
export interface Refusal {
  readonly kind: "refused";
  readonly code: KvErrorCode;
  readonly message: string;
}

/** What a change of the federation came to. The counts are of transactions in it. */
export interface FederationAnswer {
  readonly applied: number;
  /** Applied before. */
  readonly duplicates: number;
  /** Neither: not next of their origin, not causally ready, or not acceptable as things stand. */
  readonly held: number;
  /** Of this region, by the change: an import, a settlement, a marker. */
  readonly minted: number;
  /** How many transactions this region has minted in all. */
  readonly own: number;
  /** Whether a step of bounded size left something to do: the change is then proposed again. */
  readonly more: boolean;
  /** Of a change that goes key by key: where the next step goes on. */
  readonly after?: Key;
  /** Of a block of ids that was taken. */
  readonly firstId?: bigint;
}

/** The answer to a command; `revision` is the store's after it (what the response header shows). */
export type Response =
  | { readonly kind: "put"; readonly revision: Revision; readonly put: PutResponse }
  | {
      readonly kind: "delete-range";
      readonly revision: Revision;
      readonly deleteRange: DeleteRangeResponse;
    }
  | { readonly kind: "txn"; readonly revision: Revision; readonly txn: TxnResponse }
  | { readonly kind: "compaction"; readonly revision: Revision }
  | {
      readonly kind: "session-open";
      readonly revision: Revision;
      readonly session: SessionId;
      readonly ttlMs: number;
    }
  | { readonly kind: "session-close"; readonly revision: Revision }
  | {
      readonly kind: "lease-grant";
      readonly revision: Revision;
      readonly id: LeaseId;
      readonly ttlMs: number;
    }
  | { readonly kind: "lease-revoke"; readonly revision: Revision }
  /** In the order of the ids that were asked; 0: there is no such lease. */
  | {
      readonly kind: "lease-renew";
      readonly revision: Revision;
      readonly ttlsMs: readonly number[];
    }
  | { readonly kind: "lease-expire"; readonly revision: Revision; readonly count: number }
  /** Those that stand or stood as asked; none where nothing was to be done. */
  | { readonly kind: "alarm"; readonly revision: Revision; readonly alarms: readonly Alarm[] }
  | { readonly kind: "auth"; readonly revision: Revision }
  | {
      readonly kind: "federation";
      readonly revision: Revision;
      readonly answer: FederationAnswer;
    }
  | (Refusal & { readonly revision: Revision });

/** The answers of commands that may carry a request id: a session remembers them. */
export type KeptResponse = Exclude<
  Response,
  { readonly kind: `lease-${string}` | "alarm" | "auth" | "federation" }
>;
