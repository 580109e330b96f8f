// What clients were told: an acknowledged write is everywhere in the end, unless it lies beyond the cut of a region that
// was lost (federation 11, W = 1); a write under `siblings` takes away only what its client could have seen; and who is
// named as having a write has it (federation 6, 13, 19).
import type { Key } from "../../../base/index.ts";
import {
  SIBLINGS_MAX,
  countOf,
  dotText,
  hasDot,
  hasSeen,
  memberOf,
} from "../../../federation/index.ts";
import type { Dot, OriginId, Sequence, Transaction, Vector } from "../../../federation/index.ts";
import type { Request } from "../../../store/index.ts";
import { demand } from "../violation.ts";
import type { Directory } from "./directory.ts";
import { dotOf } from "./keys-judge.ts";
import type { Ledger } from "./ledger.ts";
import type { Region } from "./region.ts";

export interface WritesJudgeInit {
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly everApplied: (name: string) => Vector;
  /** A dot may have meant something else before: what its client had seen is not known. */
  readonly mayFork: boolean;
}

export class WritesJudge {
  readonly #init: WritesJudgeInit;
  readonly #acknowledged: Dot[] = [];
  /** By conflict, its key and its siblings: who has answered it. */
  readonly #resolvedBy = new Map<string, OriginId>();
  /** Each of at least one other region. */
  readonly #reached: {
    readonly key: Key;
    readonly dot: Dot;
    readonly holders: readonly OriginId[];
  }[] = [];
  reachedCount = 0;

  constructor(init: WritesJudgeInit) {
    this.#init = init;
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  onAcknowledged(region: Region, request: Request, dots: readonly Dot[]): void {
    this.#acknowledged.push(...dots);
    const asked = this.#init.mayFork ? [] : plainKeys(request);
    for (const dot of dots) {
      const minted = this.#init.ledger.of(dot)?.transaction;
      for (const key of asked) if (minted !== undefined) this.#checkSeen(region, minted, key);
    }
  }

  /** Under `siblings` a write without a context has seen what is shown, and tombstones. */
  #checkSeen(region: Region, minted: Transaction, key: Key): void {
    const { ledger, directory } = this.#init;
    const policy = directory
      .configAt(minted.epoch)
      ?.policies.find(({ prefix }) => key.startsWith(prefix));
    const operation = minted.operations.find((one) => one.key === key);
    if (policy?.policy !== "siblings" || policy.kind !== undefined) return;
    if (operation === undefined || !("context" in operation)) return;
    const before = this.#before(minted, key);
    if (before.length >= SIBLINGS_MAX) return;
    const shown = before.reduce<Dot | undefined>(
      (best, dot) => (best === undefined || isLater(ledger, dot, best) ? dot : best),
      undefined,
    );
    const { context } = operation;
    const taken = before.filter((dot) =>
      context === "all-seen"
        ? hasSeen(minted, dot)
        : context.some((named) => dotText(named) === dotText(dot)),
    );
    // Where a tombstone is the latest, nothing is shown and nothing was seen.
    const unseen = taken.filter((dot) => dot !== shown && isPut(ledger.of(dot)?.transaction, key));
    demand(
      unseen.length === 0,
      "unseen-write",
      () =>
        `${region.name} ${dotText(minted)} took ${unseen.map(dotText).join()} of ${key}, ` +
        `which its client had not seen`,
    );
  }

  /**
   * A conflict is answered by one region, for two answers are the next conflict, and so on without end; but where its
   * winner's origin is closed by any (federation 8, trap 7).
   */
  onResolved(region: Region, key: Key, dots: readonly Dot[]): void {
    const { ledger, directory } = this.#init;
    for (const dot of this.#init.mayFork ? [] : dots) {
      const minted = ledger.of(dot)?.transaction;
      if (minted === undefined) continue;
      const siblings = this.#before(minted, key);
      const winner = siblings.reduce<Dot | undefined>(
        (best, one) => (best === undefined || isLater(ledger, one, best) ? one : best),
        undefined,
      );
      if (winner === undefined || directory.cutOf(winner.origin) !== undefined) continue;
      const conflict = `${key} ${siblings.map(dotText).join()}`;
      const first = this.#resolvedBy.get(conflict) ?? dot.origin;
      this.#resolvedBy.set(conflict, first);
      demand(
        first === dot.origin,
        "one-resolver",
        () => `${region.name} answered by ${dotText(dot)} what origin ${first} had: ${conflict}`,
      );
    }
  }

  /** Siblings of the key as its region had them. */
  #before(minted: Transaction, key: Key): readonly Dot[] {
    const past = new Map(minted.deps);
    if (minted.sequence > 1) past.set(minted.origin, (minted.sequence - 1) as Sequence);
    return this.#init.ledger.siblingsOf(key, past).map(dotOf);
  }

  /** `names`: regions that are said to have the write. */
  onReached(region: Region, key: Key, dot: Dot, names: readonly string[]): void {
    this.reachedCount += 1;
    const { directory } = this.#init;
    const others = names.filter((name) => name !== region.name);
    const holders = others.flatMap((name) => directory.originOf(name) ?? []);
    this.#reached.push({ key, dot, holders });
    for (const name of names) {
      demand(
        hasDot(this.#init.everApplied(name), dot),
        "write-regions",
        () => `${region.name} counted ${name} for ${dotText(dot)}, which has not committed it`,
      );
    }
  }

  /** A home moves without what nobody knew of; what a region has that is still there was known (federation 12). */
  #checkKept(): void {
    const { directory, ledger } = this.#init;
    const { config } = directory;
    for (const { key, dot, holders } of this.#reached) {
      if (!holders.some((origin) => memberOf(config, origin) !== undefined)) continue;
      const minted = ledger.of(dot)?.transaction.epoch ?? 0;
      const home = config.homes.find(({ prefix }) => key.startsWith(prefix));
      const isLate = home?.late?.some(
        ({ origin, epoch, cut }) => origin === dot.origin && minted < epoch && dot.sequence > cut,
      );
      demand(
        isLate !== true,
        "home-kept",
        () =>
          `${dotText(dot)} of ${key} comes late, though it was acknowledged by ${holders.join()}`,
      );
    }
  }

  /** When everything is healed. */
  checkEnd(regions: readonly Region[]): void {
    this.#checkKept();
    for (const dot of this.#acknowledged) {
      const cut = this.#init.directory.cutOf(dot.origin) ?? Infinity;
      if (dot.sequence > cut) continue;
      for (const region of regions) {
        for (const { at, federated } of region.members) {
          demand(
            countOf(federated.applied, dot.origin) >= dot.sequence,
            "durability",
            () => `${region.name}.${at} lacks ${dotText(dot)}, which was acknowledged`,
          );
        }
      }
    }
  }
}

/** Keys that the request writes without saying what its client has read. */
function plainKeys(request: Request): readonly Key[] {
  if (request.kind === "put") return request.put.siblingContext ? [] : [request.put.key];
  if (request.kind === "delete-range" && request.deleteRange.end === undefined) {
    return request.deleteRange.siblingContext ? [] : [request.deleteRange.key];
  }
  return [];
}

function isPut(transaction: Transaction | undefined, key: Key): boolean {
  return transaction?.operations.some((one) => one.key === key && one.action === "put") === true;
}

function isLater(ledger: Ledger, left: Dot, right: Dot): boolean {
  const [one, other] = [ledger.of(left)?.transaction.hlc, ledger.of(right)?.transaction.hlc];
  if (one === undefined || other === undefined) return false;
  if (one !== other) return one > other;
  return left.origin === right.origin ? left.sequence > right.sequence : left.origin > right.origin;
}
