// `hansa status`.
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import type { Client, StatusAnswer } from "../client/index.ts";
import { errorLine } from "./error-line.ts";
import { CliExit } from "./exit-code.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

export function addClusterCommands(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  program
    .command("status")
    .description("print how each endpoint's member sees itself")
    .option("--cluster", "of every member, not only of --endpoints")
    .action(async (flags: { cluster?: boolean }, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, output, endpoints }) => {
        const asked = flags.cluster === true ? await clientUrls(client) : endpoints;
        const statuses = await Promise.all(asked.map((endpoint) => statusOf(client, endpoint)));
        const answers = statuses.filter((status): status is StatusAnswer => "header" in status);
        // The endpoint as it was given, as etcdctl prints it.
        const named = statuses.flatMap((status, at) =>
          "header" in status ? [{ ...status, endpoint: asked[at] ?? status.endpoint }] : [],
        );
        if (answers.length > 0) stdio.out(output.statuses(named));
        for (const status of statuses) if ("failure" in status) stdio.err(status.failure);
        if (answers.length < asked.length) onExit(CliExit.failed);
      });
    });
}

async function clientUrls(client: Client): Promise<string[]> {
  const { members } = await client.members();
  return members.flatMap((member) => member.clientUrls.slice(0, 1));
}

/** One endpoint's failure does not hide the others' answers. */
async function statusOf(
  client: Client,
  endpoint: string,
): Promise<StatusAnswer | { readonly failure: string }> {
  try {
    return await client.status(endpoint);
  } catch (error) {
    if (error instanceof KvError) return { failure: errorLine(error) };
    throw error;
  }
}
