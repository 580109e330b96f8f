// Where a call goes: its method, and which sides of it stream.
import type { Streaming } from "../../proto/index.ts";
import type { Method } from "../service.ts";

export interface Route {
  readonly method: Method;
  readonly streaming: Streaming;
}
