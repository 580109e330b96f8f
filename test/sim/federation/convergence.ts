// Regions with equal vectors keep the same of every key, and of one epoch show the same (federation 19). Counted are the
// comparisons that one region came to with what another had: a check that is never reached proves nothing.
import { dotText, isLive, vectorText } from "../../../federation/index.ts";
import type { KeptRecord } from "../../../federation/index.ts";
import { demand } from "../violation.ts";
import { allShown } from "./keys-judge.ts";
import { LATE } from "./prefixes.ts";
import type { Member, Region } from "./region.ts";

interface Dump {
  readonly by: Region;
  readonly text: string;
}

export class Convergence {
  readonly #dumps = new Map<string, Dump>();
  /** A record is replaced and never changed. */
  readonly #dots = new WeakMap<KeptRecord, string>();
  /** Of one region with another. */
  kernels = 0;
  views = 0;

  /** What was applied at a vector may be something else from here on. */
  forget(): void {
    this.#dumps.clear();
  }

  compare(region: Region, member: Member): void {
    const { applied, state, config } = member.federated;
    const at = vectorText(applied);
    const shown = allShown(member);
    let kernel = "";
    let view = "";
    for (const key of state.keys()) {
      const stage = state.rules.policyOf(key)?.progress.stage;
      if (stage === undefined || stage === "closed") continue;
      // Of a prefix that is given up one region may know before another.
      const isLasting = !LATE.some((name) => key.startsWith(`${name}/`));
      const dots = isLasting ? this.#liveDots(state.recordOf(key)) : "";
      if (dots !== "") kernel += `${key} ${dots}\n`;
      const value = shown.get(key);
      if (value !== undefined) view += `${key}=${value}\n`;
    }
    if (this.#same(`kernel ${at}`, region, kernel)) this.kernels += 1;
    if (this.#same(`view ${config.epoch} ${at}`, region, view)) this.views += 1;
  }

  /** Empty: no sibling is live. */
  #liveDots(record: KeptRecord): string {
    const known = this.#dots.get(record);
    if (known !== undefined) return known;
    const { siblings } = record;
    const dots = siblings.some(isLive) ? siblings.map(({ dot }) => dotText(dot)).join() : "";
    this.#dots.set(record, dots);
    return dots;
  }

  /** Whether another region was there first. */
  #same(at: string, by: Region, text: string): boolean {
    const first = this.#dumps.get(at);
    if (first === undefined) {
      this.#dumps.set(at, { by, text });
      return false;
    }
    demand(
      first.text === text,
      "convergence",
      () => `${at}: ${first.by.name} has\n${first.text}\n${by.name} has\n${text}`,
    );
    return first.by !== by;
  }
}
