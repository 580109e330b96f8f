// Ordered: revisions never go back. Unique: no event comes twice. Atomic: the events of one revision come in one
// answer, its fragments taken together.
import type { Finding } from "./finding.ts";
import { eventText, wholeAnswers } from "./watch-record.ts";
import type { WatchRecord } from "./watch-record.ts";

export function orderFindings(record: WatchRecord): readonly Finding[] {
  const { name } = record.asked;
  const findings: Finding[] = [];
  const seen = new Set<string>();
  let last = 0;
  for (const { events } of wholeAnswers(record)) {
    const before = last;
    for (const event of events) {
      const { kind, key, revision } = event;
      const id = `${revision} ${kind} ${key}`;
      const text = eventText(event);
      if (seen.has(id)) {
        findings.push({ guarantee: "watch-unique", what: `${name} is told ${text} again` });
      } else if (revision < last) {
        const what = `${name} is told ${text} after one of ${last}`;
        findings.push({ guarantee: "watch-ordered", what });
      } else if (revision === before) {
        const what = `${name} is told ${text} in another answer than the rest of its revision`;
        findings.push({ guarantee: "watch-atomic", what });
      }
      seen.add(id);
      last = Math.max(last, revision);
    }
  }
  return findings;
}
