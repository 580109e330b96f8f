// The state machine from its engine at boot, by the rules of server/applied-state.ts as a chain of events:
// every page handed over in key order, the chain of applied indexes checked, and after a gap an empty
// engine to rebuild from the log (S2).
import type { DiskFailure } from "../../store/disk.ts";
import type { Engine, EngineRow } from "../../store/engine.ts";
import type { Machine } from "../../store/machine.ts";

const PAGE_BYTES = 2048;
/** No row key begins with 0xff. */
const UNTIL = Uint8Array.of(0xff);

export interface StateBoot {
  readonly engine: Engine;
  readonly create: () => Machine;
  /** Empties the engine at once. */
  readonly discard: () => void;
  readonly done: (machine: Machine, gap: string | undefined) => void;
  readonly onFailure: (failure: DiskFailure) => void;
}

export function openState(boot: StateBoot): void {
  const { engine, create, discard, done, onFailure } = boot;
  const machine = create();
  const onPage = (
    failure: DiskFailure | undefined,
    page: { readonly rows: readonly EngineRow[]; readonly next?: Uint8Array },
  ): void => {
    if (failure !== undefined) {
      onFailure(failure);
      return;
    }
    machine.restore(page.rows);
    if (page.next !== undefined) {
      engine.scan({ from: page.next, until: UNTIL }, PAGE_BYTES, onPage);
      return;
    }
    const restored = machine.restored();
    if (restored.ok) {
      done(machine, undefined);
      return;
    }
    discard();
    const empty = create();
    empty.restored();
    done(empty, restored.reason);
  };
  engine.scan({ from: new Uint8Array(), until: UNTIL }, PAGE_BYTES, onPage);
}
