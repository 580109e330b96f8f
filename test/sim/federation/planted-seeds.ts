// Which seed finds which planted bug of the federation, as the last full hunt noted it: where the test of a fixed budget
// begins to look. A seed's run changes whenever draws are added, so the test looks at some seeds after it as well.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FederationBug } from "../../../federation/index.ts";
import type { FederationHunt } from "./hunt.ts";

const HEADER = [
  "# Where each planted bug of the federation shows: `bug seed`. Written by",
  "# `npm run sim -- --federation --planted --write-seeds`; read by test/sim/federation/planted.test.ts.",
];

/** In the source tree, whether this program was compiled to dist/ or not. */
export function plantedFederationPath(root: string): string {
  return join(root, "test", "planted-federation-seeds.txt");
}

/** The seed to begin with; 1 for a bug without a line. */
export function readPlantedFederation(path: string): (bug: FederationBug) => number {
  const seeds = new Map<string, number>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [bug, seed] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (bug !== undefined && seed !== undefined) seeds.set(bug, Number(seed));
  }
  return (bug) => seeds.get(bug) ?? 1;
}

export function writePlantedFederation(path: string, hunts: readonly FederationHunt[]): void {
  const lines = hunts.flatMap(({ bug, found }) =>
    found === undefined ? [] : [`${bug} ${found.job.seed}`],
  );
  writeFileSync(path, `${[...HEADER, ...lines].join("\n")}\n`);
}
