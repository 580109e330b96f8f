// What goes wrong in a federation: links, members, leaders, clocks, the way to the directory; regions that are restored
// from a backup or lost for good; and proposals of a leader that was deposed long ago, in any order.
import { hlcMs } from "../../../base/index.ts";
import { decodeTransaction } from "../../../federation/index.ts";
import type { Sequence } from "../../../federation/index.ts";
import type { Chance } from "../chance.ts";
import type { EventQueue } from "../events.ts";
import type { Directory } from "./directory.ts";
import type { Judge } from "./judge.ts";
import type { Weather } from "./links.ts";
import type { Region } from "./region.ts";
import type { Rows } from "./region-log.ts";
import { isSpared } from "./standing.ts";
import type { Story } from "./story.ts";
import { drawn } from "./swarm.ts";
import type { FaultName, FederationSwarm } from "./swarm.ts";

const STRAYS_MAX = 6;
/** Regions that stay whatever is lost. */
const REGIONS_MIN = 3;

export interface NemesisInit {
  readonly swarm: FederationSwarm;
  readonly directory: Directory;
  readonly judge: Judge;
  readonly queue: EventQueue;
  readonly chance: Chance;
  readonly story: Story;
  readonly regions: () => readonly Region[];
  /** Streams over links that are cut end. */
  readonly onCut: () => void;
}

interface Kept {
  readonly life: number;
  readonly rows: Rows;
}

export class Nemesis implements Weather {
  readonly #init: NemesisInit;
  readonly #cuts = new Set<string>();
  readonly #lagMs = new Map<string, number>();
  readonly #backups = new Map<Region, Kept>();
  #stopped = false;
  /** A region was rolled back without being told. */
  rolledBack = 0;

  constructor(init: NemesisInit) {
    this.#init = init;
    this.#strikeSoon();
  }

  delayMs(from: Region, to: Region): number {
    const known = this.#lagMs.get(pair(from, to));
    if (known !== undefined) return known;
    const drawnMs = this.#init.chance.between(1, this.#init.swarm.lagMsMax);
    this.#lagMs.set(pair(from, to), drawnMs);
    return drawnMs;
  }

  isCut(from: Region, to: Region): boolean {
    return this.#cuts.has(pair(from, to));
  }

  stop(): void {
    this.#stopped = true;
    this.#cuts.clear();
    for (const region of this.#init.regions()) {
      region.heal();
    }
  }

  #strikeSoon(): void {
    const { queue, chance, swarm } = this.#init;
    queue.schedule(chance.between(50, swarm.faultMsMax), "strike", () => {
      if (this.#stopped) return;
      const fault = drawn(chance, swarm.faults);
      if (fault !== undefined) this.#strike(fault);
      this.#strikeSoon();
    });
  }

  #later(msMax: number, run: () => void): void {
    const { queue, chance } = this.#init;
    queue.schedule(chance.between(50, msMax), "recover", () => {
      if (!this.#stopped) run();
    });
  }

