// The named scenarios of docs/rules.md for Paxos as conversations: each file in paxos/ is replayed and compared.
// A ballot is written ROUND.NODE: `start 2 terms=1.3,-,2.1` holds a slot of ballot 1.3, a gap, one of 2.1.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import type { NodeId } from "../../base/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import type { PaxosMessage } from "../../paxos/index.ts";
import { runScenario } from "./datadriven.ts";
import { Script } from "./script.ts";

const folder = join(__dirname, "paxos");

describe("paxos", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  test.each(files)("%s", (name) => {
    const script = new Script<PaxosMessage>(createPaxos, (ballot) => ({
      config: 0,
      round: Math.floor(ballot),
      node: Math.round((ballot % 1) * 10) as NodeId | 0,
    }));
    runScenario(join(folder, name), script.commands());
  });
});
