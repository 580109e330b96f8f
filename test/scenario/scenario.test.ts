// The named scenarios of docs/rules.md as conversations: each file in raft/ and paxos/ is replayed on that core
// message by message, each in both/ on both, told in the words that they have in common.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import { runScenario } from "./datadriven.ts";
import { PROTOCOLS } from "./protocols.ts";
import { FACTS } from "./voice.ts";

function filesOf(folder: string): string[] {
  return readdirSync(join(__dirname, folder)).filter((name) => name.endsWith(".txt"));
}

describe.each(["raft", "paxos"] as const)("%s", (folder) => {
  test.each(filesOf(folder))("%s", (name) => {
    runScenario(join(__dirname, folder, name), { [folder]: PROTOCOLS[folder]() });
  });
});

describe("both", () => {
  test.each(filesOf("both"))("%s", (name) => {
    const protocols = { raft: PROTOCOLS.raft(FACTS), paxos: PROTOCOLS.paxos(FACTS) };
    runScenario(join(__dirname, "both", name), protocols);
  });
});
