// Every guarantee of a watch, judged on its record: etcd's nine, that events are true, and that stated ages are.
import type { Finding } from "./finding.ts";
import type { History } from "./history.ts";
import { bookmarkFindings } from "./watch-bookmark.ts";
import { filterFindings } from "./watch-filter.ts";
import { orderFindings } from "./watch-order.ts";
import { pairFindings } from "./watch-pairs.ts";
import type { WatchRecord } from "./watch-record.ts";
import { reliabilityFindings } from "./watch-reliable.ts";
import { statementFindings } from "./watch-statement.ts";

/** What is wrong in itself comes before what is wrong beside the history. */
export function watchFindings(
  history: History,
  compacted: number,
  record: WatchRecord,
): readonly Finding[] {
  return [
    ...filterFindings(record),
    ...orderFindings(record),
    ...bookmarkFindings(record),
    ...statementFindings(record),
    ...pairFindings(history, compacted, record),
    ...reliabilityFindings(history, record),
  ];
}
