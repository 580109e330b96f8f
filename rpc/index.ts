// The edge: bytes become types here, and answers bytes.
export * from "./backend.ts";
export * from "./client-services.ts";
export { Http2Carrier } from "./http2/http2-carrier.ts";
export type { Http2CarrierOptions } from "./http2/http2-carrier.ts";
export { leaseRenewalBytes } from "./lease-codec.ts";
export * from "./member-question.ts";
export type { ForwardToLeader } from "./kv-service.ts";
export * from "./peer-counters.ts";
export * from "./peer-dial.ts";
export * from "./peer-identity.ts";
export * from "./peer-link.ts";
export * from "./peer-members.ts";
export * from "./peer-message.ts";
export * from "./peer-transport.ts";
export * from "./service.ts";
export * from "./socket-origin.ts";
export * from "./store-codec.ts";
export * from "./tls-acceptor.ts";
