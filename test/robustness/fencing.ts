// Locks: at most one holder at any revision, and what is written under a lock's token comes in the order of the
// tokens: who was overtaken writes no more, however long it slept.
import type { Finding } from "./finding.ts";
import type { History } from "./history.ts";

/** A lock was said to be held; the token is the revision at which its key was created. */
export interface Holding {
  readonly holder: string;
  readonly key: string;
  readonly token: number;
}

/** A write that was to succeed only while its writer held the lock, and did. */
export interface FencedWrite {
  readonly holder: string;
  readonly token: number;
  readonly revision: number;
}

/** `prefix`: of the keys of this lock's holders and of those who wait. */
export function lockFindings(
  history: History,
  prefix: string,
  holdings: readonly Holding[],
  writes: readonly FencedWrite[],
): readonly Finding[] {
  return [...exclusionFindings(history, prefix, holdings, writes), ...fencingFindings(writes)];
}

/** A token names one holder and its key; and who writes is first in line: no key of a lower token is there. */
function exclusionFindings(
  history: History,
  prefix: string,
  holdings: readonly Holding[],
  writes: readonly FencedWrite[],
): readonly Finding[] {
  const findings: Finding[] = [];
  const find = (what: string): void => {
    findings.push({ guarantee: "lock-exclusion", what });
  };
  const holderOf = new Map<number, string>();
  for (const { holder, key, token } of holdings) {
    const other = holderOf.get(token) ?? holder;
    holderOf.set(token, other);
    if (other !== holder) find(`${other} and ${holder} both hold ${prefix} by token ${token}`);
    const created = history.changeOf(token, key, false)?.pair;
    if (created?.createRevision !== token) {
      find(`${holder} holds ${prefix} by token ${token}, at which ${key} was not created`);
    }
  }
  const lines = new Line(history, prefix);
  for (const { holder, token, revision } of [...writes].sort(byRevision)) {
    const first = lines.firstAt(revision);
    if (first === token) continue;
    find(
      `${holder} writes by token ${token} at ${revision}; first in line is ${first ?? "nobody"}`,
    );
  }
  return findings;
}

/** Who holds and who waits, revision by revision. */
class Line {
  readonly #history: History;
  readonly #prefix: string;
  readonly #tokens = new Map<string, number>();
  #revision = 1;

  constructor(history: History, prefix: string) {
    this.#history = history;
    this.#prefix = prefix;
  }

  /** Asked of revisions in order. */
  firstAt(revision: number): number | undefined {
    for (const { key, pair } of this.#history.changesIn(this.#revision + 1, revision)) {
      if (!key.startsWith(this.#prefix)) continue;
      if (pair === undefined) this.#tokens.delete(key);
      else this.#tokens.set(key, pair.createRevision);
    }
    this.#revision = revision;
    return this.#tokens.size === 0 ? undefined : Math.min(...this.#tokens.values());
  }
}

function fencingFindings(writes: readonly FencedWrite[]): readonly Finding[] {
  const findings: Finding[] = [];
  let highest = 0;
  for (const { holder, token, revision } of [...writes].sort(byRevision)) {
    if (token < highest) {
      const what = `${holder} writes by token ${token} at ${revision}, after one by token ${highest}`;
      findings.push({ guarantee: "lock-fencing", what });
    }
    highest = Math.max(highest, token);
  }
  return findings;
}

function byRevision(left: FencedWrite, right: FencedWrite): number {
  return left.revision - right.revision;
}
