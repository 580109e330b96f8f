// grpc_server_*, as go-grpc-prometheus names them in etcd, and the bytes of clients' messages. Every method of the wire
// is there from the beginning; codes show once they were answered.
import { streamingOf } from "../../proto/index.ts";
import type { CallCounters, MethodCounters } from "../../rpc/index.ts";
import type { Collection, Sample } from "./collected.ts";

const METHOD_LABELS = ["grpc_type", "grpc_service", "grpc_method"];

/** By number, as Go's gRPC prints them. */
const CODE_NAMES = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound"],
  ...["AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted"],
  ...["OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

const TYPES = {
  unary: "unary",
  server: "server_stream",
  client: "client_stream",
  both: "bidi_stream",
} as const;

export function addCallMetrics(collection: Collection, calls: CallCounters): void {
  const methods = [...calls.methods.values()].map((counters) => ({
    counters,
    labels: labelsOf(counters),
  }));
  const each = (value: (counters: MethodCounters) => number) => (): readonly Sample[] =>
    methods.map(({ counters, labels }) => ({ labels, value: value(counters) }));
  const sum = (value: (counters: MethodCounters) => number) => (): number =>
    methods.reduce((total, { counters }) => total + value(counters), 0);
  collection.counter(
    "grpc_server_started_total",
    "Total number of RPCs started on the server.",
    each(({ started }) => started),
    METHOD_LABELS,
  );
  collection.counter(
    "grpc_server_handled_total",
    "Total number of RPCs completed on the server, regardless of success or failure.",
    () => methods.flatMap(({ counters, labels }) => handled(counters, labels)),
    [...METHOD_LABELS, "grpc_code"],
  );
  collection.counter(
    "grpc_server_msg_received_total",
    "Total number of RPC stream messages received on the server.",
    each(({ received }) => received),
    METHOD_LABELS,
  );
  collection.counter(
    "grpc_server_msg_sent_total",
    "Total number of gRPC stream messages sent by the server.",
    each(({ sent }) => sent),
    METHOD_LABELS,
  );
  collection.counter(
    "etcd_network_client_grpc_received_bytes_total",
    "The total number of bytes received from grpc clients.",
    sum(({ receivedBytes }) => receivedBytes),
  );
  collection.counter(
    "etcd_network_client_grpc_sent_bytes_total",
    "The total number of bytes sent to grpc clients.",
    sum(({ sentBytes }) => sentBytes),
  );
  if (!calls.timed) return;
  collection.histogram(
    "grpc_server_handling_seconds",
    "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
    () =>
      methods.flatMap(({ counters: { seconds }, labels }) =>
        // A method that nobody called has fourteen lines to say nothing with.
        seconds === undefined || seconds.count === 0 ? [] : [{ labels, buckets: seconds }],
      ),
    METHOD_LABELS,
  );
}

function labelsOf({ path }: MethodCounters): Sample["labels"] {
  const [, service = "", method = ""] = path.split("/");
  return {
    grpc_type: TYPES[streamingOf(path)],
    grpc_service: service,
    grpc_method: method,
  };
}

function handled({ ended }: MethodCounters, labels: Sample["labels"]): readonly Sample[] {
  return ended.flatMap((value, code) => {
    // A method that never failed says so by its OK, which is there from the beginning.
    if (value === 0 && code !== 0) return [];
    return [{ labels: { ...labels, grpc_code: CODE_NAMES[code] ?? "Unknown" }, value }];
  });
}
