// The options of users and tokens.
import { z } from "zod";
import { option } from "./config-option.ts";
import { whole } from "./config-value.ts";
import type { OptionType } from "./config-value.ts";
import { parseTokenOptions } from "./jwt-options.ts";
import type { TokenOptions } from "./jwt-options.ts";

const TOKEN_FORM =
  "simple, or jwt,sign-method=METHOD with pub-key=FILE, priv-key=FILE (of HS256 and its like the secret) and ttl=5m";

const tokenOptions: OptionType<TokenOptions> = z.string().transform((text, context) => {
  const parsed = parseTokenOptions(text);
  if (!("problem" in parsed)) return parsed;
  context.addIssue({ code: "custom", message: parsed.problem });
  return z.NEVER;
});

export const authOptions = {
  authToken: option(
    "Auth",
    "auth-token",
    tokenOptions,
    "simple",
    `What clients get for their password: ${TOKEN_FORM}. All members alike.`,
  ),
  authTokenTtlS: option(
    "Auth",
    "auth-token-ttl",
    whole("seconds", 1, 31_536_000),
    "300",
    "How long a simple token lives from its last use on, in seconds.",
  ),
  bcryptCost: option(
    "Auth",
    "bcrypt-cost",
    whole("rounds", 4, 18),
    "10",
    "Cost of password hashes: each more doubles the time that a log-in takes.",
  ),
};
