// Which seed finds which planted bug, as the last full hunt noted it (`npm run sim -- --planted --write-seeds`):
// where the test of a fixed budget begins to look. A seed's run changes whenever draws are added, so the test
// looks at some seeds after it as well.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hunt, Prey } from "./hunt.ts";

const HEADER = [
  "# Where each planted bug shows: `bug protocol seed`. Written by `npm run sim -- --planted --write-seeds`;",
  "# read by test/sim/planted-*.test.ts. A bug without a line is looked for from seed 1 on.",
];

/** In the source tree, whether this program was compiled to dist/ or not. */
export function plantedSeedsPath(root: string): string {
  return join(root, "test", "planted-seeds.txt");
}

/** The seed to begin with. */
export function readPlantedSeeds(path: string): (prey: Prey) => number {
  const seeds = new Map<string, number>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [bug, protocol, seed] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (seed !== undefined) seeds.set(`${bug} ${protocol}`, Number(seed));
  }
  return ({ bug, protocol }) => seeds.get(`${bug} ${protocol}`) ?? 1;
}

export function writePlantedSeeds(path: string, hunts: readonly Hunt[]): void {
  const lines = hunts.flatMap(({ prey, found }) =>
    found === undefined ? [] : [`${prey.bug} ${prey.protocol} ${found.job.seed}`],
  );
  writeFileSync(path, `${[...HEADER, ...lines].join("\n")}\n`);
}
