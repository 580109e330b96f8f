// `hansa ids`: numbers that no two regions of a federation give out twice.
import type { Command } from "commander";
import { countBetween } from "./flag-value.ts";
import { headerJson } from "./output-json.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

const COUNT_MAX = 65_536;

export function addIdsCommand(program: Command, stdio: Stdio): void {
  program
    .command("ids")
    .description("print numbers that no other region of the federation gives out, ascending")
    .option("--count <count>", "how many (default 1)", countBetween(1, COUNT_MAX))
    .action(async ({ count = 1 }: { count?: number }, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const { header, ids } = await client.ids.allocate(count);
        print({
          simple: ids.map((id) => `${id}\n`),
          table: { head: ["ID"], rows: ids.map((id) => [String(id)]) },
          json: { header: headerJson(header), ids: ids.map(String) },
        });
      });
    });
}
