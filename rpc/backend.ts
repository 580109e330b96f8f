// Port: what the services need of the node beneath them. server/ implements it; services know nothing of
// consensus, and the node nothing of protobuf. Callbacks, not promises: a read whose values are in memory
// is answered in the same turn. `done` comes exactly once, possibly inside the call.
import type {
  ClusterId,
  Key,
  KvError,
  LeaseId,
  LogIndex,
  MemberId,
  MonotonicMs,
  Revision,
  WallMs,
} from "../base/index.ts";
import type { Epoch, ReadMode, Role } from "../consensus/index.ts";
import type { Dot, HomeRoute } from "../federation/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type {
  Alarm,
  AuthView,
  Caller,
  KeyRange,
  RangeRequest,
  RangeResponse,
  Request,
  Response,
  StateHash,
  StateHashRequest,
  TxnRequest,
  TxnResponse,
  Watch,
  WatchChannel,
  WatchListener,
  WatchRequest,
} from "../store/index.ts";

/** Of one call. Every call has a deadline: the client's, capped by the server's own limit. */
export interface CallContext {
  readonly deadlineAtMs: MonotonicMs;
  /** Aborted when the client has gone; the call may then end without effect on the answer. */
  readonly signal: AbortSignal;
  /**
   * Whom the call is authorised as, at this moment: of a long stream it is looked up again at each use, and
   * is nobody once what the client has shown is worth nothing any more.
   */
  readonly caller: Caller;
}

/**
 * Who may do what, by the applied state of this member; undefined: it may. Everything is allowed while auth
 * is off. `range`, `readTxn`, `leases` and `watches` ask by themselves, and a command is judged where it is
 * applied: services ask only for what has no key.
 */
export interface Authority {
  readonly enabled: boolean;
  readonly view: AuthView;
  /** Linearizable. */
  look(context: CallContext, done: Done<AuthView>): void;
  /** For what any user may do. */
  refusesUser(caller: Caller): KvError | undefined;
  /** For what only root may do. */
  refusesRoot(caller: Caller): KvError | undefined;
  refusesRead(caller: Caller, range: KeyRange): KvError | undefined;
}

export interface Header {
  readonly clusterId: ClusterId;
  readonly memberId: MemberId;
  readonly revision: Revision;
  readonly raftTerm: number;
  /** Empty when the cluster names none. */
  readonly region: string;
  /** What the answer has seen, where that was asked for. */
  readonly causalToken?: Uint8Array;
  /** How far a write came, where that was asked for. */
  readonly reach?: RegionReach;
  /** The region that took a write, where it is another. */
  readonly home?: string;
}

/** What a read asks of the federation (federation 13). */
export interface RegionRead {
  /** Whose placements count, each by itself. */
  readonly range: KeyRange;
  /** The answer has seen all that it names; empty: it names nothing. */
  readonly token?: Uint8Array;
  /** This region included; 0 and 1: no other. */
  readonly readRegions: number;
}

/** What a write asks of the federation: for all keys that it may write. */
export interface RegionWrite {
  readonly ranges: readonly KeyRange[];
  /** This region included. */
  readonly writeRegions: number;
}

/** Fewer than `asked`: it is committed here and will reach the others; it has not failed. */
export interface RegionReach {
  readonly asked: number;
  readonly reached: number;
  /** Regions outside the placement were counted. */
  readonly sloppy: boolean;
  readonly names: readonly string[];
}

/** Quorums across regions. */
export interface Regions {
  /** Only the leader knows what other regions have. */
  readonly leads: boolean;
  /** Whether the key is of a federated prefix, by the configuration applied here. */
  holds(key: Key): boolean;
  /** What is wrong with the question; judged before anything is written. */
  refusesRead(asked: RegionRead): KvError | undefined;
  refusesWrite(asked: RegionWrite): KvError | undefined;
  /** `done` once the applied state has what is asked for, or will not have it in time. */
  beforeRead(
    asked: RegionRead,
    context: CallContext,
    done: (error: KvError | undefined) => void,
  ): void;
  /** Called as the write is applied; `done` once it has come as far as asked, or shortly before the deadline. */
  afterWrite(asked: RegionWrite, context: CallContext, done: (reach: RegionReach) => void): void;
  /** `done` once this member's state is that far, or shortly before the deadline. */
  whenApplied(revision: Revision, context: CallContext, done: () => void): void;
  /** Of the applied state. */
  token(): Uint8Array;
}

/** Regions that take the writes of some prefixes for all (federation 12). */
export interface Homes {
  /** Where a write goes, by the configuration applied here; judged again where it is applied. */
  routeOf(request: Request): HomeRoute;
  /** How this member stands to the homes of its region that the request writes under; undefined: there are none. */
  standingFor(request: Request): HomeStanding | undefined;
  /**
   * Hands it on; `done` once, with an outcome that holds: `not-applied` only of what no home has taken. What was taken
   * is applied here too by then, unless it has not come within a second.
   */
  handOn(asked: HomeCall, context: CallContext, done: (result: HandedOn | KvError) => void): void;
}

