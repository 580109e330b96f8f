// What the siblings of a key and the content of a kind's key are by definition, of a set of transactions and nothing
// else: every write is held against every other (federation 5, 9, 19). No state, no order, none of the product's rules
// but what a transaction has seen.
import type { Hlc, Key } from "../../base/index.ts";
import type { Dot } from "../../federation/dot.ts";
import type { KindOperation } from "../../federation/kind.ts";
import type { Operation, Transaction } from "../../federation/transaction.ts";

interface Deed<Done> {
  readonly by: Transaction;
  readonly done: Done;
}

/** "3:41 value", or "3:41" for a tombstone: in order of dots. */
export function siblingsByDefinition(transactions: readonly Transaction[], key: Key): string[] {
  const deeds = plainDeeds(transactions, key);
  return deeds
    .filter(({ done }) => done.action !== "settle" && done.action !== "expire")
    .filter((deed) => !deeds.some((other) => removes(other, deed)))
    .sort(byDot)
    .map(({ by, done }) => text(by, done.action === "put" ? done.value : undefined));
}

/**
 * Dots of the puts and deletes that were settled away with whatever they were to lose to: a write may go for another only
 * where that one stays, was overwritten, ended with its lease, or went for one of which the same is true.
 */
export function settledAwayByDefinition(transactions: readonly Transaction[], key: Key): string[] {
  const deeds = plainDeeds(transactions, key);
  const keptOver = new Map<string, Dot[]>();
  for (const { done } of deeds) {
    if (done.action !== "settle") continue;
    for (const { dot } of done.lost) {
      const at = text(dot, undefined);
      keptOver.set(at, [...(keptOver.get(at) ?? []), done.kept]);
    }
  }
  const others = deeds.filter(({ done }) => done.action !== "settle");
  const accounted = new Set<string>();
  const isAccounted = (dot: Dot, passed: Set<string>): boolean => {
    const at = text(dot, undefined);
    if (accounted.has(at)) return true;
    if (passed.has(at)) return false;
    passed.add(at);
    const deed = others.find(({ by, done }) => is(dot, by) && done.action !== "expire");
    if (deed === undefined) return false;
    // What no settlement drops is a sibling, or was removed in another way.
    const kept = keptOver.get(at) ?? [];
    const isKept = kept.length === 0 || kept.some((one) => isAccounted(one, passed));
    if (!isKept && !others.some((other) => removes(other, deed))) return false;
    accounted.add(at);
    return true;
  };
  return others
    .filter(({ by, done }) => done.action !== "expire" && keptOver.has(text(by, undefined)))
    .filter(({ by }) => !isAccounted(by, new Set()))
    .sort(byDot)
    .map(({ by }) => text(by, undefined));
}

export function text({ origin, sequence }: Dot, value: Uint8Array | undefined): string {
  const at = `${origin}:${sequence}`;
  return value === undefined ? at : `${at} ${String.fromCharCode(...value)}`;
}

type Plain = Exclude<Operation, { readonly action: "kind" }>;

function plainDeeds(transactions: readonly Transaction[], key: Key): Deed<Plain>[] {
  return deedsOn(transactions, key, (one) => (one.action === "kind" ? undefined : one));
}

function removes(one: Deed<Plain>, other: Deed<Plain>): boolean {
  if (one === other) return false;
  if (one.done.action === "settle") return one.done.lost.some(({ dot }) => is(dot, other.by));
  if (one.done.action === "expire") {
    const isNamed = one.done.dots.some((dot) => is(dot, other.by));
    return isNamed || (other.done.action === "delete" && saw(one.by, other.by));
  }
  const { context } = one.done;
  if (context === "all-seen" || other.done.action === "delete") return saw(one.by, other.by);
  return context.some((dot) => is(dot, other.by));
}

function is(dot: Dot, by: Dot): boolean {
  return dot.origin === by.origin && dot.sequence === by.sequence;
}

/** Written down once more, so that the product's own word for it is tested too. */
function saw(later: Transaction, earlier: Transaction): boolean {
  const seen =
    later.origin === earlier.origin ? later.sequence - 1 : (later.deps.get(earlier.origin) ?? 0);
  return earlier.sequence <= seen;
}

function byDot(left: { readonly by: Dot }, right: { readonly by: Dot }): number {
  return left.by.origin - right.by.origin || left.by.sequence - right.by.sequence;
}

function deedsOn<Done>(
  transactions: readonly Transaction[],
  key: Key,
  pick: (operation: Operation) => Done | undefined,
): Deed<Done>[] {
  return transactions.flatMap((by) =>
    by.operations.flatMap((operation) => {
      const done = operation.key === key ? pick(operation) : undefined;
      return done === undefined ? [] : [{ by, done }];
    }),
  );
}

