// The end of a lease takes a key away everywhere, so that one region alone says when that is (federation 15, trap 10): no
// write is ended by two regions, and none by another while its owner keeps its lease alive.
import type { LeaseId } from "../../../base/index.ts";
import { dotText } from "../../../federation/index.ts";
import type { Dot, OriginId, Transaction } from "../../../federation/index.ts";
import { demand } from "../violation.ts";
import type { Directory } from "./directory.ts";
import type { Ledger } from "./ledger.ts";
import type { Region } from "./region.ts";

export interface LeasesJudgeInit {
  readonly ledger: Ledger;
  readonly directory: Directory;
  readonly regions: () => readonly Region[];
}

export class LeasesJudge {
  readonly #init: LeasesJudgeInit;
  /** By the write that was ended: who ended it first. */
  readonly #endedBy = new Map<string, OriginId>();

  constructor(init: LeasesJudgeInit) {
    this.#init = init;
  }

  onMinted({ origin, sequence, operations }: Transaction): void {
    const ended = operations.flatMap(({ key, ...one }) =>
      one.action === "expire" ? one.dots.map((dot) => ({ key, dot })) : [],
    );
    for (const { key, dot } of ended) {
      // Whoever adopts it gives it its whole time again, and may be followed by another.
      if (this.#init.directory.cutOf(dot.origin) !== undefined) continue;
      const named = dotText(dot);
      const first = this.#endedBy.get(named) ?? origin;
      this.#endedBy.set(named, first);
      const by = `${origin}:${sequence}`;
      demand(first === origin, "one-owner", () => `${named} was ended by ${first} and by ${by}`);
      demand(
        origin === dot.origin || !this.#isKept(dot, key),
        "one-owner",
        () => `${by} ended ${named} of ${key}, whose lease its owner keeps alive`,
      );
    }
  }

  /** By the owner's member that has applied most. */
  #isKept(dot: Dot, key: string): boolean {
    const { ledger, directory, regions } = this.#init;
    const lease = leaseOf(ledger.of(dot)?.transaction, key);
    const owner = regions().find(({ name }) => directory.originOf(name) === dot.origin);
    if (lease === undefined || owner === undefined || owner.isLost) return false;
    const [most] = owner.members
      .map(({ host }) => host.machine)
      .sort((left, right) => right.applied - left.applied);
    const held = most?.leases.get(lease);
    return held !== undefined && held.dueAtMs > owner.logTime;
  }
}

function leaseOf(transaction: Transaction | undefined, key: string): LeaseId | undefined {
  const put = transaction?.operations.find((one) => one.key === key);
  return put?.action === "put" ? put.lifetime?.lease : undefined;
}
