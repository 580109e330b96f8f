// What the client's calls return, and how it is made from the wire's messages. Revisions and counts are
// numbers (safe integers, asserted); ids use all 64 bits and are bigints.
import type { etcdserverpb, hansa, mvccpb } from "../proto/index.ts";
import { textFrom } from "./bytes.ts";
import type { ReadMode } from "./options.ts";
import { reachOf } from "./regions.ts";
import type { RegionReach } from "./regions.ts";
import { siblingsOf } from "./siblings.ts";
import type { KeySiblings } from "./siblings.ts";
import { answered, countOf, idOf } from "./wire-value.ts";

/** What a member is in its group at the moment. */
export type Role = "leader" | "candidate" | "follower" | "learner" | "halted";

/** What every answer begins with: who answered, and the store's revision when it did. */
export interface Header {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly raftTerm: number;
  /** Empty when the cluster names none, as on etcd. */
  readonly region: string;
  /** What the answer has seen, for `causalToken` of a read in any region; where regions or a token were asked for. */
  readonly causalToken?: Uint8Array;
  /** How far a write came; where `writeRegions` was asked for. */
  readonly reach?: RegionReach;
  /** The region that took a write, where it is another: its keys' home. */
  readonly home?: string;
}

/** What a read's answer is, stated by the member that gave it. */
export interface ReadProof {
  readonly asked: ReadMode;
  /** The mode that was served; it may be stronger or another than `asked` (a lease that lapsed: `index`). */
  readonly used: ReadMode;
  readonly memberId: bigint;
  readonly role: Role | "unknown";
  readonly region: string;
  readonly appliedIndex: number;
  readonly revision: number;
  /** Upper bound on the answer's age in ms; absent is unknown, never 0. */
  readonly stalenessBoundMs?: number;
  /** Each clock's rate is assumed within this fraction of true time. */
  readonly clockDriftMax: number;
}

/**
 * One key with its value and history. `key` and `value` are views into the answer they came with: a copy
 * (`value.slice()`) of one that is kept lets the rest of a large answer go.
 */
export class KeyValue {
  /** Bytes as the store has them; in a namespace without its prefix. */
  readonly key: Uint8Array;
  /** Empty when the read asked for keys only. */
  readonly value: Uint8Array;
  /** The revision at which the key was made; 0 in the event of a delete. */
  readonly createRevision: number;
  /** The revision of its last change. */
  readonly modRevision: number;
  /** Puts since the key was created. */
  readonly version: number;
  /** 0n: none. */
  readonly lease: bigint;

  /** Made of what a server answered. */
  constructor(wire: mvccpb.IKeyValue) {
    this.key = wire.key ?? NO_BYTES;
    this.value = wire.value ?? NO_BYTES;
    this.createRevision = countOf(wire.create_revision);
    this.modRevision = countOf(wire.mod_revision);
    this.version = countOf(wire.version);
    this.lease = idOf(wire.lease);
  }

  /** The value as UTF-8. */
  text(): string {
    return textFrom(this.value);
  }

  /** The key as UTF-8. */
  keyText(): string {
    return textFrom(this.key);
  }
}

/** What every answer of the store has. */
export interface Answer {
  readonly header: Header;
  /** The store's revision when the answer was made; same as `header.revision`. */
  readonly revision: number;
}

/** An answer to a read. */
export interface ReadAnswer extends Answer {
  /** Absent from a server that gives none (etcd). */
  readonly proof?: ReadProof;
}

/** Of `get`. */
export interface GetAnswer extends ReadAnswer {
  /** Absent when there is no such key. */
  readonly kv?: KeyValue;
  /** Where it was asked for. */
  readonly siblings?: KeySiblings;
}

/** The pairs of a range. */
export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  /** Whether `limit` left keys out. */
  readonly more: boolean;
  /** Keys in the range, those beyond `limit` included. */
  readonly count: number;
}

/** Of `range`. */
export interface RangeAnswer extends ReadAnswer, RangeResult {
  /** Where it was asked for. */
  readonly siblings?: KeySiblings;
}

/** What a put gives back. */
export interface PutResult {
  /** With `prevKv`, the pair that stood there before, if one did. */
  readonly prevKv?: KeyValue;
}

/** Of `put`. */
export interface PutAnswer extends Answer, PutResult {}

/** What a delete gives back. */
export interface DeleteResult {
  readonly deleted: number;
  /** With `prevKv`, the pairs that were deleted. */
  readonly prevKvs: readonly KeyValue[];
}

