// What an operator asks of this member beside its keys: which alarms stand, what its state hashes to, and that it
// give back to the disk what it does not use.
import { KvError } from "../base/index.ts";
import type { CallContext, Done, Header, Maintenance } from "../rpc/index.ts";
import type { Alarm, StateHash, StateHashRequest } from "../store/index.ts";
import { Defragmentation } from "./defragmentation.ts";
import type { Journal } from "./ports.ts";
import type { Reader } from "./reader.ts";
import type { Replica } from "./replica.ts";
import { StateHasher } from "./state-hasher.ts";

export interface MaintenanceDeskInit {
  readonly replica: Replica;
  readonly reader: Reader;
  readonly header: () => Header;
  readonly journal?: Journal;
}

export class MaintenanceDesk implements Maintenance {
  readonly #init: MaintenanceDeskInit;
  readonly hasher: StateHasher;
  readonly defragmentation: Defragmentation;

  constructor(init: MaintenanceDeskInit) {
    this.#init = init;
    this.hasher = new StateHasher(init.replica);
    this.defragmentation = new Defragmentation(init);
  }

  alarms(context: CallContext, done: Done<readonly Alarm[]>): void {
    const { reader, replica, header } = this.#init;
    reader.moment("index", context, (refused) => {
      if (refused !== undefined) done({ ok: false, error: refused });
      else done({ ok: true, header: header(), value: replica.machine.alarms.list() });
    });
  }

  hash(request: StateHashRequest, context: CallContext, done: Done<StateHash>): void {
    this.hasher.hash(request, context, (result) => {
      if (result instanceof KvError) done({ ok: false, error: result });
      else done({ ok: true, header: this.#init.header(), value: result });
    });
  }

  /** Goes on when its caller has gone: half of it is of use, too. */
  defragment(_: CallContext, done: Done<undefined>): void {
    this.defragmentation.run((failure) => {
      if (failure === undefined) done({ ok: true, header: this.#init.header(), value: undefined });
      else {
        const error = new KvError("unavailable", "not-applied", `hansa: ${failure.message}`);
        done({ ok: false, error });
      }
    });
  }
}
