// Regions with equal vectors keep the same of every key, and of one epoch show the same (federation 19). Counted are the
// comparisons that one region came to with what another had: a check that is never reached proves nothing.
import { dotText, isLive, vectorText } from "../../../federation/index.ts";
import { demand } from "../violation.ts";
import { shownOf } from "./keys-judge.ts";
import { LATE } from "./prefixes.ts";
import type { Member, Region } from "./region.ts";

interface Dump {
  readonly by: Region;
  readonly text: string;
}

export class Convergence {
  readonly #dumps = new Map<string, Dump>();
  /** Of one region with another. */
  kernels = 0;
  views = 0;

  compare(region: Region, member: Member): void {
    const { applied, state, config } = member.federated;
    const at = vectorText(applied);
    const keys = state.keys().filter((key) => {
      const stage = state.rules.policyOf(key)?.progress.stage;
      return stage !== undefined && stage !== "closed";
    });
    // Of a prefix that is given up one region may know before another.
    const lasting = keys.filter((key) => !LATE.some((name) => key.startsWith(`${name}/`)));
    const kernel = lasting
      .map((key) => ({ key, ...state.recordOf(key) }))
      .filter(({ siblings }) => siblings.some(isLive))
      .map(({ key, siblings }) => `${key} ${siblings.map(({ dot }) => dotText(dot)).join()}`)
      .join("\n");
    if (this.#same(`kernel ${at}`, region, kernel)) this.kernels += 1;
    const view = keys
      .map((key) => ({ key, shown: shownOf(member, key) }))
      .flatMap(({ key, shown }) => (shown === undefined ? [] : [`${key}=${shown.value}`]))
      .join("\n");
    if (this.#same(`view ${config.epoch} ${at}`, region, view)) this.views += 1;
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