/** Asked for before a write is proposed, and kept until it is acknowledged. */
export interface HomeStanding {
  /** Why it is not taken here. */
  readonly refusal: KvError | undefined;
  /** Once it is committed: why it is not acknowledged. */
  lateness(): KvError | undefined;
}

/** What a home made of a write. */
export interface HandedOn {
  readonly response: Uint8Array;
  /** What the answer has seen. */
  readonly causalToken: Uint8Array;
}

export interface HomeCall {
  readonly region: string;
  readonly method: MethodPath;
  readonly request: Uint8Array;
}

/** `default`: the server's choice (etcd's meaning). */
export type AskedReadMode = ReadMode | "default";
export type OnMiss = "wait" | "forward" | "fail";

export interface ReadOptions {
  readonly mode: AskedReadMode;
  /** Absent: any age. */
  readonly maxStalenessMs?: number;
  /** 0: any. */
  readonly minRevision: Revision;
  readonly onMiss: OnMiss;
  /** Of the one key, with its answer: `federation-refused` where it is of no federated prefix. */
  readonly siblings?: boolean;
}

/** What an answer is, stated by the member that gave it. */
export interface ReadProof {
  readonly asked: AskedReadMode;
  readonly used: ReadMode;
  readonly memberId: MemberId;
  readonly role: Role;
  readonly region: string;
  readonly appliedIndex: LogIndex;
  readonly revision: Revision;
  /** Upper bound on the answer's age in ms; absent is unknown, never 0 (F3). */
  readonly stalenessBoundMs?: number;
  /** rho assumed by the bound and by the lease. */
  readonly clockDriftMax: number;
}

export type Answer<T> =
  | { readonly ok: true; readonly header: Header; readonly value: T }
  | { readonly ok: false; readonly error: KvError };

export type Done<T> = (answer: Answer<T>) => void;

export interface RangeAnswer {
  readonly range: RangeResponse;
  readonly proof: ReadProof;
  /** Where they were asked for. */
  readonly siblings?: KeySiblings;
}

/** What is kept of a federated key, for a client. */
export interface KeySiblings {
  /** Of its prefix. */
  readonly policy: string;
  /** Empty: plain values. */
  readonly kind: string;
  /** By ascending dot; of a register, its writes. */
  readonly siblings: readonly ShownSibling[];
  readonly context: Uint8Array;
  /** Of a bounded counter: those of this region. */
  readonly rights: bigint;
}

export interface ShownSibling {
  readonly dot: Dot;
  /** Empty: not known any more. */
  readonly region: string;
  readonly wallMs: number;
  /** Absent: a delete. In a list of conflicts its beginning. */
  readonly value?: Uint8Array;
  readonly valueBytes: number;
}