  #strike(fault: FaultName): void {
    const { chance, swarm } = this.#init;
    const regions = this.#init.regions();
    const region = chance.pick(regions);
    const other = chance.pick(regions);
    this.#init.story.tell(`${fault} ${region.name} (${other.name}), life ${region.life}`);
    switch (fault) {
      case "cut":
        this.#cut(region, other);
        return;
      case "isolate":
        this.#isolate(region);
        return;
      case "crash": {
        const member = chance.pick(region.members);
        region.log.crash(member);
        this.#later(1_500, () => {
          if (region.members.includes(member)) region.restart(member);
        });
        return;
      }
      case "hand-over":
        region.log.handOver();
        return;
      case "lag":
        this.#lagMs.set(pair(region, other), chance.between(1, swarm.lagMsMax * 4));
        return;
      case "clock":
        this.#jump(region);
        return;
      case "stall":
        region.log.stall(chance.between(50, 1_500));
        return;
      case "directory":
        region.isCutFromDirectory = true;
        this.#later(3_000, () => {
          region.isCutFromDirectory = false;
        });
        return;
      case "stray":
        this.#stray(region);
        return;
      case "loss":
        this.#lose(region);
        return;
      case "restore":
        this.#restore(region);
        return;
    }
  }

  #cut(from: Region, to: Region): void {
    const pairs = this.#init.chance.hits(0.7) ? [pair(from, to), pair(to, from)] : [pair(from, to)];
    for (const one of pairs) this.#cuts.add(one);
    this.#init.onCut();
    this.#later(3_000, () => {
      for (const one of pairs) this.#cuts.delete(one);
    });
  }

  /** From all others at once, and nobody else meanwhile. */
  #isolate(region: Region): void {
    if (this.#cuts.size > 0) return;
    const others = this.#init.regions().filter((one) => one !== region);
    const pairs = others.flatMap((one) => [pair(one, region), pair(region, one)]);
    for (const one of pairs) this.#cuts.add(one);
    this.#init.onCut();
    this.#later(6_000, () => {
      for (const one of pairs) this.#cuts.delete(one);
    });
  }

  /** One clock at a time: of two that are ahead, the third would be held to be behind. */
  #jump(region: Region): void {
    const { chance, regions } = this.#init;
    if (regions().some(({ clockAheadMs }) => clockAheadMs !== 0)) return;
    region.clockAheadMs = chance.between(300, 4_000) * (chance.hits(0.7) ? 1 : -1);
    this.#later(3_000, () => {
      region.clockAheadMs = 0;
      region.clockTrueSinceMs = this.#init.queue.nowMs;
    });
  }

  /** What was minted of late, in any order, proposed by nobody knows whom. */
  #stray(region: Region): void {
    const { chance, judge, queue, directory } = this.#init;
    const { ledger } = judge;
    const { members, closed } = directory.config;
    const origins = [...members, ...closed].map(({ origin }) => origin);
    const strays = Array.from({ length: chance.whole(1, STRAYS_MAX) }, () => {
      const origin = chance.pick(origins);
      const last = ledger.lastOf(origin);
      const sequence = Math.max(1, last - chance.whole(0, 12)) as Sequence;
      return ledger.of({ origin, sequence });
    });
    const transactions = strays.flatMap((minted) => {
      // What is ahead of the clocks was never let in, so that nobody has proposed it.
      const isIn = minted !== undefined && hlcMs(minted.transaction.hlc) <= region.wallMs;
      return isIn ? [decodeTransaction(minted.bytes)] : [];
    });
    if (transactions.length > 0 && queue.nowMs > 0) {
      region.proposer.change({ change: "apply", transactions });
    }
  }

  #lose(region: Region): void {
    const { directory, regions } = this.#init;
    const left = regions().filter(
      ({ name, isLost }) => !isLost && directory.staying.includes(name),
    );
    if (left.length <= REGIONS_MIN || !left.includes(region)) return;
    if (isSpared(directory, regions(), region)) region.lose();
  }

  /** From the last backup; where there is none, one is taken. */
  #restore(region: Region): void {
    const { chance, swarm } = this.#init;
    const kept = this.#backups.get(region);
    if (kept?.life !== region.life || chance.hits(0.4)) {
      const rows = region.isLost ? undefined : region.log.backup();
      if (rows !== undefined) this.#backups.set(region, { life: region.life, rows });
      return;
    }
    const { directory, judge, regions } = this.#init;
    if (region.isLost || !isSpared(directory, regions(), region)) return;
    const knowingly = swarm.restoresKnowingly;
    const begin = (): void => region.begin({ rows: kept.rows, knowingly });
    if (knowingly) begin();
    else {
      this.rolledBack += 1;
      judge.rollBack(begin);
    }
    this.#backups.delete(region);
  }
}

function pair(from: Region, to: Region): string {
  return `${from.name} ${to.name}`;
}
