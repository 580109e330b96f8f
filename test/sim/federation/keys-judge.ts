// What a member keeps of a key is what the definition says of the transactions that it has applied; a tombstone goes
// only once nobody can write anything any more that had not seen it, newcomers included; where siblings count, a change of them takes a
// revision (federation 5, 6, 9, 10).
import { keyOf } from "../../../base/index.ts";
import type { Key } from "../../../base/index.ts";
import { countOf, dotText, hasDot, hasSeen } from "../../../federation/index.ts";
import type { Dot, OriginId, Sequence, Transaction, Vector } from "../../../federation/index.ts";
import { isRefusal } from "../../../store/index.ts";
import type { KeyValue, RangeRequest } from "../../../store/index.ts";
import { rangeOf } from "../../store/requests.ts";
import { demand } from "../violation.ts";
import type { Directory } from "./directory.ts";
import type { Ledger } from "./ledger.ts";
import type { Member, Region } from "./region.ts";

/** Under these a client's compare on the mod revision protects what it has not seen. */
const COUNTS_SIBLINGS: ReadonlySet<string> = new Set(["siblings", "merge", "resolver"]);

interface Seen {
  readonly dots: string;
  readonly mod: number;
}

export interface KeysJudgeInit {
  readonly ledger: Ledger;
  readonly directory: Directory;
  /** All that any life of the region ever applied. */
  readonly everApplied: (name: string) => Vector;
}

export class KeysJudge {
  readonly #init: KeysJudgeInit;
  readonly #seen = new WeakMap<Member, Map<Key, Seen>>();
  /** Purges that were judged, of each member. */
  readonly #purged = new WeakMap<Member, Set<string>>();
  /** What each member was seen to keep, by key and dot: what it keeps no more, it let go of by itself. */
  readonly #kept = new WeakMap<Member, Set<string>>();
  /** Origins under which their regions may write. */
  readonly #live = new Set<OriginId>();
  /** Deletes that some region has forgotten. */
  readonly #forgotten = new Map<string, Dot>();

  constructor(init: KeysJudgeInit) {
    this.#init = init;
  }

  /** Another region's state took the place of the member's. */
  onReplaced(member: Member): void {
    this.#kept.delete(member);
  }

