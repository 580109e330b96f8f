// How a client command ends, for scripts. `hansa serve` has the server's own table.

export const CliExit = {
  /** Done. A `get` of a key that is absent is done, as in etcdctl. */
  done: 0,
  /** The command failed; its error, with code and outcome, is on stderr. */
  failed: 1,
  /** The command line is wrong; nothing was asked of a server. */
  usage: 2,
} as const;

export type CliExit = (typeof CliExit)[keyof typeof CliExit];

/** A command line that cannot be carried out: `message` is the line for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
