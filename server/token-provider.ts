// Port: tokens of one kind, given out and recognized.
import type { KvError } from "../base/index.ts";
import type { CallContext, Identity } from "../rpc/index.ts";

export interface TokenProvider {
  /** `done` comes once, possibly inside the call. */
  identify(token: string, context: CallContext, done: (found: Identity | KvError) => void): void;
  /** `authRevision`: of the auth state in which `user`'s password was right. */
  issue(
    user: string,
    authRevision: number,
    context: CallContext,
    done: (token: string | KvError) => void,
  ): void;
  close(): void;
}
