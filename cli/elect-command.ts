// `hansa elect`: stands in an election until it is stopped, or tells who leads; in etcdctl's words.
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { countValue } from "./flag-value.ts";
import { acquired, stoppedFirst } from "./lock-command.ts";
import { withSession } from "./session.ts";
import type { CommonFlags, Session } from "./session.ts";
import { interruptionOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";
import { leaderView } from "./turn-view.ts";

interface ElectFlags {
  readonly listen?: boolean;
  readonly ttl: number;
}

export function addElectCommand(program: Command, stdio: Stdio): void {
  program
    .command("elect")
    .description("stand in an election and lead until stopped, or tell who leads")
    .argument("<name>")
    .argument("[value]", "what the leader says of itself")
    .option("-l, --listen", "print each leader, and stand for nothing")
    .option("--ttl <seconds>", "another leads so long after this dies", countValue, 10)
    .action(
      async (name: string, value: string | undefined, flags: ElectFlags, command: Command) => {
        const { hex = false } = command.optsWithGlobals<CommonFlags>();
        const isListening = flags.listen === true;
        if (isListening === (value !== undefined)) {
          throw new UsageError("elect takes a name and a value, or a name and --listen");
        }
        const interrupted = interruptionOf(stdio);
        await withSession(command, stdio, {}, async (session) => {
          if (value === undefined) await listen(session, name, hex, interrupted);
          else await stand(session, { name, value, ttlS: flags.ttl }, hex, interrupted);
        });
      },
    );
}

async function listen(
  { client, print }: Session,
  name: string,
  hex: boolean,
  interrupted: AbortSignal,
): Promise<void> {
  await acquired(async () => {
    for await (const kv of client.election(name).observe({ signal: interrupted })) {
      print(leaderView(kv, hex));
    }
  }, interrupted);
}

async function stand(
  { client, print }: Session,
  { name, value, ttlS }: { readonly name: string; readonly value: string; readonly ttlS: number },
  hex: boolean,
  interrupted: AbortSignal,
): Promise<void> {
  const election = client.election(name, { ttlS });
  const led = await acquired(() => election.campaign(value, { signal: interrupted }), interrupted);
  if (led === undefined) return;
  try {
    const { kv } = await client.get(led.key);
    if (kv !== undefined) print(leaderView(kv, hex));
    if (!(await stoppedFirst(led, interrupted))) {
      throw new KvError("campaign-expired", "unknown", "the leadership was lost");
    }
  } finally {
    await led.resign();
  }
}
