// `hansa federation verify`: the region that is asked compares what it keeps with its neighbours, reads every value that
// it has, repairs what is damaged there, and says so.
import type { Command } from "commander";
import { textFrom } from "../client/index.ts";
import type { FederationVerifyAnswer, VerifiedKey } from "../client/index.ts";
import { withExamples } from "./examples.ts";
import { CliExit } from "./exit-code.ts";
import { base64, headerJson } from "./output-json.ts";
import type { Json } from "./output-json.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";
import type { View } from "./view.ts";

interface VerifyFlags {
  readonly source?: string;
  readonly checkOnly?: boolean;
}

export function addVerifyCommand(
  federation: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const verify = federation
    .command("verify")
    .description("compare what the region keeps with its neighbours, and repair what is damaged")
    .option("--source <region>", "whose records count (default: what most regions have)")
    .option("--check-only", "repair nothing")
    .action(async ({ source = "", checkOnly = false }: VerifyFlags, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const answer = await client.federation.verify({ source, checkOnly });
        print(verifyView(answer));
        if (!isSound(answer)) onExit(CliExit.failed);
      });
    });
  withExamples(
    verify,
    ["federation verify -w table", "exits 1 while a key differs or a neighbour is not reached"],
    ["federation verify --source fra", "what fra has counts, where no majority tells"],
  );
}

function isSound({ neighbours, keys, more }: FederationVerifyAnswer): boolean {
  const isReached = neighbours.every(({ outcome }) => outcome !== "unreached");
  return isReached && !more && keys.every(({ outcome }) => outcome === "repaired");
}

function verifyView(answer: FederationVerifyAnswer): View {
  const { header, region, neighbours, keys, more } = answer;
  return {
    simple: [
      ...neighbours.map((one) => `${region} and ${one.region}: ${one.outcome}\n`),
      ...keys.map((key) => `${quoted(key)}: ${whatOf(key)}\n`),
      ...(more ? ["more keys differ: verify again\n"] : []),
    ],
    table: {
      head: ["KEY", "DIFFERS FROM", "OUTCOME", "RECORD OF", "WHY"],
      rows: [
        ...neighbours.map((one) => ["", one.region, one.outcome, "", ""]),
        ...keys.map((key) => [quoted(key), key.against.join(", "), key.outcome, key.from, key.why]),
      ],
    },
    json: {
      header: headerJson(header),
      region,
      neighbours: neighbours.map((one): Json => ({ region: one.region, outcome: one.outcome })),
      keys: keys.map(keyJson),
      more,
    },
  };
}

function quoted({ key }: VerifiedKey): string {
  return JSON.stringify(textFrom(key));
}

function whatOf({ outcome, against, from, why }: VerifiedKey): string {
  const differs =
    against.length === 0 ? "damaged where it is stored" : `not as in ${against.join(", ")}`;
  if (outcome === "repaired") return `${differs}: repaired from ${from}`;
  return why === "" ? `${differs}: ${outcome}` : `${differs}: ${outcome}, ${why}`;
}

function keyJson({ key, against, outcome, from, why }: VerifiedKey): Json {
  return { key: base64(key), against: [...against], outcome, from, why };
}
