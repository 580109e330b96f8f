// Ports answer by callbacks; a contract suite reads better with promises. Refusals become rejections.
import type { DiskDone, DiskFailure } from "../../store/disk.ts";

class PortFailure extends Error {
  readonly failure: DiskFailure;

  constructor(failure: DiskFailure) {
    super(`${failure.kind}: ${failure.message}`);
    this.failure = failure;
  }
}

/** The result of one operation. @throws {PortFailure} with what the port said. */
export async function answerOf<T>(ask: (done: DiskDone<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((failure, result) => {
      if (failure === undefined) resolve(result);
      else reject(new PortFailure(failure));
    });
  });
}

/** The end of one operation that has no result. */
export async function endOf(
  ask: (done: (failure: DiskFailure | undefined) => void) => void,
): Promise<void> {
  await answerOf<undefined>((done) => ask((failure) => done(failure, undefined)));
}

/** The refusal of an operation that must not succeed. */
export async function refusalOf(operation: Promise<unknown>): Promise<DiskFailure> {
  try {
    await operation;
  } catch (error) {
    if (error instanceof PortFailure) return error.failure;
    throw error;
  }
  throw new Error("the operation succeeded");
}

/** Completions in the order asked, each in a turn of its own. */
export function nextTurn(run: () => void): void {
  setImmediate(run);
}
