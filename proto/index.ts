// The wire contracts as types: the generated messages by package, the runtime they are read and written
// with, and the methods of every service.
export {
  authpb,
  etcdserverpb,
  grpc,
  hansa,
  mvccpb,
  v3electionpb,
  v3lockpb,
} from "./generated/codec.js";
export * from "./int64.ts";
export * from "./message-shape.ts";
export * from "./methods.ts";
export * from "./status.ts";
export * from "./wire.ts";