  checkAll(region: Region, member: Member): void {
    for (const key of this.#init.ledger.keys) this.check(region, member, key);
  }

  check(region: Region, member: Member, key: Key): void {
    const { applied, state } = member.federated;
    const { ledger } = this.#init;
    const policy = state.rules.policyOf(key);
    if (policy === undefined || policy.progress.stage === "closed") return;
    if (policy.kind !== undefined) {
      const shown = shownOf(member, key);
      const due = ledger.kindOf(key, applied, policy.kind);
      demand(
        due === shown?.value,
        "kinds",
        () => `${region.name} ${key}: ${String(shown?.value)}, by definition ${String(due)}`,
      );
      return;
    }
    const { siblings } = state.recordOf(key);
    const { siblings: due, settledAway } = ledger.dueOf(key, applied);
    const kept = siblings.map(({ dot }) => dotText(dot));
    const isPurged =
      kept.length === 0 && due.length === 1 && this.#mayPurge(region, member, key, due);
    demand(
      isPurged || kept.join() === due.join(),
      "siblings",
      () =>
        `${region.name}.${member.at} ${key} keeps ${kept.join()}, by definition ${due.join()}\n` +
        ledger.historyOf(key),
    );
    demand(
      settledAway.length === 0,
      "settled-away",
      () =>
        `${region.name}.${member.at} ${key} lost ${settledAway.join()}, each to what was settled ` +
        `away too\n${ledger.historyOf(key)}`,
    );
    const known = this.#kept.get(member) ?? new Set();
    this.#kept.set(member, known);
    for (const dot of kept) known.add(`${key} ${dot}`);
    if (!COUNTS_SIBLINGS.has(policy.policy)) return;
    const mod = shownOf(member, key)?.mod ?? 0;
    this.#checkRevision(region, member, key, { dots: kept.join(), mod });
  }

  /** The only sibling by definition, which is not kept. */
  #mayPurge(region: Region, member: Member, key: Key, [due = ""]: readonly string[]): boolean {
    const dot = dotOf(due);
    const known = this.#purged.get(member) ?? new Set();
    this.#purged.set(member, known);
    if (known.has(due)) return true;
    known.add(due);
    // It came with another region's state, or with a backup: it was judged where it was forgotten, among the members of
    // that time. Who joined since takes a state that has it behind it.
    if (this.#kept.get(member)?.has(`${key} ${due}`) !== true && this.#forgotten.has(due))
      return true;
    const { config, self, applied } = member.federated;
    const { ledger, everApplied } = this.#init;
    for (const { name, origin } of config.members) {
      if (origin === self) continue;
      demand(
        hasDot(everApplied(name), dot),
        "stable-cut",
        () => `${region.name} forgot the delete ${due}, which ${name} has not applied`,
      );
      for (let next = countOf(applied, origin) + 1; next <= ledger.lastOf(origin); next += 1) {
        const coming = ledger.of({ origin, sequence: next as Sequence });
        demand(
          coming === undefined || hasSeen(coming.transaction, dot),
          "stable-cut",
          () => `${region.name} forgot the delete ${due}, which ${origin}:${next} has not seen`,
        );
      }
    }
    this.#forgotten.set(due, dot);
    return true;
  }

  /** Once it may write: as `onMinted` has it, of whatever it writes first. */
  onLive(region: Region, { federated: { self, applied } }: Member): void {
    if (self === undefined || this.#live.has(self)) return;
    this.#live.add(self);
    for (const [named, dot] of this.#forgotten) {
      demand(
        hasDot(applied, dot) || this.#isBeyondCut(dot),
        "marker",
        () => `${region.name} may write as ${self} without ${named}, a delete, forgotten`,
      );
    }
  }

  /** Who has not seen a delete that was forgotten brings back what was deleted (federation 11, trap 31). */
  onMinted(region: Region, transaction: Transaction): void {
    if (this.#isBeyondCut(transaction)) return;
    for (const [named, dot] of this.#forgotten) {
      demand(
        hasSeen(transaction, dot) || this.#isBeyondCut(dot),
        "marker",
        () => `${region.name} wrote ${dotText(transaction)} without ${named}, a delete, forgotten`,
      );
    }
  }

  #isBeyondCut({ origin, sequence }: Dot): boolean {
    return sequence > (this.#init.directory.cutOf(origin) ?? Infinity);
  }

  #checkRevision(region: Region, member: Member, key: Key, now: Seen): void {
    const seen = this.#seen.get(member) ?? new Map<Key, Seen>();
    this.#seen.set(member, seen);
    const before = seen.get(key);
    seen.set(key, now);
    // Without siblings there was the region's own value, which got its dot.
    if (before === undefined || before.dots === "" || now.dots === "") return;
    if (before.mod === 0 || now.mod === 0) return;
    demand(
      before.dots === now.dots || before.mod !== now.mod,
      "sibling-revision",
      () => `${region.name} ${key}: ${before.dots} became ${now.dots} under revision ${now.mod}`,
    );
  }
}

export function dotOf(text: string): Dot {
  const [origin = "0", sequence = "0"] = text.split(":");
  return { origin: Number(origin), sequence: Number(sequence) } as Dot;
}

/** What a client reads. */
export function shownOf(
  member: Member,
  key: Key,
): { readonly value: string; readonly mod: number } | undefined {
  const [first] = kvsOf(member, rangeOf(key));
  return first && { value: keyOf(first.value), mod: first.modRevision };
}

/** The same of every key there is. */
export function allShown(member: Member): ReadonlyMap<Key, string> {
  const kvs = kvsOf(member, rangeOf("\0", { until: "\0" }));
  return new Map(kvs.map(({ key, value }) => [key, keyOf(value)]));
}

/** Without the way over JSON that a `Host` makes of an answer: this is asked of every key, again and again. */
function kvsOf({ host }: Member, request: RangeRequest): readonly KeyValue[] {
  const plan = host.machine.planRange(request);
  const answer = isRefusal(plan) ? plan : plan.answer(host.load(plan.missing));
  return isRefusal(answer) ? [] : answer.kvs;
}
