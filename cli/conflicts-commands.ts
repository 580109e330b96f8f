// `hansa conflicts ...`: what is in conflict in the region that is asked, what was settled, and how to settle it.
import { Option } from "commander";
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import type { Client, KeySelector } from "../client/index.ts";
import { allOpen, allSettled } from "./conflict-pages.ts";
import {
  openConflictsView,
  openEventView,
  settledConflictsView,
  settledEventView,
} from "./conflicts-view.ts";
import { withExamples } from "./examples.ts";
import { UsageError } from "./exit-code.ts";
import { countValue } from "./flag-value.ts";
import { keysOf } from "./key-arguments.ts";
import type { KeyOptions } from "./key-arguments.ts";
import { addRegionWriteFlags, regionWriteOptionsOf } from "./region-flags.ts";
import type { RegionWriteFlags } from "./region-flags.ts";
import { withSession } from "./session.ts";
import type { CommonFlags } from "./session.ts";
import { dotText, siblingsView } from "./siblings-view.ts";
import type { Stdio } from "./stdio.ts";

interface ListFlags extends KeyOptions {
  readonly settled?: boolean;
  readonly from?: number;
  readonly limit?: number;
}

interface WatchFlags extends KeyOptions {
  readonly from?: number;
  readonly open?: boolean;
  readonly count?: number;
}

interface ResolveFlags extends RegionWriteFlags {
  readonly value?: string;
  readonly take?: string;
  readonly delete?: boolean;
}

export function addConflictsCommands(program: Command, stdio: Stdio): void {
  const conflicts = program
    .command("conflicts")
    .description("keys of a federation that regions wrote at the same time");
  addList(conflicts, stdio);
  conflicts
    .command("show")
    .description("print the writes to a key that no other replaced, and their context")
    .argument("<key>")
    .action(async (key: string, _: object, command: Command) => {
      const { hex = false } = command.optsWithGlobals<CommonFlags>();
      await withSession(command, stdio, {}, async ({ client, print }) => {
        print(siblingsView(key, await client.get(key, { siblings: true }), hex));
      });
    });
  addResolve(conflicts, stdio);
  addWatch(conflicts, stdio);
}

function addRange(command: Command): Command {
  return command
    .argument("[key]", "of this key alone (default: all)")
    .argument("[range_end]", "of keys in [key, range_end)")
    .option("--prefix", "of keys that begin with KEY")
    .option("--from-key", "of keys at or after KEY, in byte order");
}

function rangeOf(
  key: string | undefined,
  end: string | undefined,
  flags: KeyOptions,
): { keys?: KeySelector } {
  return key === undefined ? {} : { keys: keysOf(key, end, flags) };
}

function addList(conflicts: Command, stdio: Stdio): void {
  const list = conflicts.command("list").description("print the conflicts that are open");
  addRange(list)
    .option("--settled", "those of the record instead, the oldest first")
    .option("--from <number>", "of the record, from this number on", countValue)
    .option("--limit <count>", "at most so many", countValue)
    .action(
      async (
        key: string | undefined,
        end: string | undefined,
        flags: ListFlags,
        command: Command,
      ) => {
        const { settled = false, from, limit = Infinity } = flags;
        if (from !== undefined && !settled) throw new UsageError("--from goes with --settled");
        const { hex = false } = command.optsWithGlobals<CommonFlags>();
        const range = rangeOf(key, end, flags);
        await withSession(command, stdio, {}, async ({ client, print }) => {
          if (settled) {
            const found = await allSettled(client, { ...range, from: from ?? 0 }, limit);
            print(settledConflictsView(found, hex));
          } else print(openConflictsView(await allOpen(client, range, limit), hex));
        });
      },
    );
  withExamples(
    list,
    ["conflicts list --prefix config/", "what waits to be settled there"],
    ["conflicts list --settled -w table", "what was settled, and what lost"],
  );
}

function addResolve(conflicts: Command, stdio: Stdio): void {
  const resolve = conflicts
    .command("resolve")
    .description("settle a key's conflict by a write that replaces what is read of it, and no more")
    .argument("<key>")
    .addOption(new Option("--value <value>", "this").conflicts(["take", "delete"]))
    .addOption(
      new Option("--take <dot>", "one of them, as `show` names it: 3:41").conflicts("delete"),
    )
    .option("--delete", "none of them");
  addRegionWriteFlags(resolve).action(
    async (key: string, flags: ResolveFlags, command: Command) => {
      const { value, take, delete: isDelete = false } = flags;
      if (value === undefined && take === undefined && !isDelete) {
        throw new UsageError("one of --value, --take and --delete says what is to stand");
      }
      await withSession(command, stdio, {}, async ({ client, output }) => {
        const { context, decided } = await decisionOf(client, key, flags);
        const options = { siblingContext: context, ...regionWriteOptionsOf(flags) };
        if (decided === undefined) stdio.out(output.del(await client.delete(key, options)));
        else stdio.out(output.put(await client.put(key, decided, options)));
      });
    },
  );
  withExamples(
    resolve,
    ["conflicts resolve config/limit --take 3:41", "the write that `show` names so"],
    ["conflicts resolve config/limit --value 20", "another value in place of all"],
  );
}

/** `decided` undefined: the key goes. @throws {KvError} for a key that is not in conflict, or has no such write */
async function decisionOf(
  client: Client,
  key: string,
  { value, take }: ResolveFlags,
): Promise<{ readonly context: Uint8Array; readonly decided: Uint8Array | string | undefined }> {
  const { siblings } = await client.get(key, { siblings: true });
  const writes = siblings?.siblings ?? [];
  if (siblings === undefined || siblings.kind !== "" || writes.length < 2) {
    throw new KvError("invalid-argument", "not-applied", `the key "${key}" is not in conflict`);
  }
  const { context } = siblings;
  if (take === undefined) return { context, decided: value };
  const taken = writes.find(({ dot }) => dotText(dot) === take);
  if (taken !== undefined) return { context, decided: taken.value };
  const known = writes.map(({ dot }) => dotText(dot)).join(", ");
  throw new KvError("invalid-argument", "not-applied", `no write ${take} is there: ${known}`);
}

function addWatch(conflicts: Command, stdio: Stdio): void {
  const watch = conflicts
    .command("watch")
    .description("print conflicts as they come and as they are settled, until it is stopped");
  addRange(watch)
    .option("--from <number>", "of the record, begin there instead of now", countValue)
    .option("--no-open", "only those that are settled")
    .option("--count <conflicts>", "end after so many", countValue)
    .action(
      async (
        key: string | undefined,
        end: string | undefined,
        flags: WatchFlags,
        command: Command,
      ) => {
        const { from, open = true, count = Infinity } = flags;
        const { hex = false } = command.optsWithGlobals<CommonFlags>();
        const start = from === undefined ? {} : { from };
        const options = { ...rangeOf(key, end, flags), ...start, open };
        await withSession(command, stdio, {}, async ({ client, print }) => {
          let left = count;
          if (left === 0) return;
          for await (const told of client.conflicts.watch(options)) {
            const views = [
              ...told.open.map((one) => openEventView(one, hex)),
              ...told.settled.map((one) => settledEventView(one, hex)),
            ];
            for (const view of views.slice(0, left)) print(view);
            left -= views.length;
            if (left <= 0) return;
          }
        });
      },
    );
}
