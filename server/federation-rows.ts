// Retained transactions for who pulls: from the memory of the state machine while the engine may not have them, else
// from the engine.
import type { Engine, EngineRow } from "../store/index.ts";
import { decodeRetained, numberOfRowKey, transactionRowKey } from "../federation/index.ts";
import type { LoadWish, RetainedRow } from "../federation/index.ts";

/** What of the wish is in memory, from its first on; empty: its first is not. */
export type RecentRows = (wish: LoadWish) => readonly RetainedRow[];

/** `rows` undefined: the engine failed. May answer inside the call. */
export function loadRetained(
  recent: RecentRows,
  engine: Engine,
  wish: LoadWish,
  done: (rows: readonly RetainedRow[] | undefined) => void,
): void {
  const inMemory = recent(wish);
  if (inMemory.length > 0) {
    done(inMemory);
    return;
  }
  const { origin, from, countMax, bytesMax } = wish;
  const range = {
    from: transactionRowKey(origin, from),
    until: transactionRowKey(origin, from + countMax),
  };
  engine.scan(range, bytesMax, (failure, page) => {
    done(failure === undefined ? consecutive(page.rows, from) : undefined);
  });
}

/** Up to the first gap: what is behind it came to the engine since. */
function consecutive(rows: readonly EngineRow[], from: number): readonly RetainedRow[] {
  const retained: RetainedRow[] = [];
  for (const { key, value } of rows) {
    const sequence = numberOfRowKey(key, 1);
    if (sequence !== from + retained.length) break;
    retained.push({ sequence, ...decodeRetained(value) });
  }
  return retained;
}
