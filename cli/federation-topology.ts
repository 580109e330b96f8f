// `hansa federation topology ...`: from whom each region pulls.
import type { Command } from "commander";
import type { SendChange } from "./federation-send.ts";
import { UsageError } from "./exit-code.ts";

export function addTopologyCommands(federation: Command, send: SendChange): void {
  const topology = federation.command("topology").description("from whom each region pulls");
  for (const [shape, description] of [
    ["mesh", "everybody from everybody"],
    ["ring", "each from the next and the one before, by name"],
  ] as const) {
    topology
      .command(shape)
      .description(description)
      .action(async (_: object, command: Command) => {
        await send(command, { topology: { shape } });
      });
  }
  topology
    .command("star")
    .description("all through one")
    .argument("<hub>", "its name")
    .action(async (center: string, _: object, command: Command) => {
      await send(command, { topology: { shape: "star", center } });
    });
  topology
    .command("tree")
    .description("from the one above and those below")
    .argument("<root>", "the region on top")
    .argument("<fanout>", "regions below each")
    .action(async (center: string, fanout: string, _: object, command: Command) => {
      await send(command, { topology: { shape: "tree", center, fanout: countOf(fanout) } });
    });
  topology
    .command("lists")
    .description("as they are given, one a region")
    .argument("<lists...>", "REGION=NEIGHBOUR,... each")
    .action(async (lists: string[], _: object, command: Command) => {
      await send(command, { topology: { shape: "lists", lists: lists.map(neighboursIn) } });
    });
}

function countOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new UsageError(`bad fanout ${JSON.stringify(text)}; expected a number from 1`);
}

function neighboursIn(text: string): { region: string; regions: string[] } {
  const [region, names, more] = text.split("=");
  if (region === undefined || region === "" || names === undefined || more !== undefined) {
    throw new UsageError(`bad list ${JSON.stringify(text)}; expected REGION=NEIGHBOUR,...`);
  }
  return { region, regions: names === "" ? [] : names.split(",") };
}
