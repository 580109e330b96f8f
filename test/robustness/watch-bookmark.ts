// Bookmarkable: an answer's revision says that everything up to it has been told, and nothing beyond it; what
// comes later lies behind it (etcd#15220).
import type { Finding } from "./finding.ts";
import { eventText, wholeAnswers } from "./watch-record.ts";
import type { WatchRecord } from "./watch-record.ts";

export function bookmarkFindings(record: WatchRecord): readonly Finding[] {
  const { name } = record.asked;
  const findings: Finding[] = [];
  const find = (what: string): void => {
    findings.push({ guarantee: "watch-bookmarkable", what: `${name} ${what}` });
  };
  let marked = 0;
  for (const { upTo, events } of wholeAnswers(record)) {
    if (upTo < marked) find(`is told up to ${upTo} after it was told up to ${marked}`);
    for (const event of events) {
      const text = eventText(event);
      if (event.revision <= marked) find(`is told ${text} after it was told up to ${marked}`);
      if (event.revision > upTo) find(`is told ${text} in an answer up to ${upTo}`);
    }
    marked = Math.max(marked, upTo);
  }
  return findings;
}
