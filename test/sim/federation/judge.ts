// What a federation promises, checked after every apply of every member (federation 19): each transaction is applied
// once and whole, causally; what is kept of a key is what the definition of siblings says of the transactions applied;
// equal vectors have equal keys and equal views; nothing acknowledged is lost.
import { keyOf } from "../../../base/index.ts";
import type { Key } from "../../../base/index.ts";
import {
  countOf,
  covers,
  decodeTransaction,
  dotText,
  hasDot,
  isLive,
  vectorText,
} from "../../../federation/index.ts";
import type { Dot, OriginId, Sequence, Transaction, Vector } from "../../../federation/index.ts";
import { kindByDefinition, siblingsByDefinition } from "../../federation/naive-oracle.ts";
import { rangeOf } from "../../store/requests.ts";
import { demand } from "../violation.ts";
import type { Member, Region } from "./region.ts";

export class Judge {
  /** By dot, from the first member that applied it: its origin's. */
  readonly #minted = new Map<string, Transaction>();
  readonly #byKey = new Map<Key, Transaction[]>();
  /** What each log position came to, whichever member applied it. */
  readonly #standings = new Map<string, number>();
  /** What each member had applied when it was looked at last. */
  readonly #seen = new Map<Member, Vector>();
  readonly #acknowledged: Dot[] = [];
  /** Kernel and view at a vector, as whoever came first had them. */
  readonly #dumps = new Map<string, { readonly by: string; readonly dump: string }>();
  appliedCount = 0;

  get mintedCount(): number {
    return this.#minted.size;
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  /** After each entry. `minted`: what this region minted by it. */
  onApplied(region: Region, member: Member, index: number): readonly Dot[] {
    const { applied } = member.federated;
    const before = this.#seen.get(member) ?? new Map<OriginId, Sequence>();
    this.#seen.set(member, applied);
    const at = `${region.name} ${index}`;
    const standing = this.#standings.get(at) ?? member.federated.standing;
    this.#standings.set(at, standing);
    demand(
      standing === member.federated.standing,
      "state-machine-safety",
      () => `members of ${region.name} differ at entry ${index}`,
    );
    demand(
      covers(applied, before),
      "commit-monotone",
      () => `${at}: ${vectorText(before)} became ${vectorText(applied)}`,
    );
    const minted: Dot[] = [];
    for (const [origin, last] of applied) {
      for (let next = countOf(before, origin) + 1; next <= last; next += 1) {
        const dot = { origin, sequence: next as Sequence };
        this.#onTransaction(region, member, dot);
        if (origin === region.origin) minted.push(dot);
      }
    }
    return minted;
  }

  /** A member came back from its rows: what it has is looked at from there. */
  onRestored(member: Member): void {
    this.#seen.set(member, member.federated.applied);
  }

  onAcknowledged(dots: readonly Dot[]): void {
    this.#acknowledged.push(...dots);
  }

  #onTransaction(region: Region, member: Member, dot: Dot): void {
    const transaction = this.#transactionOf(region, member, dot);
    this.appliedCount += 1;
    const { applied } = member.federated;
    demand(
      covers(applied, transaction.deps),
      "causality",
      () => `${region.name} applied ${dotText(dot)} without ${vectorText(transaction.deps)}`,
    );
    for (const { key } of transaction.operations) this.#checkKey(region, member, key);
  }

  /** Registered by its origin; the bytes that came elsewhere were proved by the chain. */
  #transactionOf(region: Region, member: Member, dot: Dot): Transaction {
    const known = this.#minted.get(dotText(dot));
    if (known !== undefined) return known;
    const row = member.federated.state.retained(dot.origin, dot.sequence);
    demand(
      row !== undefined && dot.origin === region.origin,
      "exactly-once",
      () => `${region.name} has ${dotText(dot)}, which its origin never minted`,
    );
    const { transaction } = decodeTransaction(row.bytes);
    this.#minted.set(dotText(dot), transaction);
    for (const { key } of transaction.operations) {
      const others = this.#byKey.get(key) ?? [];
      others.push(transaction);
      this.#byKey.set(key, others);
    }
    return transaction;
  }

  #checkKey(region: Region, member: Member, key: Key): void {
    const { applied, state } = member.federated;
    const within = (this.#byKey.get(key) ?? []).filter((one) => hasDot(applied, one));
    const record = state.recordOf(key);
    const kind = state.rules.policyOf(key)?.kind;
    if (kind !== undefined) {
      const due = kindByDefinition(within, key, kind);
      const shown = this.#shown(member, key);
      demand(
        due === shown,
        "siblings",
        () => `${region.name} ${key}: ${kind} ${String(shown)}, by definition ${String(due)}`,
      );
      return;
    }
    const due = siblingsByDefinition(within, key).map((text) => text.split(" ")[0]);
    const kept = record.siblings.map(({ dot }) => dotText(dot));
    const isPurged = kept.length === 0 && due.length === 1;
    demand(
      isPurged || kept.join() === due.join(),
      "siblings",
      () => `${region.name} ${key} keeps ${kept.join()}, by definition ${due.join()}`,
    );
  }

  #shown(member: Member, key: Key): string | undefined {
    const answer = member.host.range(rangeOf(key));
    if (!("kvs" in answer)) return undefined;
    const [first] = answer.kvs;
    return first && keyOf(first.value);
  }

  /** Equal vectors have equal keys with equal dots; of one epoch, equal views too. */
  compare(region: Region, member: Member): void {
    const { applied, state, config } = member.federated;
    const live = state
      .keys()
      .map((key) => ({ key, siblings: state.recordOf(key).siblings }))
      .filter(({ siblings }) => siblings.some(isLive));
    const kernel = live
      .map(({ key, siblings }) => `${key} ${siblings.map(({ dot }) => dotText(dot)).join()}`)
      .join("\n");
    this.#same(`kernel ${vectorText(applied)}`, `${region.name}.${member.at}`, kernel);
    const view = state
      .keys()
      .map((key) => `${key}=${this.#shown(member, key) ?? ""}`)
      .filter((line) => !line.endsWith("="))
      .join("\n");
    this.#same(`view ${config.epoch} ${vectorText(applied)}`, `${region.name}.${member.at}`, view);
  }

  #same(at: string, by: string, dump: string): void {
    const first = this.#dumps.get(at);
    if (first === undefined) {
      this.#dumps.set(at, { by, dump });
      return;
    }
    demand(
      first.dump === dump,
      "convergence",
      () => `${at}: ${first.by} has\n${first.dump}\n${by} has\n${dump}`,
    );
  }

  /** When everything is healed: all have all. */
  checkEnd(regions: readonly Region[]): void {
    for (const region of regions) {
      for (const member of region.members) {
        const { applied } = member.federated;
        for (const dot of this.#acknowledged) {
          demand(
            hasDot(applied, dot),
            "durability",
            () => `${region.name}.${member.at} lacks ${dotText(dot)}, which was acknowledged`,
          );
        }
        this.compare(region, member);
      }
    }
  }
}
