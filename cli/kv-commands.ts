// `hansa get`, `put`, `del` and `compact`.
import type { Command } from "commander";
import type { RegionWriteOptions, ResolveOptions } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { countValue } from "./flag-value.ts";
import { keysOf } from "./key-arguments.ts";
import {
  addDelFlags,
  addPutFlags,
  addRangeFlags,
  addReadFlags,
  defined,
  putOptionsOf,
  rangeOptionsOf,
  readOptionsOf,
} from "./kv-flags.ts";
import type { DelFlags, PutFlags, RangeFlags, ReadFlags } from "./kv-flags.ts";
import {
  addRegionReadFlags,
  addRegionWriteFlags,
  addResolveFlags,
  regionReadOptionsOf,
  regionWriteOptionsOf,
  resolveOptionsOf,
} from "./region-flags.ts";
import type { RegionReadFlags, RegionWriteFlags, ResolveFlags } from "./region-flags.ts";
import { withSession } from "./session.ts";
import type { CommonFlags } from "./session.ts";
import { siblingsView } from "./siblings-view.ts";
import type { Stdio } from "./stdio.ts";

interface GetFlags extends RangeFlags, ReadFlags, RegionReadFlags, CommonFlags {
  readonly printValueOnly?: boolean;
}

interface WriteFlags extends RegionWriteFlags, ResolveFlags {
  readonly exactlyOnce?: boolean;
}

const EXACTLY_ONCE = "repeat after any failure; a server session makes it apply once";

export function addKvCommands(program: Command, stdio: Stdio): void {
  addGet(program, stdio);
  addPut(program, stdio);
  addDel(program, stdio);
  program
    .command("compact")
    .alias("compaction")
    .description("drop the history before a revision")
    .argument("<revision>", "", countValue)
    .option("--physical", "wait until the disk has let it go")
    .action(async (revision: number, flags: { physical?: boolean }, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, output }) => {
        const { header } = await client.compact(revision, defined({ physical: flags.physical }));
        stdio.out(output.compact(header, revision));
      });
    });
}

function addGet(program: Command, stdio: Stdio): void {
  const get = program.command("get").description("print a key or a range of keys");
  addRegionReadFlags(addReadFlags(addRangeFlags(get)))
    .option("--print-value-only", "values and no keys (simple)")
    .action(async (key: string, rangeEnd: string | undefined, _: object, command: Command) => {
      const flags = command.optsWithGlobals<GetFlags>();
      if (flags.printValueOnly === true && flags.writeOut !== "simple") {
        throw new UsageError("print-value-only is only for `--write-out=simple`");
      }
      const keys = keysOf(key, rangeEnd, flags);
      const options = {
        ...rangeOptionsOf(flags),
        ...readOptionsOf(flags),
        ...regionReadOptionsOf(flags),
      };
      const shown = defined({ valueOnly: flags.printValueOnly, countOnly: flags.countOnly });
      await withSession(command, stdio, shown, async ({ client, output, print }) => {
        if (flags.siblings === true) {
          const { kvs, ...answer } = await client.range(keys, options);
          const [kv] = kvs;
          print(siblingsView(key, { ...answer, ...(kv && { kv }) }, flags.hex ?? false));
        } else stdio.out(output.range(await client.range(keys, options)));
      });
    });
}

function addPut(program: Command, stdio: Stdio): void {
  const put = program
    .command("put")
    .description("set a key; without VALUE it is read from standard input")
    .argument("<key>")
    .argument("[value]", "a value that begins with - goes after --");
  addResolveFlags(addRegionWriteFlags(addPutFlags(put)))
    .option("--exactly-once", EXACTLY_ONCE)
    .action(
      async (
        key: string,
        value: string | undefined,
        flags: PutFlags & WriteFlags,
        command: Command,
      ) => {
        if (flags.ignoreValue === true && value !== undefined) {
          throw new UsageError("--ignore-value goes without a value");
        }
        const bytes = value ?? (flags.ignoreValue === true ? "" : await stdio.readInput());
        await withSession(command, stdio, flags, async ({ client, output }) => {
          const options = { ...putOptionsOf(flags), ...federatedOptionsOf(flags) };
          stdio.out(output.put(await client.put(key, bytes, options)));
        });
      },
    );
}

function addDel(program: Command, stdio: Stdio): void {
  const del = program.command("del").description("delete a key or a range of keys");
  addResolveFlags(addRegionWriteFlags(addDelFlags(del)))
    .option("--exactly-once", EXACTLY_ONCE)
    .action(
      async (
        key: string,
        rangeEnd: string | undefined,
        flags: DelFlags & WriteFlags,
        command: Command,
      ) => {
        const keys = keysOf(key, rangeEnd, flags);
        await withSession(command, stdio, flags, async ({ client, output }) => {
          const options = { ...defined({ prevKv: flags.prevKv }), ...federatedOptionsOf(flags) };
          stdio.out(output.del(await client.delete(keys, options)));
        });
      },
    );
}

function federatedOptionsOf(flags: WriteFlags): RegionWriteOptions & ResolveOptions {
  return { ...regionWriteOptionsOf(flags), ...resolveOptionsOf(flags) };
}
