// etcd's `hasleader: true` (WithRequireLeader): a call that wants a leader fails at once without one, and a
// stream ends when there has been none for a while, so that a client in a minority goes elsewhere.
import { KvError } from "../base/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { LeaderLoss } from "./leader-loss.ts";
import type {
  Call,
  Method,
  ServiceTable,
  StreamHandler,
  StreamSink,
  StreamSource,
} from "./service.ts";

/** Over every method of `table`. */
export function requiringLeader(table: ServiceTable, loss: LeaderLoss): ServiceTable {
  const wrapped: Partial<Record<MethodPath, Method>> = {};
  for (const [path, method] of Object.entries(table) as [MethodPath, Method][]) {
    wrapped[path] = wrap(method, loss);
  }
  return wrapped;
}

function wrap(method: Method, loss: LeaderLoss): Method {
  if (method.kind === "stream") return { kind: "stream", open: opened(method.open, loss) };
  return {
    kind: "unary",
    handle: (request, call, reply) => {
      if (isRequired(call) && !loss.hasLeader) throw noLeader();
      method.handle(request, call, reply);
    },
  };
}

function opened(open: StreamHandler, loss: LeaderLoss): StreamHandler {
  return (sink, call) => {
    if (!isRequired(call)) return open(sink, call);
    if (!loss.hasLeader) throw noLeader();
    return watched(sink, open(sink, call), loss);
  };
}

/** The source with its end noticed. */
function watched(sink: StreamSink, source: StreamSource, loss: LeaderLoss): StreamSource {
  const forget = loss.watch(() => sink.end(noLeader()));
  return {
    onMessage: (message) => source.onMessage(message),
    onEnd: () => source.onEnd(),
    onDrain: () => source.onDrain(),
    onClose: () => {
      forget();
      source.onClose();
    },
  };
}

function isRequired(call: Call): boolean {
  return call.header("hasleader") === "true";
}

function noLeader(): KvError {
  return new KvError("no-leader", "not-applied", "etcdserver: no leader");
}
