// Who clients are, at one member: tokens and certificates recognized, passwords checked and hashed, within bounds.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import type { Accounts, Answer, Authority, Call, Done, Header, Identity } from "../rpc/index.ts";
import type { AuthView } from "../store/index.ts";
import { AttemptLimits } from "./attempt-limits.ts";
import type { Journal } from "./ports.ts";
import type { PasswordHashing } from "./password-hashing.ts";
import type { TokenProvider } from "./token-provider.ts";

export interface AuthDeskInit {
  readonly authority: Authority;
  readonly tokens: TokenProvider;
  readonly passwords: PasswordHashing;
  /** A client's certificate says who it is (etcd's --client-cert-auth). */
  readonly byCertificate: boolean;
  readonly header: () => Header;
  readonly monotonicMs: () => MonotonicMs;
  readonly journal: Journal;
}

const BEARER = /^bearer +/i;
/** How often a password is looked at again because it was changed meanwhile. */
const ROUNDS_MAX = 3;

export class AuthDesk implements Accounts {
  readonly #init: AuthDeskInit;
  readonly #limits = new AttemptLimits();

  constructor(init: AuthDeskInit) {
    this.#init = init;
  }

  /** A token counts before a certificate (etcd); a wrong one is not made up for by it. */
  identify(call: Call, done: (identity: Identity | KvError) => void): void {
    const { tokens, byCertificate, authority } = this.#init;
    const token = (call.header("token") ?? call.header("authorization"))?.replace(BEARER, "") ?? "";
    const name = call.certificateName ?? "";
    if (token !== "") tokens.identify(token, call, (found) => done(stillValid(found)));
    else if (byCertificate && name !== "") {
      done({ now: () => ({ kind: "user", name, authRevision: authority.view.revision }) });
    } else done(new KvError("user-empty", "not-applied", "etcdserver: user name is empty"));
  }

  look(call: Call, done: Done<AuthView>): void {
    this.#init.authority.look(call, done);
  }

  hash(password: string, done: (hash: string | KvError) => void): void {
    this.#init.passwords.hash(password, done);
  }

  authenticate(name: string, password: string, call: Call, done: Done<string>): void {
    const { monotonicMs, journal } = this.#init;
    const address = call.remoteAddress ?? "";
    if (!this.#limits.admits(name, address, monotonicMs())) {
      journal.warn("too many wrong passwords", { user: name, address });
      done(
        failed(new KvError("too-many-requests", "not-applied", "etcdserver: too many requests")),
      );
      return;
    }
    this.#attempt(name, password, call, 1, (answer) => {
      const isWrong = !answer.ok && answer.error.code === "authentication-failed";
      if (isWrong) this.#limits.onWrong(name, address, monotonicMs());
      done(answer);
    });
  }

  #attempt(name: string, password: string, call: Call, round: number, done: Done<string>): void {
    const { passwords, tokens, header } = this.#init;
    this.look(call, (looked) => {
      if (!looked.ok) {
        done(looked);
        return;
      }
      const { enabled, revision } = looked.value;
      const user = looked.value.user(name);
      if (!enabled) {
        const text = "etcdserver: authentication is not enabled";
        done(failed(new KvError("authentication-off", "not-applied", text)));
        return;
      }
      passwords.matches(password, user?.passwordHash, (right) => {
        if (right !== true) {
          done(failed(right === false ? wrongPassword() : right));
          return;
        }
        tokens.issue(name, revision, call, (token) => {
          if (typeof token === "string") done({ ok: true, header: header(), value: token });
          else if (token.code !== "auth-revision-old" || round >= ROUNDS_MAX) done(failed(token));
          else this.#attempt(name, password, call, round + 1, done);
        });
      });
    });
  }
}

function stillValid(found: Identity | KvError): Identity | KvError {
  if (found instanceof KvError || found.now().kind !== "nobody") return found;
  return new KvError("invalid-token", "not-applied", "etcdserver: invalid auth token");
}

/** The same whether the user, the password or the right to have one is missing. */
function wrongPassword(): KvError {
  const text = "etcdserver: authentication failed, invalid user ID or password";
  return new KvError("authentication-failed", "not-applied", text);
}

function failed(error: KvError): Answer<never> {
  return { ok: false, error };
}
