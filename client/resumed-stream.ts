// A stream that outlives connections and members: where one breaks off, the next goes on. Each member is asked by the
// caller's `follow`, which keeps where it is.
import { KvError } from "../base/index.ts";
import type { Connection } from "./connection.ts";
import type { Courier } from "./courier.ts";
import { cancelled } from "./deadline.ts";
import { repetitionOf } from "./retry.ts";
import type { Destination } from "./router.ts";

/** One stream to one member, until it breaks; `onHeard` is called when the member has answered. */
export type Follow<T> = (connection: Connection, onHeard: () => void) => AsyncGenerator<T, void>;

/** @throws {KvError} `cancelled` by the signal, and what refuses the stream for good */
export async function* resumed<T>(
  courier: Courier,
  { destination, signal }: { readonly destination: Destination; readonly signal: AbortSignal },
  follow: Follow<T>,
): AsyncGenerator<T, undefined> {
  let avoided: string | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const connection = await courier.memberFor(destination, avoided, signal);
    if (signal.aborted) throw cancelled();
    const { address } = connection;
    try {
      yield* follow(connection, () => {
        attempt = 1;
        courier.report(address, undefined);
      });
    } catch (cause) {
      if (signal.aborted) throw cancelled();
      if (!(cause instanceof KvError)) throw cause;
      if (repetitionOf(cause, "read", "wait") === "never") throw cause;
      courier.report(address, cause);
    }
    avoided = address;
    await courier.pause(attempt, signal);
  }
}
