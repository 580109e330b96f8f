// The named scenarios of docs/rules.md as conversations: each file in raft/ is replayed and compared.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import type { NodeId } from "../../base/index.ts";
import { createRaft } from "../../raft/index.ts";
import type { RaftMessage } from "../../raft/index.ts";
import { runScenario } from "./datadriven.ts";
import type { Command } from "./datadriven.ts";
import { Script } from "./script.ts";

const folder = join(__dirname, "raft");

/** `timeout-now 1 2 [TERM]`: leader 1 gives node 2 leave to campaign, in its own term or the one named. */
function timeoutNow(script: Script<RaftMessage>): Command {
  return script.traced(([from, to, term]) => {
    const current = script.cluster.node(Number(from)).core.status().epoch;
    const epoch = term === undefined ? current : { ...current, round: Number(term) };
    const envelope = {
      from: Number(from) as NodeId,
      to: Number(to) as NodeId,
      incarnation: 1n,
      epoch,
      body: { kind: "timeout-now" } as const,
    };
    script.cluster.deliver({ number: 0, envelope }, { keep: false });
  });
}

describe("raft", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  test.each(files)("%s", (name) => {
    const script = new Script<RaftMessage>(createRaft, (term) => ({
      config: 0,
      round: term,
      node: 0,
    }));
    runScenario(join(folder, name), {
      ...script.commands(),
      "timeout-now": timeoutNow(script),
    });
  });
});
