// Every service that clients meet, in one table, with what holds for all of them.
import type { LeaseId, MonotonicMs } from "../base/index.ts";
import type { Accounts } from "./accounts.ts";
import { gated } from "./auth-gate.ts";
import { authTable } from "./auth-service.ts";
import type { Backend } from "./backend.ts";
import { clusterTable } from "./cluster-service.ts";
import { conflictTable } from "./conflict-service.ts";
import type { FederatedDesks } from "./federated-desks.ts";
import type { FederationDesk, Verifier } from "./federation-desk.ts";
import { federationTable } from "./federation-service.ts";
import { verifyTable } from "./federation-verify.ts";
import { HealthService } from "./health-service.ts";
import { idsTable } from "./ids-service.ts";
import { KvService } from "./kv-service.ts";
import { leaseTable } from "./lease-service.ts";
import { maintenanceTable } from "./maintenance-service.ts";
import { operatorTable } from "./operator-service.ts";
import { pipelineTable } from "./pipeline-service.ts";
import { rangeStreamTable } from "./range-stream.ts";
import type { ForwardToLeader, ServiceTable } from "./service.ts";
import { LeaderLoss } from "./leader-loss.ts";
import { requiringLeader } from "./leader-requirement.ts";
import { queueTables } from "./queue-services.ts";
import { salvageTable } from "./salvage-service.ts";
import type { Salvaging } from "./salvage-service.ts";
import { sessionTable } from "./session-service.ts";
import { snapshotTable } from "./snapshot-service.ts";
import { WatchService } from "./watch-service.ts";

export interface ClientServicesOptions {
  readonly backend: Backend & FederatedDesks;
  /** Absent: this member knows no federation's directory. */
  readonly federation?: FederationDesk | undefined;
  /** Absent: its region is in no federation. */
  readonly verifier?: Verifier | undefined;
  readonly salvaging?: Salvaging | undefined;
  readonly accounts: Accounts;
  readonly forwardToLeader: ForwardToLeader;
  readonly monotonicMs: () => MonotonicMs;
  /** Runs once, after the inputs that this event-loop turn still holds. */
  readonly endOfTurn: (run: () => void) => void;
  /** etcd's --max-txn-ops. */
  readonly txnOperationsMax: number;
  /** etcd's --max-request-bytes. */
  readonly requestBytesMax: number;
  /** The server's own limit of a call. */
  readonly callTimeoutMs: number;
  /** As in PipelineOptions. */
  readonly pipelineCallsMax: number;
  /** As in HealthServiceOptions. */
  readonly healthPollMs: number;
  readonly healthWatchesMax: number;
  /** As in LeaseServiceOptions. */
  readonly leaseTtlMinS: number;
  readonly pickLeaseId: () => LeaseId;
  /** Without a leader for so long, streams end that asked for one, and so do waits for a turn. */
  readonly leaderLossMs: number;
  /** As in KeyWaitsOptions. */
  readonly keyWaitsMax: number;
  readonly stopping: AbortSignal;
  /** As in WatchOptions. */
  readonly watchesMax: number;
  readonly watchProgressIntervalMs: number;
}

export function clientServices(options: ClientServicesOptions): ServiceTable {
  const { backend, monotonicMs, healthPollMs, healthWatchesMax } = options;
  const kv = new KvService(options).table();
  const health = new HealthService({
    backend,
    monotonicMs,
    pollMs: healthPollMs,
    watchesMax: healthWatchesMax,
  });
  const leaderLoss = new LeaderLoss({ backend, monotonicMs, lossMs: options.leaderLossMs });
  const needLeader = {
    ...kv,
    ...authTable(options),
    ...rangeStreamTable(backend),
    ...leaseTable(options),
    ...queueTables({ ...options, leaderLoss }),
    ...clusterTable(backend, options.forwardToLeader),
    ...conflictTable(backend),
    ...idsTable(backend),
    ...maintenanceTable(backend),
    ...operatorTable(backend),
    ...sessionTable(backend),
    ...snapshotTable(backend),
    ...new WatchService({
      ...options,
      fragmentBytesMax: options.requestBytesMax,
      progressIntervalMs: options.watchProgressIntervalMs,
    }).table(),
    ...pipelineTable({ ...options, kv, openCallsMax: options.pipelineCallsMax }),
  };
  const table = {
    ...requiringLeader(needLeader, leaderLoss),
    ...federationTable(options.federation),
    ...verifyTable(options.verifier, options.forwardToLeader),
    ...salvageTable(options.salvaging),
    ...health.table(),
  };
  return gated(table, { authority: backend.authority, accounts: options.accounts });
}
