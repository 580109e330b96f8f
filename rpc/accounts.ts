// Port: who clients are. server/ implements it over the auth state of its replica; the gate and the Auth service
// know nothing of tokens, certificates and hashes.
import type { KvError } from "../base/index.ts";
import type { AuthView, Caller } from "../store/index.ts";
import type { Done } from "./backend.ts";
import type { Call } from "./service.ts";

/** What a client has shown, found good once. */
export interface Identity {
  /** Whom it stands for at this moment; nobody once it is worth nothing any more. */
  now(): Caller;
}

export interface Accounts {
  /** By a token, else by the client's certificate. `done` comes once, possibly inside the call. */
  identify(call: Call, done: (identity: Identity | KvError) => void): void;
  /** The auth state, linearizable. */
  look(call: Call, done: Done<AuthView>): void;
  /** A token for whoever knows the password. */
  authenticate(name: string, password: string, call: Call, done: Done<string>): void;
  /** What the log may hold of a password. */
  hash(password: string, done: (hash: string | KvError) => void): void;
}
