// Reliable: between two revisions that a watch was told up to, nothing that it asked for is left out. Resumable:
// nor between the revision at which it began and the first event. A watch that is told that its place is gone stood
// below the place that is left.
import type { Finding } from "./finding.ts";
import { spans } from "./history.ts";
import type { Change, History } from "./history.ts";
import { toldUpTo, wholeAnswers } from "./watch-record.ts";
import type { WatchAsked, WatchRecord } from "./watch-record.ts";

/** What the watch is owed, up to a revision. */
function owedTo(history: History, asked: WatchAsked, upTo: number): readonly Change[] {
  return history.changesIn(asked.from, upTo).filter(({ key, pair }) => {
    return spans(asked, key) && (pair === undefined ? asked.deletes : asked.puts);
  });
}

export function reliabilityFindings(history: History, record: WatchRecord): readonly Finding[] {
  const { asked } = record;
  const upTo = toldUpTo(record);
  const events = wholeAnswers(record).flatMap((answer) => answer.events);
  const told = new Set(events.map(({ kind, key, revision }) => `${revision} ${kind} ${key}`));
  const first = events[0]?.revision ?? Infinity;
  const missed = owedTo(history, asked, upTo).flatMap(({ revision, key, pair }) => {
    const kind = pair === undefined ? "delete" : "put";
    if (told.has(`${revision} ${kind} ${key}`)) return [];
    const guarantee = revision < first ? "watch-resumable" : "watch-reliable";
    const what = `${asked.name}, from ${asked.from} on and told up to ${upTo}, never hears of the ${kind} of ${key} at ${revision}`;
    return [{ guarantee, what } as const];
  });
  const { compactedTo } = record;
  if (compactedTo === undefined || compactedTo > upTo + 1) return missed;
  const what = `${asked.name}, told up to ${upTo}, is ended as compacted to ${compactedTo}`;
  return [...missed, { guarantee: "watch-resumable", what }];
}
