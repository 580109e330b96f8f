// `hansa status`.
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import type { Client, StatusAnswer } from "../client/index.ts";
import { errorLine } from "./error-line.ts";
import { CliExit } from "./exit-code.ts";
import { withExamples } from "./examples.ts";
import { addLiveFlag, live } from "./live.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";

export function addClusterCommands(
  program: Command,
  stdio: Stdio,
  onExit: (code: CliExit) => void,
): void {
  const status = program
    .command("status")
    .description("print how each endpoint's member sees itself")
    .option("--cluster", "of every member, not only of --endpoints");
  addLiveFlag(status).action(async (flags: { cluster?: boolean }, command: Command) => {
    await live(command, stdio, (frame) => printStatuses(command, frame, flags, onExit));
  });
  withExamples(
    status,
    ["status --cluster -w table", "who leads, how far each member is"],
    ["status --cluster -w table --watch 1s", "the same, live"],
  );
}

/** Also `hansa endpoint status`. */
export async function printStatuses(
  command: Command,
  stdio: Stdio,
  flags: { readonly cluster?: boolean },
  onExit: (code: CliExit) => void,
): Promise<void> {
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
}

/** One of each member. */
export async function clientUrls(client: Client): Promise<string[]> {
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
