// A mistake in the configuration: what was named, what was given, what was expected.

export interface ConfigIssue {
  /** The flag, variable or key as the operator wrote it. */
  readonly option: string;
  /** Absent when nothing was. */
  readonly given?: string;
  /** What is wrong, or what was expected. */
  readonly problem: string;
}

/** One line: `--heartbeat-interval "abc": expected a whole number of milliseconds from 1 to 10000`. */
export function describeIssue(issue: ConfigIssue): string {
  const given = issue.given === undefined ? "" : ` ${JSON.stringify(issue.given)}`;
  return `${issue.option}${given}: ${issue.problem}`;
}
