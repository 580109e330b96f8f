// `hansa federation handler ...`: JavaScript that makes one value of a key's siblings, for prefixes of `resolver`.
import { readFile } from "node:fs/promises";
import { Option } from "commander";
import type { Command } from "commander";
import { withExamples } from "./examples.ts";
import { UsageError } from "./exit-code.ts";
import type { SendChange } from "./federation-send.ts";
import { handlerSourceView, handlersView } from "./federation-handler-view.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

interface SetFlags {
  readonly runs: string;
  readonly sample: readonly string[];
}

export function addHandlerCommands(federation: Command, send: SendChange, stdio: Stdio): void {
  const handler = federation
    .command("handler")
    .description("JavaScript of your own that settles conflicts");
  addSet(handler, send);
  handler
    .command("unset")
    .description("take a handler away that no prefix names")
    .argument("<name>", "as it was set")
    .action(async (name: string, _: object, command: Command) => {
      await send(command, { unset_handler: { name } });
    });
  handler
    .command("list")
    .description("print the handlers, and why one was stopped")
    .action(async (_: object, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        print(handlersView(await client.federation.status()));
      });
    });
  handler
    .command("show")
    .description("print a handler's source")
    .argument("<name>", "as it was set")
    .action(async (name: string, _: object, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        print(handlerSourceView(await client.federation.status(), name));
      });
    });
}

function addSet(handler: Command, send: SendChange): void {
  const set = handler
    .command("set")
    .description(
      "try a handler on samples, then give it to all regions; one that was stopped goes on",
    )
    .argument("<name>", "by which policies name it")
    .argument("<file>", "JavaScript with a function resolve(key, siblings)")
    .addOption(
      new Option("--runs <when>", "on-write: writes what it makes; on-read: only shows it")
        .choices(["on-write", "on-read"])
        .default("on-write"),
    )
    .option("--sample <value>", "a value that it is tried on; several times, up to 7", added, [])
    .action(async (name: string, file: string, flags: SetFlags, command: Command) => {
      const source = await readFile(file, "utf8").catch((cause: unknown) => {
        throw new UsageError(cause instanceof Error ? cause.message : String(cause));
      });
      const samples = flags.sample.map((sample) => new TextEncoder().encode(sample));
      await send(command, { handler: { name, source, runs: flags.runs, samples } });
    });
  withExamples(
    set,
    [
      `federation handler set cart cart.js --sample '["tea"]' --sample '["milk"]'`,
      "tried on these values",
    ],
    ["federation policy set carts/ resolver --handler cart", "it settles the conflicts there"],
  );
}

function added(sample: string, before: readonly string[]): readonly string[] {
  return [...before, sample];
}
