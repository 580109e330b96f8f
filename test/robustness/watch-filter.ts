// Filter: a watch is told of its own keys, and of the kinds of events that it asked for.
import type { Finding } from "./finding.ts";
import { spans } from "./history.ts";
import { eventText } from "./watch-record.ts";
import type { WatchRecord } from "./watch-record.ts";

export function filterFindings({ asked, told }: WatchRecord): readonly Finding[] {
  const findings: Finding[] = [];
  for (const event of told.flatMap(({ events }) => events)) {
    const wanted = event.kind === "put" ? asked.puts : asked.deletes;
    if (wanted && spans(asked, event.key) && event.revision >= asked.from) continue;
    const what = `${asked.name} is told ${eventText(event)}, which it did not ask for`;
    findings.push({ guarantee: "watch-filter", what });
  }
  return findings;
}
