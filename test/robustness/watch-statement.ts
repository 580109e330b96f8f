// Fresh: a member that states how old its state is at most, with what it tells a watch, is right (F3).
import type { Finding } from "./finding.ts";
import type { WatchRecord } from "./watch-record.ts";

/** Of rounding in clock arithmetic, in ms. */
const AGE_SLACK_MS = 1e-6;

export function statementFindings({ asked, told }: WatchRecord): readonly Finding[] {
  return told.flatMap(({ upTo, statement }) => {
    if (statement === undefined || statement.ageMs <= statement.boundMs + AGE_SLACK_MS) return [];
    const { ageMs, boundMs } = statement;
    const what = `${asked.name}, told up to ${upTo}, is told a bound of ${boundMs} ms at an age of ${ageMs} ms`;
    return [{ guarantee: "watch-fresh", what }];
  });
}
