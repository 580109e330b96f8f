// The newest word of every region on what it has applied, as it came by whatever way: relayed to neighbours, counted
// for the stable cut and for writes that wait for regions. Soft state: who begins to lead collects it again.
import type { Report } from "./exchange-message.ts";
import type { OriginId } from "./dot.ts";
import { covers, sameVector } from "./vector.ts";

interface Noted {
  readonly report: Report;
  /** Of the change that it came with. */
  readonly change: number;
}

export class ReportBook {
  readonly #noted = new Map<OriginId, Noted>();
  #changes = 0;

  /** Grows with every report that said something new. */
  get changes(): number {
    return this.#changes;
  }

  of(origin: OriginId): Report | undefined {
    return this.#noted.get(origin)?.report;
  }

  all(): readonly Report[] {
    return [...this.#noted.values()].map(({ report }) => report);
  }

  /** Those that came after `change`. */
  since(change: number): readonly Report[] {
    if (change >= this.#changes) return [];
    const news = [...this.#noted.values()].filter((noted) => noted.change > change);
    return news.map(({ report }) => report);
  }

  /** Whether that is so of the region of each report that came after `change`. */
  everySince(change: number, test: (origin: OriginId) => boolean): boolean {
    for (const [origin, noted] of this.#noted) {
      if (noted.change > change && !test(origin)) return false;
    }
    return true;
  }

  /** False: it says nothing new. A region's vectors only grow, so of two the one that covers the other is newer. */
  note(report: Report): boolean {
    const known = this.#noted.get(report.origin)?.report;
    if (known !== undefined) {
      if (!covers(report.vector, known.vector) || report.epoch < known.epoch) return false;
      if (report.epoch === known.epoch && sameVector(report.vector, known.vector)) return false;
    }
    this.#changes += 1;
    this.#noted.set(report.origin, { report, change: this.#changes });
    return true;
  }

  /** Regions that are no members any more have no say. */
  keepOnly(isMember: (origin: OriginId) => boolean): void {
    for (const origin of [...this.#noted.keys()]) {
      if (!isMember(origin)) this.#noted.delete(origin);
    }
  }
}
