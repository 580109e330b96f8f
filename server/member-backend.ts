// What the services ask of this member, answered by its replica: the composition of reads, commands and
// the member table behind the port of rpc/backend.ts.
import type { ClusterId, MemberId, NodeId } from "../base/index.ts";
import { KvError, present } from "../base/index.ts";
import type { Status } from "../consensus/index.ts";
import type {
  Backend,
  CallContext,
  Done,
  Header,
  Homes,
  Member,
  MemberRequest,
  MembersChanged,
  NodeStatus,
  RangeAnswer,
  ReadOptions,
  Regions,
  SnapshotSource,
} from "../rpc/index.ts";
import { alarmText } from "../rpc/index.ts";
import type {
  RangeRequest,
  Request,
  RequestOp,
  Response,
  TxnRequest,
  TxnResponse,
} from "../store/index.ts";
import type { ProtocolName } from "./cluster.ts";
import { ConflictDesk } from "./conflict-desk.ts";
import { IdDesk } from "./id-desk.ts";
import { LeaseDesk } from "./lease-desk.ts";
import { MaintenanceDesk } from "./maintenance-desk.ts";
import { changeOf } from "./member-request.ts";
import { memberState } from "./member-state.ts";
import type { MembershipDesk } from "./membership-desk.ts";
import type { Journal } from "./ports.ts";
import type { ReadCounters } from "./read-counters.ts";
import { Reader } from "./reader.ts";
import type { Replica } from "./replica.ts";
import { StateAuthority } from "./state-authority.ts";
import { ETCD_API_VERSION } from "./version.ts";
import { WatchDesk } from "./watch-desk.ts";

export interface MemberBackendInit {
  readonly replica: Replica;
  readonly clusterId: ClusterId;
  readonly memberId: MemberId;
  readonly protocol: ProtocolName;
  readonly region: string;
  readonly version: string;
  readonly desk: MembershipDesk;
  /** What is known of members beside the table in the configuration; all there is if there is none. */
  readonly members: ReadonlyMap<NodeId, Member>;
  /** Bytes that the state takes on disk, as last measured. */
  readonly dbSizeBytes: () => number;
  /** Absent: none. */
  readonly quotaBytes?: number;
  readonly journal?: Journal;
  /** Absent in a region that is in no federation. */
  readonly regions?: Regions | undefined;
  readonly homes?: Homes | undefined;
}

export class MemberBackend implements Backend {
  readonly #init: MemberBackendInit;
  readonly #reader: Reader;
  readonly authority: StateAuthority;
  readonly watches: WatchDesk;
  readonly leases: LeaseDesk;
  readonly maintenance: MaintenanceDesk;
  readonly conflicts: ConflictDesk;
  readonly ids: IdDesk;

