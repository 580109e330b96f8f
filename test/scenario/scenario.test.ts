// The named scenarios of docs/rules.md as conversations: each file in raft/ and paxos/ is replayed on that core
// message by message, each in both/ on both, told in the words that they have in common.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import type { NodeId } from "../../base/index.ts";
import { createPaxos } from "../../paxos/index.ts";
import { createRaft } from "../../raft/index.ts";
import { runScenario } from "./datadriven.ts";
import type { Commands } from "./datadriven.ts";
import { Script } from "./script.ts";
import type { EpochOf } from "./script.ts";
import { FACTS, WIRE } from "./voice.ts";
import type { Voice } from "./voice.ts";

const termOf: EpochOf = (term) => ({ config: 0, round: term, node: 0 });

/** A ballot is written ROUND.NODE: `start 2 terms=1.3,-,2.1` holds a slot of ballot 1.3, a gap, one of 2.1. */
const ballotOf: EpochOf = (ballot) => ({
  config: 0,
  round: Math.floor(ballot),
  node: Math.round((ballot % 1) * 10) as NodeId | 0,
});

const PROTOCOLS = {
  raft: (voice: Voice): Commands => new Script(createRaft, termOf, voice).commands(),
  paxos: (voice: Voice): Commands => new Script(createPaxos, ballotOf, voice).commands(),
};

function filesOf(folder: string): string[] {
  return readdirSync(join(__dirname, folder)).filter((name) => name.endsWith(".txt"));
}

describe.each(["raft", "paxos"] as const)("%s", (folder) => {
  test.each(filesOf(folder))("%s", (name) => {
    runScenario(join(__dirname, folder, name), { [folder]: PROTOCOLS[folder](WIRE) });
  });
});

describe("both", () => {
  test.each(filesOf("both"))("%s", (name) => {
    const { raft, paxos } = PROTOCOLS;
    runScenario(join(__dirname, "both", name), { raft: raft(FACTS), paxos: paxos(FACTS) });
  });
});