export interface Member {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** A change of the member table; addresses are as the client gave them. */
export type MemberRequest =
  | { readonly kind: "add"; readonly peerUrls: readonly string[]; readonly isLearner: boolean }
  | { readonly kind: "remove"; readonly id: MemberId }
  | { readonly kind: "update"; readonly id: MemberId; readonly peerUrls: readonly string[] }
  | { readonly kind: "promote"; readonly id: MemberId };

export interface MembersChanged {
  readonly members: readonly Member[];
  /** Of `add`. */
  readonly added?: Member;
}

export interface NodeStatus {
  readonly version: string;
  readonly dbSizeBytes: number;
  readonly dbSizeInUseBytes: number;
  /** 0n: none known. */
  readonly leader: MemberId | 0n;
  readonly raftIndex: LogIndex;
  readonly raftTerm: number;
  readonly raftAppliedIndex: LogIndex;
  readonly errors: readonly string[];
  /** As applied here; told in `errors` too. */
  readonly alarms: readonly Alarm[];
  /** 0: none. */
  readonly dbSizeQuotaBytes: number;
  /** The etcd API whose data is stored: what a tool compares with versions of etcd. */
  readonly storageVersion: string;
  readonly isLearner: boolean;
  readonly state: MemberState;
}

/** What etcd's status does not tell. */
export interface MemberState {
  readonly protocol: string;
  readonly role: Role;
  readonly epoch: Epoch;
  /** Of its own log. */
  readonly durable: LogIndex;
  /** Of the configuration in force here. */
  readonly configIndex: LogIndex;
  readonly voterCount: number;
  readonly learnerCount: number;
  /** That configuration is joint or not committed. */
  readonly changing: boolean;
  /** To whom leadership is being handed; 0n: to nobody. */
  readonly transferee: MemberId | 0n;
  readonly snapshotsSent: number;
  readonly snapshotReceived: boolean;
  /** The state is not whole until a snapshot of at least this index is installed; 0: it is. */
  readonly awaited: LogIndex;
  /** This machine's clocks at this moment, for who judges them from outside. */
  readonly wallMs: WallMs;
  readonly monotonicMs: MonotonicMs;
}

/** The state at one moment as a file, block by block. */
export interface SnapshotSource {
  /** About. */
  readonly sizeBytes: number;
  /** The next block, undefined behind the last; one call at a time, none after `close`. */
  next(done: (failure: KvError | undefined, block: Uint8Array | undefined) => void): void;
  /** At any time, and in any case. */
  close(): void;
}

/** Is also told when its caller may read the range no more: the watch has ended. */
export interface ClientListener extends WatchListener {
  onRefused(why: KvError): void;
}

/** The watches of this member, whatever its role: told of its applied state, which is always committed. */
export interface Watches {
  readonly count: number;
  /** Of the applied state. */
  readonly revision: Revision;
  /** A watch that begins below it ends as compacted. */
  readonly floor: Revision;
  /**
   * As WatchHub.open: `request.startRevision` is 0, or not below the floor. `caller` may read the range, which
   * the service has asked.
   */
  open(
    request: WatchRequest,
    channel: WatchChannel,
    listener: ClientListener,
    caller: Caller,
  ): Watch;
  cancel(watch: Watch): void;
  /** There is room on `channel` again. */
  resume(channel: WatchChannel): void;
  /** As WatchHub.toldUpTo. */
  toldUpTo(watch: Watch): Revision | undefined;
  /** Calls `run` once, when watches may have been told more. */
  whenAdvanced(run: () => void): void;
  /** What the applied state is at this moment, its age included. */
  proof(): ReadProof;
}

/** What is known of a lease. `grantedTtlS` 0: there is none, and `ttlS` is -1 (etcd). */
export interface LeaseState {
  readonly id: LeaseId;
  readonly ttlS: number;
  readonly grantedTtlS: number;
  /** In order. */
  readonly keys: readonly Key[];
}

export interface Leases {
  /** Answered once the renewal is in the applied state, with the time to live in seconds; 0: it is gone. */
  renew(id: LeaseId, context: CallContext, done: Done<number>): void;
  /** Linearizable, at any member. */
  state(id: LeaseId, context: CallContext, done: Done<LeaseState>): void;
  /** Linearizable; the next due first. */
  list(context: CallContext, done: Done<readonly LeaseId[]>): void;
}

/** What an operator asks of a member beside its keys. Of this member's own state, but for `alarms`. */
export interface Maintenance {
  /** Linearizable, at any member. */
  alarms(context: CallContext, done: Done<readonly Alarm[]>): void;
  hash(request: StateHashRequest, context: CallContext, done: Done<StateHash>): void;
  /** Gives back to the disk what deleted and replaced rows take; everything goes on meanwhile. */
  defragment(context: CallContext, done: Done<undefined>): void;
}

export interface Backend {
  readonly authority: Authority;
  readonly maintenance: Maintenance;
  readonly watches: Watches;
  readonly leases: Leases;
  /** Absent in a region that is in no federation. */
  readonly regions?: Regions | undefined;
  /** Absent in a region that is in no federation. */
  readonly homes?: Homes | undefined;
  /** As of this moment, for answers that carry no result of their own. */
  header(): Header;
  range(
    request: RangeRequest,
    options: ReadOptions,
    context: CallContext,
    done: Done<RangeAnswer>,
  ): void;
  /** A transaction that cannot write: served like a range, without the log. */
  readTxn(request: TxnRequest, context: CallContext, done: Done<TxnResponse>): void;
  /**
   * A command, through the log. `body` is the request as it came from the wire and goes into the log as
   * it is; `request` is its parsed form, already checked. A refusal by the store comes as `Response`.
   */
  write(request: Request, body: Uint8Array, context: CallContext, done: Done<Response>): void;
  status(): NodeStatus;
  /** `linearizable`: confirmed through the leader first. */
  members(linearizable: boolean, context: CallContext, done: Done<readonly Member[]>): void;
  /** At the leader; answered once the change is committed, and any joint configuration left. */
  changeMembers(request: MemberRequest, context: CallContext, done: Done<MembersChanged>): void;
  /** At the leader; answered once `target` leads, or does not within an election timeout. */
  moveLeader(target: MemberId, context: CallContext, done: Done<undefined>): void;
  /** Of this member's own state; undefined while it has none to give. */
  openSnapshot(done: (source: SnapshotSource | undefined) => void): void;
  /** Whether this member can serve linearizable requests now: the health service's answer. */
  healthy(context: CallContext, done: (healthy: boolean) => void): void;
}
