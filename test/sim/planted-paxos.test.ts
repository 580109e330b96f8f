// Planted bugs that the Paxos core has a guard against are found, by the check that names them.
import { test } from "@jest/globals";
import { plantedIn, runHunt } from "./budget.ts";

test.each(plantedIn("paxos"))("%s is found by the check that names it", (bug) => {
  runHunt({ bug, protocol: "paxos" });
});
