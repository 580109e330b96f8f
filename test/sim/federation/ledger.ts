// Every transaction that any region minted, and what follows from them by definition: an oracle that looks at nothing
// but the set of transactions (federation 19). What was found of one set is remembered, for many members ask the same.
import type { Key } from "../../../base/index.ts";
import { dotText, hasDot, vectorText } from "../../../federation/index.ts";
import type {
  Dot,
  KindName,
  OriginId,
  Sequence,
  Shipped,
  Transaction,
  Vector,
} from "../../../federation/index.ts";
import {
  kindByDefinition,
  settledAwayByDefinition,
  siblingsByDefinition,
} from "../../federation/naive-oracle.ts";

export interface Minted extends Shipped {
  /** Of its origin's chain, behind it. */
  readonly hash: Uint8Array;
}

/** Dots, in order: "3:41". */
interface Due {
  readonly siblings: readonly string[];
  /** Writes that went for others which went too: of a sound federation none. */
  readonly settledAway: readonly string[];
}

/** By key and by which of its transactions were looked at. */
type Known<What> = Map<Key, Map<string, What>>;

export class Ledger {
  readonly #minted = new Map<string, Minted>();
  readonly #lasts = new Map<OriginId, number>();
  readonly #byKey = new Map<Key, Transaction[]>();
  readonly #due: Known<Due> = new Map();
  readonly #values: Known<readonly string[]> = new Map();

  get count(): number {
    return this.#minted.size;
  }

  get keys(): readonly Key[] {
    return [...this.#byKey.keys()];
  }

  of(dot: Dot): Minted | undefined {
    return this.#minted.get(dotText(dot));
  }

  /** The last that was ever minted under it; 0: none. */
  lastOf(origin: OriginId): number {
    return this.#lasts.get(origin) ?? 0;
  }

  register(minted: Minted): void {
    const { transaction } = minted;
    this.#minted.set(dotText(transaction), minted);
    this.#lasts.set(
      transaction.origin,
      Math.max(this.lastOf(transaction.origin), transaction.sequence),
    );
    for (const { key } of transaction.operations) {
      const others = this.#byKey.get(key) ?? [];
      others.push(transaction);
      this.#byKey.set(key, others);
    }
  }

  /** Of the origin nobody has more than `count` any more: what follows may be another history. */
  forgetBeyond(origin: OriginId, count: number): void {
    for (let at = this.lastOf(origin); at > count; at -= 1) {
      const dot = { origin, sequence: at as Sequence };
      const { transaction } = this.of(dot) ?? {};
      this.#minted.delete(dotText(dot));
      for (const { key } of transaction?.operations ?? []) {
        const others = this.#byKey.get(key)?.filter((one) => one !== transaction) ?? [];
        this.#byKey.set(key, others);
        this.#due.delete(key);
        this.#values.delete(key);
      }
    }
  }

  /** Every operation on a key, for people. */
  historyOf(key: Key): string {
    return (this.#byKey.get(key) ?? [])
      .map((one) => {
        const operation = one.operations.find((each) => each.key === key);
        const context = operation !== undefined && "context" in operation ? operation.context : [];
        const named = context === "all-seen" ? context : context.map(dotText).join("+");
        return `${dotText(one)} ${operation?.action} ${named} after ${vectorText(one.deps)}`;
      })
      .join("\n");
  }

  siblingsOf(key: Key, applied: Vector): readonly string[] {
    return this.dueOf(key, applied).siblings;
  }

  dueOf(key: Key, applied: Vector): Due {
    return this.#found(this.#due, key, applied, "", (within) => ({
      siblings: siblingsByDefinition(within, key).map((text) => text.split(" ")[0] ?? text),
      settledAway: settledAwayByDefinition(within, key),
    }));
  }

  /** Undefined: there is no such key. */
  kindOf(key: Key, applied: Vector, kind: KindName): string | undefined {
    const [value] = this.#found(this.#values, key, applied, kind, (within) => {
      const shown = kindByDefinition(within, key, kind);
      return shown === undefined ? [] : [shown];
    });
    return value;
  }

  #found<What>(
    known: Known<What>,
    key: Key,
    applied: Vector,
    what: string,
    find: (within: readonly Transaction[]) => What,
  ): What {
    const within = (this.#byKey.get(key) ?? []).filter((one) => hasDot(applied, one));
    const counts = new Map<OriginId, number>();
    for (const { origin } of within) counts.set(origin, (counts.get(origin) ?? 0) + 1);
    const set = [...counts].sort(([left], [right]) => left - right).join(" ");
    const at = `${what} ${set}`;
    const ofKey = known.get(key) ?? new Map<string, What>();
    known.set(key, ofKey);
    const found = ofKey.get(at) ?? find(within);
    ofKey.set(at, found);
    return found;
  }
}
