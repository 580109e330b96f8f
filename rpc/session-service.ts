// hansa.v1.Session: both calls are commands, because a session lives in the replicated state (R9).
import type { Request, RequestKind } from "../store/index.ts";
import { commandAnswer } from "./answer.ts";
import type { Backend } from "./backend.ts";
import { unary } from "./service.ts";
import type { Method, ServiceTable } from "./service.ts";
import { storeCodec } from "./store-codec.ts";

export function sessionTable(backend: Backend): ServiceTable {
  const command = (kind: RequestKind): Method =>
    unary((bytes, call, reply) => {
      const request: Request = storeCodec.decodeRequest(kind, bytes);
      backend.write(request, bytes, call, (answer) => {
        reply(answer.ok ? commandAnswer(answer.header, answer.value) : answer.error);
      });
    });
  return {
    "/hansa.v1.Session/Open": command("session-open"),
    "/hansa.v1.Session/Close": command("session-close"),
  };
}
