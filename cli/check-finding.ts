// A line of `hansa check`: what was looked at, the number that was found, the verdict, and what to do.
import type { CellTone } from "./table.ts";
import type { View } from "./view.ts";

export type Verdict = "pass" | "warn" | "fail";

export interface Finding {
  readonly subject: string;
  readonly verdict: Verdict;
  /** With its unit. */
  readonly found: string;
  /** Empty: nothing. */
  readonly advice: string;
}

/** `warnAt` and `failAt`: from there on. */
export function graded(value: number, warnAt: number, failAt: number): Verdict {
  return value >= failAt ? "fail" : value >= warnAt ? "warn" : "pass";
}

export function finding(subject: string, verdict: Verdict, found: string, advice: string): Finding {
  return { subject, verdict, found, advice: verdict === "pass" ? "" : advice };
}

/** The worst of all. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  const has = (verdict: Verdict): boolean => findings.some((one) => one.verdict === verdict);
  return has("fail") ? "fail" : has("warn") ? "warn" : "pass";
}

export function findingsView(findings: readonly Finding[]): View {
  const rows = findings.map(({ subject, verdict, found, advice }) => [
    verdict.toUpperCase(),
    subject,
    found,
    advice,
  ]);
  const wide = Math.max(...findings.map(({ subject }) => subject.length));
  return {
    simple: rows.map(([verdict = "", subject = "", found = "", advice = ""]) => {
      const told = advice === "" ? "" : `; ${advice}`;
      return `${verdict}  ${subject.padEnd(wide)}  ${found}${told}\n`;
    }),
    table: { head: ["VERDICT", "SUBJECT", "FOUND", "WHAT TO DO"], rows, tone: toneOf },
    json: { verdict: verdictOf(findings), findings: findings.map((one) => ({ ...one })) },
  };
}

const toneOf: CellTone = (column, text) => {
  if (column !== "VERDICT") return undefined;
  return text === "PASS" ? "good" : text === "WARN" ? "warn" : "bad";
};
