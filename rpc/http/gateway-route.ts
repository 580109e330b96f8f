// What the gateway is made with, and a method as it finds it.
import type { MonotonicMs } from "../../base/index.ts";
import type { MethodShape, Streaming } from "../../proto/index.ts";
import type { Method, ServiceTable } from "../service.ts";
import type { HeldBytes } from "./held-bytes.ts";
import type { HttpLimits } from "./http-limits.ts";
import type { Patience } from "./patience.ts";

export interface GatewayOptions {
  readonly services: ServiceTable;
  readonly monotonicMs: () => MonotonicMs;
  /** The server's own limit of a call. */
  readonly callTimeoutMs: number;
  /** Of a request as protobuf. */
  readonly messageBytesMax: number;
  readonly limits: HttpLimits;
  readonly held: HeldBytes;
  readonly patience: Patience;
  readonly onBug: (cause: unknown) => void;
}

export type UnaryMethod = Extract<Method, { readonly kind: "unary" }>;
export type StreamMethod = Extract<Method, { readonly kind: "stream" }>;

/** A method at its paths. */
export interface GatewayRoute<Kind extends Method = Method> {
  readonly method: Kind;
  readonly streaming: Streaming;
  readonly shape: MethodShape;
}
