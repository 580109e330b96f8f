// Assertions that stay on in production: a halted replica is repairable, a diverged one is not.

/** A programmer error: the process stops with a state dump; only main and the simulator catch it. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** @throws {AssertionError} with `message` unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/**
 * The value, where the caller knows that it is there.
 *
 * @throws {AssertionError} naming `what` when it is not.
 */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AssertionError(`${what} is missing`);
  return value;
}

/** Closes a switch over a union; fails to compile when a case is missing. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
