// What an event shows is what happened: the pair as it was written, new exactly if none stood there (IsCreate),
// and with it the one that stood there (PrevKV), unless compaction has taken that.
import type { Finding, WatchGuarantee } from "./finding.ts";
import type { History, Pair } from "./history.ts";
import { eventText } from "./watch-record.ts";
import type { ToldEvent, WatchAsked, WatchRecord } from "./watch-record.ts";

/** `compacted`: the highest revision to which the history was cut by then. */
export function pairFindings(
  history: History,
  compacted: number,
  { asked, told }: WatchRecord,
): readonly Finding[] {
  return told.flatMap(({ events }) =>
    events.flatMap((event) => findingsOf(history, compacted, asked, event)),
  );
}

function findingsOf(
  history: History,
  compacted: number,
  asked: WatchAsked,
  event: ToldEvent,
): readonly Finding[] {
  const { revision, key, kind, pair, before } = event;
  const change = history.changeOf(revision, key, kind === "delete");
  const find = (guarantee: WatchGuarantee, what: string): readonly Finding[] => {
    return [{ guarantee, what: `${asked.name} is told ${eventText(event)}, ${what}` }];
  };
  if (change === undefined) return find("watch-true", "which never happened");
  const isNew = pair !== undefined && pair.createRevision === pair.modRevision;
  if (kind === "put" && isNew !== (change.before === undefined)) {
    return find("watch-is-create", isNew ? "as new" : "as a change of what was not there");
  }
  if (textOf(pair) !== textOf(change.pair)) {
    return find("watch-true", `as ${textOf(pair)}; it was ${textOf(change.pair)}`);
  }
  if (before === undefined) {
    const mayLack = !asked.prevKv || change.before === undefined || revision <= compacted;
    return mayLack ? [] : find("watch-prev-kv", `without ${textOf(change.before)} before it`);
  }
  if (asked.prevKv && textOf(before) === textOf(change.before)) return [];
  return find("watch-prev-kv", `after ${textOf(before)}; it was after ${textOf(change.before)}`);
}

function textOf(pair: Pair | undefined): string {
  if (pair === undefined) return "nothing";
  const { key, value, createRevision, modRevision, version, lease } = pair;
  return `${key}=${value}@${createRevision}.${modRevision}.${version} of lease ${lease}`;
}
