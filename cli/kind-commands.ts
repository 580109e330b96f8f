// `hansa kind ...`: operations on keys that are more than bytes. What such a key holds is read by `hansa get`.
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type { Kinds, OperateOptions, PutAnswer } from "../client/index.ts";
import { withExamples } from "./examples.ts";
import { addRegionWriteFlags, regionWriteOptionsOf } from "./region-flags.ts";
import type { RegionWriteFlags } from "./region-flags.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

/** Does one operation and prints what came of it. */
type Operate = (
  command: Command,
  flags: RegionWriteFlags,
  operate: (kinds: Kinds, options: OperateOptions) => Promise<PutAnswer>,
) => Promise<void>;

export function addKindCommands(program: Command, stdio: Stdio): void {
  const kind = program
    .command("kind")
    .description("counters, sets, maps, registers and flags of a federation; `get` reads them");
  const operate: Operate = (command, flags, run) =>
    withSession(command, stdio, { exactlyOnce: true }, async ({ client, output }) => {
      stdio.out(output.put(await run(client.kinds, regionWriteOptionsOf(flags))));
    });
  addCounter(kind, operate);
  addBoundedCounter(kind, operate);
  addSet(kind, operate);
  addMap(kind, operate);
  addRegister(kind, operate);
  addFlag(kind, operate);
}

function wholeValue(text: string): bigint {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("expected a whole number.");
}

const AMOUNT_HELP = "a whole number; one below 0 goes after --";

function addCounter(kind: Command, operate: Operate): void {
  const counter = kind.command("counter").description("what all regions add");
  const add = counter
    .command("add")
    .description("add a number, or take one away")
    .argument("<key>")
    .argument("<amount>", AMOUNT_HELP, wholeValue);
  addRegionWriteFlags(add).action(
    async (key: string, amount: bigint, flags: RegionWriteFlags, command: Command) => {
      await operate(command, flags, (kinds, options) => kinds.counter(key).add(amount, options));
    },
  );
  withExamples(
    add,
    ["kind counter add hits/home 1", "one more"],
    ["kind counter add hits/home -- -1", "one less"],
  );
  const reset = counter
    .command("reset")
    .description("back to 0; what other regions add meanwhile stays")
    .argument("<key>");
  addRegionWriteFlags(reset).action(
    async (key: string, flags: RegionWriteFlags, command: Command) => {
      await operate(command, flags, (kinds, options) => kinds.counter(key).reset(options));
    },
  );
}

function addBoundedCounter(kind: Command, operate: Operate): void {
  const bounded = kind
    .command("bounded-counter")
    .description("a number that never falls below 0, however many regions take from it");
  const operations = [
    ["add", "add, and the region may take as much again"],
    ["take", "take, out of the region's rights"],
  ] as const;
  for (const [name, description] of operations) {
    const command = bounded
      .command(name)
      .description(description)
      .argument("<key>")
      .argument("<amount>", "at least 1", wholeValue);
    addRegionWriteFlags(command).action(
      async (key: string, amount: bigint, flags: RegionWriteFlags, self: Command) => {
        await operate(self, flags, (kinds, options) =>
          kinds.boundedCounter(key)[name](amount, options),
        );
      },
    );
  }
  const transfer = bounded
    .command("transfer")
    .description("hand the region's rights to another")
    .argument("<key>")
    .argument("<amount>", "at least 1", wholeValue)
    .argument("<region>", "its name");
  addRegionWriteFlags(transfer).action(
    async (
      key: string,
      amount: bigint,
      region: string,
      flags: RegionWriteFlags,
      command: Command,
    ) => {
      await operate(command, flags, (kinds, options) =>
        kinds.boundedCounter(key).transfer(amount, region, options),
      );
    },
  );
}

function addSet(kind: Command, operate: Operate): void {
  const set = kind.command("set").description("elements that regions add and remove");
  const operations = [
    ["add", "put elements in"],
    ["remove", "take out what is seen of them"],
  ] as const;
  for (const [name, description] of operations) {
    const command = set
      .command(name)
      .description(description)
      .argument("<key>")
      .argument("<elements...>");
    addRegionWriteFlags(command).action(
      async (key: string, elements: string[], flags: RegionWriteFlags, self: Command) => {
        await operate(self, flags, (kinds, options) => kinds.set(key)[name](elements, options));
      },
    );
  }
}

function addMap(kind: Command, operate: Operate): void {
  const map = kind.command("map").description("fields, of each the last write");
  const put = map
    .command("put")
    .description("write a field")
    .argument("<key>")
    .argument("<field>")
    .argument("<value>");
  addRegionWriteFlags(put).action(
    async (
      key: string,
      field: string,
      value: string,
      flags: RegionWriteFlags,
      command: Command,
    ) => {
      const fields = new Map([[field, value]]);
      await operate(command, flags, (kinds, options) => kinds.map(key).put(fields, options));
    },
  );
  const remove = map
    .command("remove")
    .description("take fields out")
    .argument("<key>")
    .argument("<fields...>");
  addRegionWriteFlags(remove).action(
    async (key: string, fields: string[], flags: RegionWriteFlags, command: Command) => {
      await operate(command, flags, (kinds, options) => kinds.map(key).remove(fields, options));
    },
  );
}

function addRegister(kind: Command, operate: Operate): void {
  const write = kind
    .command("register")
    .description("a value that keeps what was written at the same time beside it")
    .command("write")
    .description("write it, in place of all that is seen")
    .argument("<key>")
    .argument("<value>", "one that begins with - goes after --");
  addRegionWriteFlags(write).action(
    async (key: string, value: string, flags: RegionWriteFlags, command: Command) => {
      await operate(command, flags, (kinds, options) => kinds.register(key).write(value, options));
    },
  );
}

function addFlag(kind: Command, operate: Operate): void {
  const flag = kind.command("flag").description("on or off; who enables wins");
  const operations = [
    ["enable", "turn it on"],
    ["disable", "turn it off"],
  ] as const;
  for (const [name, description] of operations) {
    const command = flag.command(name).description(description).argument("<key>");
    addRegionWriteFlags(command).action(
      async (key: string, flags: RegionWriteFlags, self: Command) => {
        await operate(self, flags, (kinds, options) => kinds.flag(key)[name](options));
      },
    );
  }
}