/** Of `delete`. */
export interface DeleteAnswer extends Answer, DeleteResult {}

/** Of `compact`. */
export type CompactAnswer = Answer;

/** One member of the cluster, as the cluster knows it. */
export interface Member {
  readonly id: bigint;
  /** Empty until the member has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** The members of the cluster. */
export interface MembersAnswer {
  /** Its revision is 0 on etcd, which states none here. */
  readonly header: Header;
  readonly members: readonly Member[];
}

const NO_BYTES = new Uint8Array(0);

export function headerOf(wire: etcdserverpb.IResponseHeader | null | undefined): Header {
  const token = wire?.causal_token;
  const reach = reachOf(wire?.regions);
  return {
    clusterId: idOf(wire?.cluster_id),
    memberId: idOf(wire?.member_id),
    revision: countOf(wire?.revision),
    raftTerm: countOf(wire?.raft_term),
    region: wire?.region ?? "",
    ...(token === null || token === undefined || token.length === 0 ? {} : { causalToken: token }),
    ...(reach === undefined ? {} : { reach }),
    ...(wire?.home ? { home: wire.home } : {}),
  };
}

/** What all answers of the wire have. */
export interface Headed {
  readonly header?: etcdserverpb.IResponseHeader | null;
}

export function answerOf(wire: Headed): Answer {
  const header = headerOf(wire.header);
  return { header, revision: header.revision };
}

/** By the wire's numbers (read.proto). */
const READ_MODES: readonly ReadMode[] = [
  "default",
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
];
/** By the wire's number. */
export const ROLES: readonly (Role | "unknown")[] = [
  "unknown",
  "leader",
  "candidate",
  "follower",
  "learner",
  "halted",
];

/** The wire's number of a mode. */
export function readModeNumber(mode: ReadMode): number {
  return READ_MODES.indexOf(mode);
}

export function proofOf(wire: hansa.v1.IReadProof | null | undefined): ReadProof | undefined {
  if (wire === null || wire === undefined) return undefined;
  const bound = wire.staleness_bound_ms;
  return {
    asked: answered(READ_MODES[wire.asked ?? 0], "known mode in its proof"),
    used: answered(READ_MODES[wire.used ?? 0], "known mode in its proof"),
    memberId: idOf(wire.member_id),
    role: ROLES[wire.role ?? 0] ?? "unknown",
    region: wire.region ?? "",
    appliedIndex: countOf(wire.applied_index),
    revision: countOf(wire.revision),
    ...(bound === null || bound === undefined ? {} : { stalenessBoundMs: countOf(bound) }),
    clockDriftMax: wire.clock_drift_max ?? 0,
  };
}

export function rangeResultOf(wire: etcdserverpb.IRangeResponse): RangeResult {
  return {
    kvs: (wire.kvs ?? []).map((kv) => new KeyValue(kv)),
    more: wire.more ?? false,
    count: countOf(wire.count),
  };
}

export function rangeAnswerOf(wire: etcdserverpb.IRangeResponse): RangeAnswer {
  const proof = proofOf(wire.proof);
  const siblings = siblingsOf(wire.siblings);
  return {
    ...answerOf(wire),
    ...(proof === undefined ? {} : { proof }),
    ...rangeResultOf(wire),
    ...(siblings === undefined ? {} : { siblings }),
  };
}

export function putResultOf(wire: etcdserverpb.IPutResponse): PutResult {
  const prevKv = wire.prev_kv;
  return prevKv === null || prevKv === undefined ? {} : { prevKv: new KeyValue(prevKv) };
}

export function deleteResultOf(wire: etcdserverpb.IDeleteRangeResponse): DeleteResult {
  return {
    deleted: countOf(wire.deleted),
    prevKvs: (wire.prev_kvs ?? []).map((kv) => new KeyValue(kv)),
  };
}

export function membersAnswerOf(wire: etcdserverpb.IMemberListResponse): MembersAnswer {
  return { header: headerOf(wire.header), members: (wire.members ?? []).map(memberOf) };
}

export function memberOf(wire: etcdserverpb.IMember): Member {
  return {
    id: idOf(wire.ID),
    name: wire.name ?? "",
    peerUrls: wire.peerURLs ?? [],
    clientUrls: wire.clientURLs ?? [],
    isLearner: wire.isLearner ?? false,
  };
}
