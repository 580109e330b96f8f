// The first seeds on Multi-Paxos are clean.
import { test } from "@jest/globals";
import { runClean } from "./budget.ts";

const CLEAN_SEEDS = 40;
const CLEAN_MS_MAX = 5 * 60_000;

test(
  `the first ${CLEAN_SEEDS} seeds are clean, and do something`,
  async () => {
    await runClean("paxos", CLEAN_SEEDS);
  },
  CLEAN_MS_MAX,
);
