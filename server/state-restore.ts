// A state machine from all rows of an engine, page by page, so that the event loop gets its turns.
import type { DiskFailure, Engine, EngineRange, Machine } from "../store/index.ts";

/** All of the engine: no row key begins with 0xff. */
const WHOLE: EngineRange = { from: new Uint8Array(0), until: Uint8Array.of(0xff) };

/** Hands every row over; the caller asks the machine what it is. `rowCount`: rows that the engine has. */
export function restoreRows(
  engine: Engine,
  machine: Machine,
  pageBytes: number,
  done: (failure: DiskFailure | undefined, rowCount: number) => void,
): void {
  let rowCount = 0;
  const restorePage = (range: EngineRange): void => {
    engine.scan(range, pageBytes, (failure, page) => {
      if (failure !== undefined) {
        done(failure, rowCount);
        return;
      }
      machine.restore(page.rows);
      rowCount += page.rows.length;
      if (page.next === undefined) done(undefined, rowCount);
      else restorePage({ from: page.next, until: WHOLE.until });
    });
  };
  restorePage(WHOLE);
}
