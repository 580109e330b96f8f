// The first seeds on Multi-Paxos are clean.
import { test } from "@jest/globals";
import { runClean } from "./budget.ts";

const CLEAN_SEEDS = 40;

test(`the first ${CLEAN_SEEDS} seeds are clean, and do something`, () => {
  runClean("paxos", CLEAN_SEEDS);
});
