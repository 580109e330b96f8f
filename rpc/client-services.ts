// Every service that clients meet, in one table, with what holds for all of them.
import type { MonotonicMs } from "../base/index.ts";
import { KvError } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { Backend } from "./backend.ts";
import { clusterTable } from "./cluster-service.ts";
import { HealthService } from "./health-service.ts";
import { KvService } from "./kv-service.ts";
import type { ForwardToLeader } from "./kv-service.ts";
import { maintenanceTable } from "./maintenance-service.ts";
import { pipelineTable } from "./pipeline-service.ts";
import { rangeStreamTable } from "./range-stream.ts";
import type { Method, ServiceTable } from "./service.ts";
import { sessionTable } from "./session-service.ts";
import { snapshotTable } from "./snapshot-service.ts";

export interface ClientServicesOptions {
  readonly backend: Backend;
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
  const needLeader = {
    ...kv,
    ...rangeStreamTable(backend),
    ...clusterTable(backend, options.forwardToLeader),
    ...maintenanceTable(backend),
    ...sessionTable(backend),
    ...snapshotTable(backend),
    ...pipelineTable({ ...options, kv, openCallsMax: options.pipelineCallsMax }),
  };
  return { ...withLeaderRequired(needLeader, backend), ...health.table() };
}

/** etcd's `hasleader: true` (WithRequireLeader): a call that wants a leader fails at once without one. */
function withLeaderRequired(table: ServiceTable, backend: Backend): ServiceTable {
  const wrapped: Partial<Record<MethodPath, Method>> = {};
  for (const [path, method] of Object.entries(table) as [MethodPath, Method][]) {
    wrapped[path] = method.kind === "unary" ? leaderRequired(method, backend) : method;
  }
  return wrapped;
}

function leaderRequired(method: Extract<Method, { kind: "unary" }>, backend: Backend): Method {
  return {
    kind: "unary",
    handle: (request, call, reply) => {
      if (call.header("hasleader") === "true" && backend.status().leader === 0n) {
        throw new KvError("no-leader", "not-applied", "etcdserver: no leader");
      }
      method.handle(request, call, reply);
    },
  };
}
