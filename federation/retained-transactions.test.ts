// What is in memory of retained transactions: until the engine has them, whatever was there before (federation 2).
import { expect, test } from "@jest/globals";
import { originId, sequence } from "./dot.ts";
import { RetainedTransactions } from "./retained-transactions.ts";
import { VECTOR_ZERO } from "./vector.ts";

/** Two of them are more than what is kept in memory of what the engine has. */
const BYTES = 9 * 1024 * 1024;
const ORIGIN = originId(1);

test("one that was dropped and is applied anew stays until the engine has it", () => {
  const retained = new RetainedTransactions({ put: () => undefined, delete: () => undefined });
  const head = { origin: ORIGIN, sequence: sequence(1), epoch: 1, hlc: 1n as never };
  const transaction = { ...head, deps: VECTOR_ZERO, operations: [] };
  const rows = { hash: new Uint8Array(32), bytes: new Uint8Array(BYTES) };
  retained.add(transaction, rows, 1 as never);
  retained.dropUnless(ORIGIN, Infinity);
  retained.add(transaction, rows, 2 as never);
  retained.flushed(1 as never);
  expect(retained.recent(ORIGIN, 1)?.bytes).toHaveLength(BYTES);
});
