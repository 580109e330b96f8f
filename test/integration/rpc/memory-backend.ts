// The port beneath the services with a map in it: enough of a store to see bytes become types and back. It
// records what it was asked, and answers as it is told.
import type {
  ClusterId,
  Key,
  KvError,
  LogIndex,
  MonotonicMs,
  MemberId,
  Revision,
  WallMs,
  SessionId,
} from "../../../base/index.ts";
import type {
  Answer,
  Backend,
  CallContext,
  Done,
  Header,
  Member,
  MemberRequest,
  MembersChanged,
  NodeStatus,
  RangeAnswer,
  ReadOptions,
  SnapshotSource,
} from "../../../rpc/index.ts";
import type {
  KeyValue,
  RangeRequest,
  Request,
  Response,
  TxnRequest,
  TxnResponse,
} from "../../../store/index.ts";
import { HostAuthority } from "./host-authority.ts";
import { HostLeases } from "./host-leases.ts";
import { HostMaintenance } from "./host-maintenance.ts";
import { HostWatches } from "./host-watches.ts";

export interface RangeAsked {
  readonly request: RangeRequest;
  readonly options: ReadOptions;
  readonly context: CallContext;
}

export class MemoryBackend implements Backend {
  readonly watches = new HostWatches();
  readonly authority = new HostAuthority(this.watches.host, () => this.header());
  readonly leases = new HostLeases(this.watches.host, () => this.header());
  readonly maintenance = new HostMaintenance(this.watches.host, () => this.header());
  readonly ranges: RangeAsked[] = [];
  readonly writes: { readonly request: Request; readonly body: Uint8Array }[] = [];
  readonly readTxns: TxnRequest[] = [];
  /** Every call fails with it while it is set. */
  error: KvError | undefined;
  /** Ranges are answered when the test says so. */
  held: (() => void)[] | undefined;
  isHealthy = true;
  leader: MemberId | 0n = 5n as MemberId;
  #revision = 1;
  readonly #kvs = new Map<Key, KeyValue>();

  header(): Header {
    return {
      clusterId: 0xf000_0000_0000_0001n as ClusterId,
      memberId: 5n as MemberId,
      revision: this.#revision as Revision,
      raftTerm: 7,
      region: "eu",
    };
  }

  range(
    request: RangeRequest,
    options: ReadOptions,
    context: CallContext,
    done: Done<RangeAnswer>,
  ): void {
    this.ranges.push({ request, options, context });
    const answer = (): void => done(this.#answer({ range: this.#range(request), proof: PROOF }));
    if (this.held === undefined) answer();
    else this.held.push(answer);
  }

  readTxn(request: TxnRequest, _: CallContext, done: Done<TxnResponse>): void {
    this.readTxns.push(request);
    done(this.#answer({ succeeded: true, responses: [] }));
  }

  write(request: Request, body: Uint8Array, _: CallContext, done: Done<Response>): void {
    this.writes.push({ request, body });
    if (request.kind.startsWith("lease-") || request.kind === "alarm") {
      done(this.#answer(this.watches.host.run(request)));
      return;
    }
    done(this.#answer(this.#apply(request)));
  }

  status(): NodeStatus {
    return {
      version: "0.1.0",
      dbSizeBytes: 4096,
      dbSizeInUseBytes: 1024,
      leader: this.leader,
      raftIndex: 12 as LogIndex,
      raftTerm: 7,
      raftAppliedIndex: 11 as LogIndex,
      errors: this.leader === 0n ? ["etcdserver: no leader"] : [],
      alarms: this.watches.host.machine.alarms.list(),
      dbSizeQuotaBytes: 1 << 20,
      storageVersion: "3.4.0",
      isLearner: false,
      state: {
        protocol: "raft",
        role: "follower",
        epoch: { config: 0, round: 7, node: 0 },
        durable: 13 as LogIndex,
        configIndex: 3 as LogIndex,
        voterCount: 3,
        learnerCount: 1,
        changing: true,
        transferee: 2n as MemberId,
        snapshotsSent: 1,
        snapshotReceived: false,
        awaited: 0 as LogIndex,
        wallMs: 0 as WallMs,
        monotonicMs: 0 as MonotonicMs,
      },
    };
  }

  members(_linearizable: boolean, _: CallContext, done: Done<readonly Member[]>): void {
    done(this.#answer([MEMBER]));
  }

  readonly memberRequests: MemberRequest[] = [];
  readonly leadersMoved: MemberId[] = [];

  changeMembers(request: MemberRequest, _: CallContext, done: Done<MembersChanged>): void {
    this.memberRequests.push(request);
    done(
      this.#answer(
        request.kind === "add" ? { members: [MEMBER], added: MEMBER } : { members: [MEMBER] },
      ),
    );
  }

  moveLeader(target: MemberId, _: CallContext, done: Done<undefined>): void {
    this.leadersMoved.push(target);
    done(this.#answer(undefined));
  }

  openSnapshot(done: (source: SnapshotSource | undefined) => void): void {
    done(undefined);
  }

  healthy(_: CallContext, done: (healthy: boolean) => void): void {
    done(this.isHealthy);
  }

  #answer<T>(value: T): Answer<T> {
    if (this.error !== undefined) return { ok: false, error: this.error };
    return { ok: true, header: this.header(), value };
  }

  #range(request: RangeRequest): RangeAnswer["range"] {
    const end = request.end;
    const kvs = [...this.#kvs.values()]
      .filter(({ key }) =>
        end === undefined ? key === request.key : key >= request.key && (end === "\0" || key < end),
      )
      .sort((left, right) => (left.key < right.key ? -1 : 1));
    const limited = request.limit === 0 ? kvs : kvs.slice(0, request.limit);
    return { kvs: limited, more: limited.length < kvs.length, count: kvs.length };
  }

  #apply(request: Request): Response {
    if (request.kind === "put") {
      this.#revision += 1;
      const revision = this.#revision as Revision;
      const { key, value, lease } = request.put;
      const version = (this.#kvs.get(key)?.version ?? 0) + 1;
      const kv = { key, value, lease, version, createRevision: revision, modRevision: revision };
      this.#kvs.set(key, kv);
      return { kind: "put", revision, put: {} };
    }
    const revision = this.#revision as Revision;
    if (request.kind === "session-open") {
      return { kind: "session-open", revision, session: 9n as SessionId, ttlMs: request.ttlMs };
    }
    return { kind: "refused", revision, code: "compacted", message: "as the test has it" };
  }
}

const PROOF: RangeAnswer["proof"] = {
  asked: "default",
  used: "index",
  memberId: 5n as MemberId,
  role: "leader",
  region: "eu",
  appliedIndex: 11 as LogIndex,
  revision: 1 as Revision,
  stalenessBoundMs: 0,
  clockDriftMax: 0.01,
};

const MEMBER: Member = {
  id: 0x8e9e_05c5_2164_694dn as MemberId,
  name: "n1",
  peerUrls: ["http://127.0.0.1:2380"],
  clientUrls: ["http://127.0.0.1:2379"],
  isLearner: false,
};
