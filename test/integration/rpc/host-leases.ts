// Leases of a real machine over a map, whose log time stands still.
import type { LeaseId } from "../../../base/index.ts";
import type { CallContext, Done, Header, LeaseState, Leases } from "../../../rpc/index.ts";
import type { Host } from "../../store/host.ts";
import { renew } from "../../store/requests.ts";

export class HostLeases implements Leases {
  readonly #host: Host;
  readonly #header: () => Header;

  constructor(host: Host, header: () => Header) {
    this.#host = host;
    this.#header = header;
  }

  renew(id: LeaseId, _: CallContext, done: Done<number>): void {
    const response = this.#host.run(renew(id));
    const ttlMs = response.kind === "lease-renew" ? (response.ttlsMs[0] ?? 0) : 0;
    setImmediate(() => done({ ok: true, header: this.#header(), value: ttlMs / 1000 }));
  }

  state(id: LeaseId, _: CallContext, done: Done<LeaseState>): void {
    const lease = this.#host.machine.leases.get(id);
    const value =
      lease === undefined
        ? { id, ttlS: -1, grantedTtlS: 0, keys: [] }
        : {
            id,
            ttlS: Math.floor((lease.dueAtMs - this.#host.machine.logTime) / 1000),
            grantedTtlS: lease.ttlMs / 1000,
            keys: [...lease.keys].sort(),
          };
    done({ ok: true, header: this.#header(), value });
  }

  list(_: CallContext, done: Done<readonly LeaseId[]>): void {
    const value = this.#host.machine.leases.list().map(({ id }) => id);
    done({ ok: true, header: this.#header(), value });
  }
}
