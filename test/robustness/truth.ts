// What happened, put together from all that every member was heard to say of every key: revision by revision without
// a gap, and with it when each was first heard of.
import type { Finding } from "./finding.ts";
import { History } from "./history.ts";
import { revisionOf, toldOf } from "./watch-answer.ts";
import type { WatchAnswer } from "./watch-answer.ts";
import type { ToldEvent } from "./watch-record.ts";

/** A write that somebody was told is done. */
export interface Acknowledged {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

interface Heard {
  readonly atMs: number;
  readonly events: readonly ToldEvent[];
}

export class Truth {
  readonly #heard = new Map<number, Heard>();
  #revision = 1;

  /** The last revision that anybody told of. */
  get revision(): number {
    return this.#revision;
  }

  /** An answer to a watch of every key. */
  onHeard(answer: WatchAnswer): void {
    this.#revision = Math.max(this.#revision, revisionOf(answer));
    // Parts of a revision are not asked for: what comes is whole.
    const byRevision = new Map<number, ToldEvent[]>();
    for (const event of toldOf(answer).events) {
      const events = byRevision.get(event.revision);
      if (events === undefined) byRevision.set(event.revision, [event]);
      else events.push(event);
    }
    const atMs = performance.now();
    for (const [revision, events] of byRevision) {
      if (!this.#heard.has(revision)) this.#heard.set(revision, { atMs, events });
    }
  }

  heardAtMs(revision: number): number | undefined {
    return this.#heard.get(revision)?.atMs;
  }

  /** Up to the first gap, and the gap, if there is one. */
  history(): { readonly history: History; readonly findings: readonly Finding[] } {
    const history = new History();
    for (let revision = 2; revision <= this.#revision; revision += 1) {
      const heard = this.#heard.get(revision);
      if (heard === undefined) {
        const what = `no member told of revision ${revision}, up to ${this.#revision}`;
        return { history, findings: [{ guarantee: "watch-reliable", what }] };
      }
      history.commit(
        heard.events.map(({ key, pair }) => {
          return { key, value: pair?.value, lease: pair?.lease ?? 0n };
        }),
      );
    }
    return { history, findings: [] };
  }
}

/** Persisted: every acknowledged write is in the history, where its answer said. */
export function acknowledgedFindings(
  history: History,
  acknowledged: readonly Acknowledged[],
): readonly Finding[] {
  return acknowledged.flatMap(({ key, value, revision }) => {
    const found = history.changeOf(revision, key, false)?.pair?.value;
    if (found === value) return [];
    const what = `${key}=${value} was acknowledged at ${revision}; there it is ${found ?? "nothing"}`;
    return [{ guarantee: "watch-true", what } as const];
  });
}
