// What recognizes clients at this member, made from its options.
import type { Accounts, Authority, Header } from "../rpc/index.ts";
import { AuthDesk } from "./auth-desk.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import { JwtKeyring, JwtTokens } from "./jwt-tokens.ts";
import { PasswordHashing } from "./password-hashing.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";
import { SimpleTokens } from "./simple-tokens.ts";
import type { TokenProvider } from "./token-provider.ts";

/** Tokens over the state of a replica, once there is one. */
export type TokensOver = (replica: Replica) => TokenProvider;

/** Looks at the keys before any data is. @throws {StartRefusal} badConfiguration when they cannot be used */
export async function prepareTokens({ authToken, authTokenTtlS }: Config): Promise<TokensOver> {
  if (authToken.kind === "simple") {
    return (replica) => new SimpleTokens(replica, authTokenTtlS * 1000);
  }
  try {
    const keyring = await JwtKeyring.open(authToken.jwt);
    return (replica) => new JwtTokens(keyring, replica);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartRefusal(ExitCode.badConfiguration, `--auth-token: ${why}`, { cause });
  }
}

export interface AccountsInit {
  readonly config: Config;
  readonly tokens: TokenProvider;
  readonly authority: Authority;
  readonly header: () => Header;
  readonly journal: Journal;
}

export function openAccounts({ config, tokens, ...init }: AccountsInit): Accounts {
  return new AuthDesk({
    ...init,
    tokens,
    passwords: new PasswordHashing(config.bcryptCost),
    byCertificate: config.clientCertAuth,
    monotonicMs: () => systemClock.monotonicMs(),
  });
}
