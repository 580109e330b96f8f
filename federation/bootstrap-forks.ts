// Whether who takes a state and who gives it have one history of each open origin (federation 1, 10). A state says only where
// its histories end, so that a shorter one of the taker's would go unseen. Who takes one states its positions, as every
// pull does, and who gives it compares them with what is retained there, before it gives anything.
import { compareBytes } from "../base/index.ts";
import { linkOf } from "./chain.ts";
import type { OriginId } from "./dot.ts";
import type { Position } from "./exchange-message.ts";
import type { LoadWish, RetainedRow, ServedState } from "./exchange-serving.ts";
import type { FederationBug } from "./planted.ts";
import { decodeTransaction } from "./transaction-codec.ts";
import { countOf } from "./vector.ts";

/** The donor. */
export interface HistoriesHere {
  /** As of the moment it is asked: the state goes on while rows are read. */
  readonly served: () => Pick<ServedState, "applied" | "hashOf" | "retainedFrom">;
  /** A member mints under it. */
  readonly isOpen: (origin: OriginId) => boolean;
  /** Undefined: the rows could not be read. May answer inside the call. */
  readonly load: (wish: LoadWish, done: (rows: readonly RetainedRow[] | undefined) => void) => void;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug | undefined;
}

/** Of what a taker stated. */
export interface Compared {
  /** Where the history here is another one. */
  readonly forks: readonly Position[];
  /** What would tell is retained here no more: each is held to be of the history that is here. */
  readonly unknown: readonly Position[];
}

/**
 * `done` gets undefined where the rows cannot be read. Of what the taker has more of it finds a fork itself, by what it
 * applies again. Of closed origins one history counts: each side judges its own.
 */
export function compareHistories(
  stated: readonly Position[],
  here: HistoriesHere,
  done: (compared: Compared | undefined) => void,
): void {
  const forks: Position[] = [];
  const unknown: Position[] = [];
  const lookAt = (at: number): void => {
    const position = stated[at];
    if (position === undefined) {
      done({ forks, unknown });
      return;
    }
    const goOn = (found: "fork" | "same" | "unknown"): void => {
      if (found === "fork") forks.push(position);
      if (found === "unknown") unknown.push(position);
      lookAt(at + 1);
    };
    const isCompared = here.isOpen(position.origin) && here.planted !== "fork-undetected";
    if (!isCompared || !isShorter(position, here)) {
      goOn(isCompared && isOtherEnd(position, here) ? "fork" : "same");
      return;
    }
    const wish = telling(position, here);
    if (wish === undefined) {
      goOn("unknown");
      return;
    }
    here.load(wish, (rows) => {
      if (rows === undefined) {
        done(undefined);
        return;
      }
      const [row] = rows;
      if (row === undefined) goOn("unknown");
      else goOn(isOtherRow(position, row) ? "fork" : "same");
    });
  };
  lookAt(0);
}

function isShorter({ origin, sequence }: Position, { served }: HistoriesHere): boolean {
  return sequence < countOf(served().applied, origin);
}

/** The row at the position, else the one behind it, which has its link. Undefined: neither is retained. */
function telling({ origin, sequence }: Position, { served }: HistoriesHere): LoadWish | undefined {
  const first = served().retainedFrom(origin);
  if (sequence + 1 < first) return undefined;
  return { origin, from: Math.max(sequence, first), countMax: 1, bytesMax: 1 };
}

function isOtherEnd({ origin, sequence, hash }: Position, { served }: HistoriesHere): boolean {
  const { applied, hashOf } = served();
  const ours = sequence === countOf(applied, origin) ? hashOf(origin) : undefined;
  return ours !== undefined && compareBytes(ours, hash) !== 0;
}

function isOtherRow({ sequence, hash }: Position, row: RetainedRow): boolean {
  if (row.sequence === sequence) return compareBytes(row.hash, hash) !== 0;
  return compareBytes(decodeTransaction(row.bytes).link, linkOf(hash)) !== 0;
}
