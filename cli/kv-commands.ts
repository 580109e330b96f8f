// `hansa get`, `put`, `del` and `compact`.
import type { Command } from "commander";
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
import { withSession } from "./session.ts";
import type { CommonFlags } from "./session.ts";
import type { Stdio } from "./stdio.ts";

interface GetFlags extends RangeFlags, ReadFlags, CommonFlags {
  readonly printValueOnly?: boolean;
}

interface ExactlyOnce {
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
  addReadFlags(addRangeFlags(get))
    .option("--print-value-only", "values and no keys (simple)")
    .action(async (key: string, rangeEnd: string | undefined, _: object, command: Command) => {
      const flags = command.optsWithGlobals<GetFlags>();
      if (flags.printValueOnly === true && flags.writeOut !== "simple") {
        throw new UsageError("print-value-only is only for `--write-out=simple`");
      }
      const keys = keysOf(key, rangeEnd, flags);
      const options = { ...rangeOptionsOf(flags), ...readOptionsOf(flags) };
      const shown = defined({ valueOnly: flags.printValueOnly, countOnly: flags.countOnly });
      await withSession(command, stdio, shown, async ({ client, output }) => {
        stdio.out(output.range(await client.range(keys, options)));
      });
    });
}

function addPut(program: Command, stdio: Stdio): void {
  const put = program
    .command("put")
    .description("set a key; without VALUE it is read from standard input")
    .argument("<key>")
    .argument("[value]", "a value that begins with - goes after --");
  addPutFlags(put)
    .option("--exactly-once", EXACTLY_ONCE)
    .action(
      async (
        key: string,
        value: string | undefined,
        flags: PutFlags & ExactlyOnce,
        command: Command,
      ) => {
        if (flags.ignoreValue === true && value !== undefined) {
          throw new UsageError("--ignore-value goes without a value");
        }
        const bytes = value ?? (flags.ignoreValue === true ? "" : await stdio.readInput());
        await withSession(command, stdio, flags, async ({ client, output }) => {
          stdio.out(output.put(await client.put(key, bytes, putOptionsOf(flags))));
        });
      },
    );
}

function addDel(program: Command, stdio: Stdio): void {
  addDelFlags(program.command("del").description("delete a key or a range of keys"))
    .option("--exactly-once", EXACTLY_ONCE)
    .action(
      async (
        key: string,
        rangeEnd: string | undefined,
        flags: DelFlags & ExactlyOnce,
        command: Command,
      ) => {
        const keys = keysOf(key, rangeEnd, flags);
        await withSession(command, stdio, flags, async ({ client, output }) => {
          stdio.out(output.del(await client.delete(keys, defined({ prevKv: flags.prevKv }))));
        });
      },
    );
}
