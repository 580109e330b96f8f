// What an operator asks of a member, answered by a machine without a log: its state is flushed and hashed at once.
import { KvError } from "../../../base/index.ts";
import type { CallContext, Done, Header, Maintenance } from "../../../rpc/index.ts";
import { isRefusal } from "../../../store/index.ts";
import type { Alarm, StateHash, StateHashRequest } from "../../../store/index.ts";
import type { Host } from "../../store/host.ts";

export class HostMaintenance implements Maintenance {
  readonly #host: Host;
  readonly #header: () => Header;
  defragmented = 0;

  constructor(host: Host, header: () => Header) {
    this.#host = host;
    this.#header = header;
  }

  alarms(_: CallContext, done: Done<readonly Alarm[]>): void {
    done({ ok: true, header: this.#header(), value: this.#host.machine.alarms.list() });
  }

  hash(request: StateHashRequest, _: CallContext, done: Done<StateHash>): void {
    this.#host.flush();
    const hashing = this.#host.machine.hashing(request);
    if (!isRefusal(hashing)) hashing.take(this.#host.sortedRows());
    const value = isRefusal(hashing) ? hashing : hashing.end();
    if (isRefusal(value)) {
      done({ ok: false, error: new KvError(value.code, "not-applied", value.message) });
    } else done({ ok: true, header: this.#header(), value });
  }

  defragment(_: CallContext, done: Done<undefined>): void {
    this.defragmented += 1;
    done({ ok: true, header: this.#header(), value: undefined });
  }
}
