// `hansa watch`: what is written, as it is committed, until it is stopped.
import type { Command } from "commander";
import type { WatchOptions } from "../client/index.ts";
import { countValue, memberValue, onlyValue, spanValue } from "./flag-value.ts";
import { keysOf } from "./key-arguments.ts";
import type { KeyOptions } from "./key-arguments.ts";
import { defined } from "./kv-flags.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

interface WatchFlags extends KeyOptions {
  readonly rev?: number;
  readonly prevKv?: boolean;
  readonly only?: WatchOptions["only"];
  readonly progress?: number;
  readonly member?: WatchOptions["member"];
  readonly proof?: boolean;
  readonly count?: number;
}

export function addWatchCommand(program: Command, stdio: Stdio): void {
  program
    .command("watch")
    .description("print changes as they are committed, across lost members, until it is stopped")
    .argument("<key>")
    .argument("[range_end]", "watch [key, range_end)")
    .option("--prefix", "keys that begin with KEY")
    .option("--from-key", "keys at or after KEY, in byte order")
    .option("--rev <revision>", "begin there instead of now", countValue)
    .option("--prev-kv", "print the pair before each change too")
    .option("--only <kind>", "puts or deletes", onlyValue)
    .option("--progress <span>", "say so often up to where nothing happened, as 10s", spanValue)
    .option("--member <kind>", "ask a leader, follower, learner or any", memberValue)
    .option("--proof", "how old each answer can be, and who says so (json)")
    .option("--count <events>", "end after so many changes", countValue)
    .action(
      async (key: string, rangeEnd: string | undefined, flags: WatchFlags, command: Command) => {
        const keys = keysOf(key, rangeEnd, flags);
        const { rev, prevKv, only, progress, member, proof, count = Infinity } = flags;
        const options = defined({
          startRevision: rev,
          prevKv,
          only,
          progressMs: progress,
          member,
          proof,
        });
        await withSession(command, stdio, {}, async ({ client, output }) => {
          let printed = 0;
          if (count === 0) return;
          for await (const answer of client.watch(keys, options)) {
            stdio.out(output.watch(answer));
            printed += answer.events.length;
            if (printed >= count) return;
          }
        });
      },
    );
}
