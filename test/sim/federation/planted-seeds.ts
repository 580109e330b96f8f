// Which seed finds which planted bug of the federation, and how soon, as the last full hunt noted it: the test of a fixed
// budget runs those that show soonest. A seed's run changes whenever draws are added: then a hunt notes them anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FederationBug } from "../../../federation/index.ts";
import type { FederationHunt } from "./hunt.ts";
import { PLANTED_FEDERATION_NAMES } from "./planted-plans.ts";

const HEADER = [
  "# Where each planted bug of the federation shows: `bug seed step`. Written by",
  "# `npm run sim -- --federation --planted --write-seeds`; read by test/sim/federation/planted.test.ts.",
];

export interface PlantedSeed {
  readonly bug: FederationBug;
  readonly seed: number;
  /** At which its check saw it. */
  readonly step: number;
}

/** In the source tree, whether this program was compiled to dist/ or not. */
export function plantedFederationPath(root: string): string {
  return join(root, "test", "planted-federation-seeds.txt");
}

export function readPlantedFederation(path: string): readonly PlantedSeed[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [name, seed, step] = line.replace(/#.*/, "").trim().split(/\s+/);
      const bug = PLANTED_FEDERATION_NAMES.find((one) => one === name);
      return bug === undefined ? [] : [{ bug, seed: Number(seed), step: Number(step) }];
    });
}

export function writePlantedFederation(path: string, hunts: readonly FederationHunt[]): void {
  const lines = hunts.flatMap(({ bug, found }) =>
    found === undefined ? [] : [`${bug} ${found.job.seed} ${found.steps}`],
  );
  writeFileSync(path, `${[...HEADER, ...lines].join("\n")}\n`);
}
