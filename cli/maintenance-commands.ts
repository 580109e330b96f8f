// `hansa alarm`, `hansa defrag` and `hansa endpoint`, in etcdctl's words.
import { performance } from "node:perf_hooks";
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import type { Client } from "../client/index.ts";
import { clientUrls, printStatuses } from "./cluster-commands.ts";
import { errorLine } from "./error-line.ts";
import { withExamples } from "./examples.ts";
import { CliExit } from "./exit-code.ts";
import { countValue } from "./flag-value.ts";
import { addLiveFlag, live } from "./live.ts";
import { alarmsView, hashesView, healthView } from "./maintenance-view.ts";
import type { EndpointHealth, NamedHash } from "./maintenance-view.ts";
import { withSession } from "./session.ts";
import type { Session } from "./session.ts";
import type { Stdio } from "./stdio.ts";

type OnExit = (code: CliExit) => void;
interface ClusterFlag {
  readonly cluster?: boolean;
}

const CLUSTER = ["--cluster", "of every member, not only of --endpoints"] as const;

export function addMaintenanceCommands(program: Command, stdio: Stdio, onExit: OnExit): void {
  addAlarm(program, stdio);
  addDefrag(program, stdio, onExit);
  const endpoint = program.command("endpoint").description("what each endpoint's member says");
  addLiveFlag(
    endpoint
      .command("status")
      .description("how it sees itself")
      .option(...CLUSTER),
  ).action(async (flags: ClusterFlag, command: Command) => {
    await live(command, stdio, (frame) => printStatuses(command, frame, flags, onExit));
  });
  addHealth(endpoint, stdio, onExit);
  addHashKv(endpoint, stdio, onExit);
}

function addAlarm(program: Command, stdio: Stdio): void {
  const alarm = program.command("alarm").description("what is wrong with a member");
  alarm
    .command("list")
    .description("print the alarms that stand")
    .action(async (_: object, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        print(alarmsView(await client.maintenance.alarms()));
      });
    });
  alarm
    .command("disarm")
    .description("take all alarms back; one whose cause stands comes again")
    .action(async (_: object, command: Command) => {
      await withSession(command, stdio, {}, async ({ client, print }) => {
        const standing = await client.maintenance.alarms();
        const taken = await Promise.all(
          standing.alarms.map((each) => client.maintenance.disarm(each)),
        );
        const alarms = taken.flatMap((answer) => answer.alarms);
        print(alarmsView({ ...(taken.at(-1) ?? standing), alarms }));
      });
    });
}

function addDefrag(program: Command, stdio: Stdio, onExit: OnExit): void {
  const defrag = program
    .command("defrag")
    .description("give back to the disk what is not used; everything goes on meanwhile")
    .option(...CLUSTER)
    .action(async (flags: ClusterFlag, command: Command) => {
      await withSession(command, stdio, {}, async (session) => {
        for (const endpoint of await endpointsOf(session, flags)) {
          const failure = await failureOf(() =>
            session.client.maintenance.defragment({ endpoint }),
          );
          if (failure === undefined) {
            stdio.out(`Finished defragmenting etcd member[${endpoint}]\n`);
            continue;
          }
          stdio.err(`Failed to defragment etcd member[${endpoint}] (${failure.message})\n`);
          onExit(CliExit.failed);
        }
      });
    });
  withExamples(defrag, ["defrag --cluster --timeout 5m", "one member after the other"]);
}

function addHealth(endpoint: Command, stdio: Stdio, onExit: OnExit): void {
  endpoint
    .command("health")
    .description("whether it serves linearizable reads, and no alarm stands")
    .option(...CLUSTER)
    .action(async (flags: ClusterFlag, command: Command) => {
      await withSession(command, stdio, {}, async (session) => {
        const asked = await endpointsOf(session, flags);
        const healths = await Promise.all(asked.map((each) => healthOf(session.client, each)));
        session.print(healthView(healths));
        if (healths.every(({ failure }) => failure === undefined)) return;
        stdio.err("Error: unhealthy cluster\n");
        onExit(CliExit.failed);
      });
    });
}

function addHashKv(endpoint: Command, stdio: Stdio, onExit: OnExit): void {
  endpoint
    .command("hashkv")
    .description("the hash of its keys, equal on all members that hold the same")
    .option(...CLUSTER)
    .option("--rev <revision>", "at this revision; 0: the present one", countValue, 0)
    .action(async (flags: ClusterFlag & { readonly rev: number }, command: Command) => {
      await withSession(command, stdio, {}, async (session) => {
        const hashes: NamedHash[] = [];
        for (const each of await endpointsOf(session, flags)) {
          const options = { endpoint: each, revision: flags.rev };
          const failure = await failureOf(async () => {
            hashes.push({ ...(await session.client.maintenance.hashKv(options)), endpoint: each });
          });
          if (failure === undefined) continue;
          stdio.err(`Failed to get the hash of endpoint ${each} (${failure.message})\n`);
          onExit(CliExit.failed);
        }
        session.print(hashesView(hashes));
      });
    });
}

async function endpointsOf(session: Session, flags: ClusterFlag): Promise<readonly string[]> {
  return flags.cluster === true ? clientUrls(session.client) : session.endpoints;
}

/** As etcdctl judges: the member knows its leader, and stands under no alarm. */
async function healthOf(client: Client, endpoint: string): Promise<EndpointHealth> {
  const startedAtMs = performance.now();
  let said: readonly string[] = [];
  const failure = await failureOf(async () => {
    said = (await client.status(endpoint)).errors;
    await client.maintenance.alarms({ endpoint });
  });
  const tookMs = performance.now() - startedAtMs;
  if (failure !== undefined) return { endpoint, tookMs, failure: errorLine(failure).trim() };
  return said.length === 0 ? { endpoint, tookMs } : { endpoint, tookMs, failure: said.join("; ") };
}

async function failureOf(run: () => Promise<unknown>): Promise<KvError | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof KvError) return error;
    throw error;
  }
}