/** What a client reads of a key of that kind; undefined: there is none. */
export function kindByDefinition(
  transactions: readonly Transaction[],
  key: Key,
  kind: KindOperation["kind"],
): string | undefined {
  const deeds = deedsOn(transactions, key, (one) =>
    one.action === "kind" && one.operation.kind === kind ? one.operation : undefined,
  );
  switch (kind) {
    case "counter":
      return counter(deeds);
    case "bounded-counter":
      return bounded(deeds);
    case "set":
      return set(deeds);
    case "map":
      return map(deeds);
    case "register":
      return register(deeds);
    case "flag":
      return flag(deeds);
  }
}

type KindDeed = Deed<KindOperation>;

/** An addition counts unless a reset or a delete had seen it. */
function counter(deeds: readonly KindDeed[]): string | undefined {
  const enders = deeds.filter(({ done }) => done.action === "reset" || done.action === "delete");
  const deletes = deeds.filter(({ done }) => done.action === "delete");
  const kept = deeds.filter(({ done }) => done.action !== "delete");
  if (kept.every((deed) => deletes.some((other) => saw(other.by, deed.by)))) return undefined;
  const sum = kept
    .filter((deed) => !enders.some((other) => saw(other.by, deed.by)))
    .reduce((total, { done }) => total + ("amount" in done ? done.amount : 0n), 0n);
  return sum.toString();
}

function bounded(deeds: readonly KindDeed[]): string | undefined {
  if (deeds.length === 0) return undefined;
  const amounts = deeds.map(({ done }) => {
    if (!("amount" in done) || done.action === "transfer") return 0n;
    return done.action === "add" ? done.amount : -done.amount;
  });
  return amounts.reduce((total, amount) => total + amount, 0n).toString();
}

/** Of the deeds that `makes` picks, those that no deed that `unmakes` had seen. */
function standing(
  deeds: readonly KindDeed[],
  makes: (done: KindOperation) => boolean,
  unmakes: (done: KindOperation) => boolean,
): KindDeed[] {
  const enders = deeds.filter(({ done }) => unmakes(done));
  return deeds.filter(
    (deed) => makes(deed.done) && !enders.some((other) => other !== deed && saw(other.by, deed.by)),
  );
}

function set(deeds: readonly KindDeed[]): string | undefined {
  const names = new Set(deeds.flatMap(({ done }) => ("add" in done ? done.add : [])));
  const there = [...names].filter((name) => {
    const makes = (done: KindOperation): boolean => "add" in done && done.add.includes(name);
    const unmakes = (done: KindOperation): boolean =>
      done.action === "delete" || ("add" in done && done.remove.includes(name));
    return standing(deeds, makes, unmakes).length > 0;
  });
  return there.length === 0 ? undefined : JSON.stringify(there.sort());
}

function map(deeds: readonly KindDeed[]): string | undefined {
  const puts = (done: KindOperation): readonly { field: Key; value: Key }[] =>
    "put" in done ? done.put : [];
  const names = [...new Set(deeds.flatMap(({ done }) => puts(done).map(({ field }) => field)))];
  const shown = names.sort().flatMap((name): [string, string][] => {
    const makes = (done: KindOperation): boolean => puts(done).some(({ field }) => field === name);
    const unmakes = (done: KindOperation): boolean =>
      makes(done) || done.action === "delete" || ("put" in done && done.remove.includes(name));
    const last = latest(standing(deeds, makes, unmakes));
    const value = last && puts(last.done).find(({ field }) => field === name)?.value;
    return value === undefined ? [] : [[name, value]];
  });
  // Not of an object: that would order fields that are numbers as numbers.
  const members = shown.map((member) => member.map((one) => JSON.stringify(one)).join(":"));
  return shown.length === 0 ? undefined : `{${members.join(",")}}`;
}

function register(deeds: readonly KindDeed[]): string | undefined {
  const last = latest(
    standing(
      deeds,
      (done) => done.action === "write",
      () => true,
    ),
  );
  if (last?.done.kind !== "register" || last.done.action !== "write") return undefined;
  return String.fromCharCode(...last.done.value);
}

function flag(deeds: readonly KindDeed[]): string | undefined {
  const writes = standing(
    deeds,
    (done) => done.action === "write",
    () => true,
  );
  if (writes.length === 0) return undefined;
  return String(writes.some(({ done }) => "enabled" in done && done.enabled));
}

function latest(deeds: readonly KindDeed[]): KindDeed | undefined {
  const stamp = ({ by }: KindDeed): readonly [Hlc, Dot] => [by.hlc, by];
  return [...deeds].sort((left, right) => {
    const [leftHlc, rightHlc] = [stamp(left)[0], stamp(right)[0]];
    return leftHlc === rightHlc ? byDot(left, right) : leftHlc < rightHlc ? -1 : 1;
  })[deeds.length - 1];
}
