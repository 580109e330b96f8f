// The services before there are any: ports are bound before the data is opened, and until the replica
// stands every call is refused as unavailable, so that a client goes to another member instead of waiting.
import { KvError } from "../base/index.ts";
import { METHOD_PATHS, streamingOf } from "../proto/index.ts";
import type { MethodPath } from "../proto/index.ts";
import type { Method, ServiceTable } from "../rpc/index.ts";

export class ServiceGate {
  #services: ServiceTable | undefined;
  #busyWith = "server is starting";

  /** What a call is told until there are services. */
  explain(busyWith: string): void {
    this.#busyWith = busyWith;
  }

  /** From here on calls reach `services`. */
  open(services: ServiceTable): void {
    this.#services = services;
  }

  /** Every method of the wire, passed on once the gate is open. */
  table(): ServiceTable {
    const methods = METHOD_PATHS.map((path): [MethodPath, Method] => [path, this.#gated(path)]);
    return Object.fromEntries(methods);
  }

  #gated(path: MethodPath): Method {
    if (streamingOf(path) !== "unary") {
      return {
        kind: "stream",
        open: (sink, call) => {
          const method = this.#passed(path);
          if (method?.kind !== "stream") throw unimplemented(path);
          return method.open(sink, call);
        },
      };
    }
    return {
      kind: "unary",
      handle: (request, call, reply) => {
        const method = this.#passed(path);
        if (method?.kind !== "unary") throw unimplemented(path);
        method.handle(request, call, reply);
      },
    };
  }

  /** @throws {KvError} unavailable, while starting. */
  #passed(path: MethodPath): Method | undefined {
    if (this.#services !== undefined) return this.#services[path];
    throw new KvError("unavailable", "not-applied", this.#busyWith);
  }
}

function unimplemented(path: MethodPath): KvError {
  return new KvError("unimplemented", "not-applied", `${path.slice(1)} is not implemented`);
}
