// `hansa federation ...`: founds a federation of regions, changes its members and shows it. Any member of any region
// that knows the directory takes the commands.
import type { Command } from "commander";
import { withExamples } from "./examples.ts";
import { addHandlerCommands } from "./federation-handlers.ts";
import { addHomeCommands, addPlacementCommands, addPolicyCommands } from "./federation-prefixes.ts";
import type { SendChange } from "./federation-send.ts";
import { countValue, spanValue } from "./flag-value.ts";
import type { CliExit } from "./exit-code.ts";
import { addTopologyCommands } from "./federation-topology.ts";
import { addSalvageCommand } from "./federation-salvage.ts";
import { addVerifyCommand } from "./federation-verify.ts";
import { changedView, federationStatusView } from "./federation-view.ts";
import { addLiveFlag, live } from "./live.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

export function addFederationCommands(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const federation = program.command("federation").description("regions that write on their own");
  const send: SendChange = (command, change) =>
    withSession(command, stdio, {}, async ({ client, print }) => {
      print(changedView(await client.federation.change(change)));
    });
  addStatus(federation, stdio);
  addVerifyCommand(federation, stdio, onExit);
  addSalvageCommand(federation, stdio);
  addFounding(federation, send);
  addLeaving(federation, send);
  addPausing(federation, send);
  addPolicyCommands(federation, send);
  addPlacementCommands(federation, send);
  addHomeCommands(federation, send);
  addHandlerCommands(federation, send, stdio);
  addTopologyCommands(federation, send);
}

function addStatus(federation: Command, stdio: Stdio): void {
  const status = federation
    .command("status")
    .description("print the regions, and what the region asked has of each");
  addLiveFlag(status).action(async (_: object, command: Command) => {
    await live(command, stdio, (frame) =>
      withSession(command, frame, {}, async ({ client, print }) => {
        print(federationStatusView(await client.federation.status()));
      }),
    );
  });
  withExamples(status, ["federation status -w table", "who writes, who joins, who is leaving"]);
}

function addFounding(federation: Command, send: SendChange): void {
  const founding = [
    ["init", "found a federation with this region alone"],
    ["join", "admit a region; it writes once it has caught up"],
    ["endpoints", "say where the other regions reach a region from here on"],
  ] as const;
  for (const [name, description] of founding) {
    const command = federation
      .command(name)
      .description(description)
      .argument("<endpoints>", "where other regions reach its members: host:port,...")
      .action(async (given: string, flags: { name?: string; import?: true }, self: Command) => {
        const endpoints = given.split(",");
        const found = { region: flags.name ?? "", endpoints, import: flags.import ?? false };
        await send(self, { [name]: found });
      });
    if (name === "endpoints") {
      command.option("--name <region>", "which region (default: that of the member that is asked)");
    }
    if (name === "join") {
      command.option(
        "--import",
        "write what the region has under federated prefixes, but for keys that the federation has",
      );
    }
    if (name === "init") {
      withExamples(
        command,
        ["federation init ams1:2380,ams2:2380", "the first region, with two members"],
        ["federation join fra1:2380 --endpoints fra1:2379", "the next, asked of one of its own"],
      );
    }
  }
}

function addLeaving(federation: Command, send: SendChange): void {
  federation
    .command("part")
    .description("take regions out; what of theirs reached no other region is not merged any more")
    .argument("<regions...>", "their names; all that are lost together, at once")
    .action(async (regions: string[], _: object, command: Command) => {
      await send(command, { part: { regions } });
    });
  const autoPart = federation
    .command("auto-part")
    .description("part regions by themselves that nobody hears of for so long, nor the directory")
    .argument("<after>", "10s to ten years, as 36h; 0: by command alone again", spanValue)
    .option("--bytes <count>", "and not before so much waits for them", countValue, 0)
    .action(async (afterMs: number, { bytes }: { bytes: number }, command: Command) => {
      await send(command, { auto_part: { after_s: Math.ceil(afterMs / 1000), bytes } });
    });
  withExamples(
    autoPart,
    ["federation auto-part 72h", "who is away for three days joins anew"],
    ["federation auto-part 24h --bytes 1073741824", "a day, if a GiB waits by then"],
  );
  federation
    .command("thaw")
    .description("give up a part or reincarnation that waits for reports")
    .action(async (_: object, command: Command) => {
      await send(command, { thaw: {} });
    });
  federation
    .command("reincarnate")
    .description("give a region that was restored, or whose clock was wrong, a new origin")
    .argument("<region>", "its name: that of the member that is asked")
    .option("--sole-survivor", "all other regions are lost for good, and parted with it")
    .action(async (region: string, flags: { soleSurvivor?: boolean }, command: Command) => {
      const sole_survivor = flags.soleSurvivor ?? false;
      await send(command, { reincarnate: { region, sole_survivor } });
    });
}

function addPausing(federation: Command, send: SendChange): void {
  federation
    .command("pause")
    .description("apply nothing more of a region; what others wrote after seeing it waits too")
    .argument("<region>", "its name")
    .action(async (region: string, _: object, command: Command) => {
      await send(command, { pause: { region } });
    });
  federation
    .command("resume")
    .description("apply a region's writes again")
    .argument("<region>", "its name")
    .action(async (region: string, _: object, command: Command) => {
      await send(command, { resume: { region } });
    });
}
