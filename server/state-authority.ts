// What the applied state of this member says of who may do what, as errors for clients.
import { KvError } from "../base/index.ts";
import type { Authority, CallContext, Done, Header } from "../rpc/index.ts";
import type { AuthView, Caller, KeyRange, Refusal } from "../store/index.ts";
import type { Reader } from "./reader.ts";
import type { Replica } from "./replica.ts";

export interface StateAuthorityInit {
  readonly replica: Replica;
  readonly reader: Reader;
  readonly header: () => Header;
}

export class StateAuthority implements Authority {
  readonly #init: StateAuthorityInit;

  constructor(init: StateAuthorityInit) {
    this.#init = init;
  }

  /** A snapshot puts another machine in its place. */
  get view(): AuthView {
    return this.#init.replica.machine.auth;
  }

  get enabled(): boolean {
    return this.view.enabled;
  }

  look(context: CallContext, done: Done<AuthView>): void {
    const { reader, header } = this.#init;
    reader.moment("index", context, (refused) => {
      if (refused !== undefined) done({ ok: false, error: refused });
      else done({ ok: true, header: header(), value: this.view });
    });
  }

  refusesUser(caller: Caller): KvError | undefined {
    return errorOf(this.view.refusesUser(caller));
  }

  refusesRoot(caller: Caller): KvError | undefined {
    return errorOf(this.view.refusesRoot(caller));
  }

  refusesRead(caller: Caller, range: KeyRange): KvError | undefined {
    return errorOf(this.view.refusesRead(caller, range));
  }
}

function errorOf(refusal: Refusal | undefined): KvError | undefined {
  return refusal && new KvError(refusal.code, "not-applied", refusal.message);
}
