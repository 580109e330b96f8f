// What one watch asked and what it was told, from its creation to the end of its stream: all that the validators
// of watches look at, whoever watched and whatever was watched.
import type { KeySpan, Pair } from "./history.ts";

export interface WatchAsked extends KeySpan {
  /** Whose watch, where and which, for the report. */
  readonly name: string;
  /** The first revision that it is owed: where it resumes, or the one behind its creation. */
  readonly from: number;
  readonly puts: boolean;
  readonly deletes: boolean;
  readonly prevKv: boolean;
}

export interface ToldEvent {
  readonly kind: "put" | "delete";
  readonly revision: number;
  readonly key: string;
  /** Of a put. */
  readonly pair?: Pair;
  readonly before?: Pair;
}

/** How old the member called its state, and how old it was: by an observer of all, or at least. */
export interface Statement {
  readonly boundMs: number;
  readonly ageMs: number;
}

export interface Told {
  /** Everything up to it was told with this answer: the header's revision. */
  readonly upTo: number;
  /** None: progress. */
  readonly events: readonly ToldEvent[];
  /** More of the same revisions follows. */
  readonly isFragment: boolean;
  readonly statement?: Statement;
}

export interface WatchRecord {
  readonly asked: WatchAsked;
  readonly told: readonly Told[];
  /** It was ended: what it had yet to be told is gone, and the history begins here. */
  readonly compactedTo?: number;
}

/** A client gives on what is whole: fragments together, and none whose rest never came. */
export function wholeAnswers({ told }: WatchRecord): readonly Told[] {
  const whole: Told[] = [];
  let parts: ToldEvent[] = [];
  for (const answer of told) {
    if (answer.isFragment) parts.push(...answer.events);
    else if (parts.length === 0) whole.push(answer);
    else {
      whole.push({ ...answer, events: [...parts, ...answer.events] });
      parts = [];
    }
  }
  return whole;
}

/** Up to where everything was told; below `asked.from` as long as nothing was. */
export function toldUpTo(record: WatchRecord): number {
  return Math.max(record.asked.from - 1, ...wholeAnswers(record).map(({ upTo }) => upTo));
}

export function eventText({ kind, key, revision }: ToldEvent): string {
  return `the ${kind} of ${key} at ${revision}`;
}
