// A call that is one request to one member and one answer, as most calls are that are not about keys.
import type { Connection } from "./connection.ts";
import type { Task } from "./courier.ts";

/** One attempt; throws KvError. */
export type OneCall<T> = (
  connection: Connection,
  timeoutMs: number,
  signal: AbortSignal | undefined,
) => Promise<T>;

export function oneCall<T>(
  about: Pick<Task<T>, "operation" | "nature" | "destination" | "only">,
  call: OneCall<T>,
): Task<T> {
  return {
    ...about,
    onMiss: "fail",
    attempt: ({ connection, timeoutMs, signal }) => call(connection, timeoutMs, signal),
  };
}
