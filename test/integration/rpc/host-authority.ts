// Who may do what by a real machine's auth state, as the server's own authority reads it, and accounts that know
// nobody: what services are given where nothing is asked of them.
import { KvError } from "../../../base/index.ts";
import type { Accounts, Authority, CallContext, Done, Header } from "../../../rpc/index.ts";
import type { AuthView, Caller, KeyRange, Refusal } from "../../../store/index.ts";
import type { Host } from "../../store/host.ts";

export class HostAuthority implements Authority {
  readonly #host: Host;
  readonly #header: () => Header;

  constructor(host: Host, header: () => Header) {
    this.#host = host;
    this.#header = header;
  }

  get view(): AuthView {
    return this.#host.machine.auth;
  }

  get enabled(): boolean {
    return this.view.enabled;
  }

  look(_: CallContext, done: Done<AuthView>): void {
    done({ ok: true, header: this.#header(), value: this.view });
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

const unknown = new KvError("invalid-token", "not-applied", "etcdserver: invalid auth token");

export const NO_ACCOUNTS: Accounts = {
  identify: (_, done) => done(unknown),
  look: (_, done) => done({ ok: false, error: unknown }),
  authenticate: (_name, _password, _call, done) => done({ ok: false, error: unknown }),
  hash: (_, done) => done(unknown),
};