  constructor(init: MemberBackendInit) {
    this.#init = init;
    const { replica, memberId, region } = init;
    this.#reader = new Reader({ replica, memberId, region, header: () => this.header() });
    const header = (): Header => this.header();
    this.authority = new StateAuthority({ replica, reader: this.#reader, header });
    this.watches = new WatchDesk({ replica, memberId, region });
    this.leases = new LeaseDesk({ replica, reader: this.#reader, header });
    this.conflicts = new ConflictDesk({ replica, reader: this.#reader, header });
    this.ids = new IdDesk({ replica, header });
    this.maintenance = new MaintenanceDesk({
      replica,
      reader: this.#reader,
      header: () => this.header(),
      ...(init.journal === undefined ? {} : { journal: init.journal }),
    });
  }

  get regions(): Regions | undefined {
    return this.#init.regions;
  }

  get homes(): Homes | undefined {
    return this.#init.homes;
  }

  /** For metrics. */
  get reads(): ReadCounters {
    return this.#reader.counters;
  }

  header(): Header {
    const { replica, clusterId, memberId, region } = this.#init;
    const raftTerm = replica.status().epoch.round;
    return { clusterId, memberId, revision: replica.machine.revision, raftTerm, region };
  }

  range(
    request: RangeRequest,
    options: ReadOptions,
    context: CallContext,
    done: Done<RangeAnswer>,
  ): void {
    this.#reader.range(request, options, context, done);
  }

  readTxn(request: TxnRequest, context: CallContext, done: Done<TxnResponse>): void {
    this.#reader.txn(request, everyRangeSerializable(request) ? "local" : "index", context, done);
  }

  write(request: Request, body: Uint8Array, context: CallContext, done: Done<Response>): void {
    const refused = this.#init.replica.machine.admits(request);
    if (refused !== undefined) {
      done({ ok: false, error: new KvError(refused.code, "not-applied", refused.message) });
      return;
    }
    const standing = this.#init.homes?.standingFor(request);
    if (standing?.refusal !== undefined) {
      done({ ok: false, error: standing.refusal });
      return;
    }
    const answer = (response: Response): void => {
      const late = response.kind === "refused" ? undefined : standing?.lateness();
      if (late !== undefined) done({ ok: false, error: late });
      else
        done({
          ok: true,
          header: { ...this.header(), revision: response.revision },
          value: response,
        });
    };
    const physical = request.kind === "compaction" && request.compaction.physical;
    this.#init.replica.submit({
      kind: request.kind,
      caller: context.caller,
      body,
      deadlineAtMs: context.deadlineAtMs,
      done: (result) => {
        if (!result.ok) done(result);
        else if (physical) this.#afterSweep(context, result.response, answer, done);
        else answer(result.response);
      },
    });
  }

  /** A physical compaction is answered once the rows it drops are out of this member's engine (etcd). */
  #afterSweep(
    context: CallContext,
    response: Response,
    answer: (response: Response) => void,
    done: Done<Response>,
  ): void {
    const { replica } = this.#init;
    const swept = (): boolean => !replica.machine.isSweeping;
    if (response.kind === "refused" || swept()) {
      answer(response);
      return;
    }
    const end = replica.onChange(() => {
      const late = replica.now() >= context.deadlineAtMs;
      if (!swept() && !late) return;
      end();
      if (swept()) answer(response);
      else {
        const text = "hansa: compacted; the deadline came before the rows were dropped";
        done({ ok: false, error: new KvError("timed-out", "applied", text) });
      }
    });
  }

  status(): NodeStatus {
    const { replica, version, dbSizeBytes, quotaBytes = Infinity } = this.#init;
    const status = replica.status();
    const leader = status.leader === undefined ? undefined : this.#idOf(status.leader, status);
    const size = dbSizeBytes();
    const alarms = replica.machine.alarms.list();
    const errors = leader === undefined ? ["etcdserver: no leader"] : [];
    return {
      version,
      dbSizeBytes: size,
      dbSizeInUseBytes: Math.min(size, replica.engine.liveBytes()),
      dbSizeQuotaBytes: quotaBytes === Infinity ? 0 : quotaBytes,
      storageVersion: ETCD_API_VERSION,
      leader: leader ?? 0n,
      raftIndex: status.committed,
      raftTerm: status.epoch.round,
      raftAppliedIndex: replica.machine.applied,
      errors: [...errors, ...alarms.map(alarmText)],
      alarms,
      isLearner: status.role === "learner",
      state: memberState(replica, this.#init.protocol, (node) => this.#idOf(node, status)),
    };
  }

  /** By the member table in force. */
  idOf(node: NodeId): MemberId | undefined {
    return this.#idOf(node, this.#init.replica.status());
  }

  #idOf(node: NodeId, { config }: Status): MemberId | undefined {
    const row = config.roster?.members.find((member) => member.node === node);
    return row?.id ?? this.#init.members.get(node)?.id;
  }

  members(linearizable: boolean, context: CallContext, done: Done<readonly Member[]>): void {
    const answer = (): void => {
      done({ ok: true, header: this.header(), value: this.#memberTable() });
    };
    if (!linearizable) {
      answer();
      return;
    }
    this.#reader.moment("index", context, (refused) => {
      if (refused === undefined) answer();
      else done({ ok: false, error: refused });
    });
  }

  changeMembers(request: MemberRequest, context: CallContext, done: Done<MembersChanged>): void {
    const change = changeOf(request);
    this.#init.desk.change(change, context.deadlineAtMs, (result) => {
      if (!result.ok) {
        done(result);
        return;
      }
      const members = this.#memberTable();
      const added = change.kind === "add" ? members.find(({ id }) => id === change.id) : undefined;
      const value = added === undefined ? { members } : { members, added };
      done({ ok: true, header: this.header(), value });
    });
  }

  moveLeader(target: MemberId, context: CallContext, done: Done<undefined>): void {
    this.#init.desk.moveLeader(target, context.deadlineAtMs, (result) => {
      done(result.ok ? { ok: true, header: this.header(), value: undefined } : result);
    });
  }

  openSnapshot(done: (source: SnapshotSource | undefined) => void): void {
    const { replica, dbSizeBytes } = this.#init;
    replica.snapshots.open((blocks) => {
      if (blocks === undefined) {
        done(undefined);
        return;
      }
      done({
        sizeBytes: dbSizeBytes(),
        next: (drawn) => {
          blocks.next((failure, block) => {
            const error = failure && new KvError("unavailable", "not-applied", failure.message);
            drawn(error, block);
          });
        },
        close: () => {
          blocks.close();
        },
      });
    });
  }

  healthy(context: CallContext, done: (healthy: boolean) => void): void {
    this.#reader.moment("index", context, (refused) => {
      done(refused === undefined && !this.#init.replica.machine.alarms.stands("corrupt"));
    });
  }

  /** By the configuration in force; the client URLs that are not in it yet as they were learned. */
  #memberTable(): readonly Member[] {
    const { config } = this.#init.replica.status();
    const learners = new Set(config.learners);
    if (config.roster !== undefined) {
      return config.roster.members.map(({ node, id, name, peerUrls, ...row }) => {
        const learned = this.#init.members.get(node)?.clientUrls ?? [];
        const clientUrls = row.clientUrls.length > 0 ? row.clientUrls : learned;
        return { id, name, peerUrls, clientUrls, isLearner: learners.has(node) };
      });
    }
    const ids = [...config.incoming, ...(config.outgoing ?? []), ...config.learners];
    return [...new Set(ids)].map((id) => ({
      ...present(this.#init.members.get(id), `member ${id} of the configuration`),
      isLearner: learners.has(id),
    }));
  }
}

/** Read-only transactions are linearizable unless every operation is a serializable range (etcd). */
function everyRangeSerializable(request: TxnRequest): boolean {
  const serializable = (op: RequestOp): boolean => {
    if (op.kind === "range") return op.range.serializable;
    return op.kind === "txn" && everyRangeSerializable(op.txn);
  };
  return request.success.every(serializable) && request.failure.every(serializable);
}
