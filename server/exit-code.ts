// How the process ends, for scripts and supervisors. docs/configuration.md lists the same table.

export const ExitCode = {
  /** Stopped as asked. */
  clean: 0,
  /** A bug: an assertion or an uncaught error; a state dump is in the log. */
  bug: 1,
  /** A mistake in flags, environment or configuration file; nothing was touched. */
  badConfiguration: 2,
  /** An address cannot be bound; nothing was touched. */
  addressInUse: 3,
  /** The data directory is of another cluster, member, protocol or format; nothing was touched. */
  wrongDataDirectory: 4,
  /** Log or state are damaged beyond what can be rebuilt here. */
  corruptStore: 5,
  /** A disk operation failed; the member stops for good rather than trust the disk (R18). */
  diskFailure: 6,
  /** Another process has the data directory open; nothing was touched. */
  dataDirectoryInUse: 7,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A start that is refused: `message` is the line for the operator. */
export class StartRefusal extends Error {
  override readonly name = "StartRefusal";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
