// A development cluster of real processes on this machine: checked before anything is touched, told about as
// it comes up, and ended whole. A member that dies is reported and not restarted.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { devCertificates, devClientEnvironment } from "./dev-certificates.ts";
import { DevChild, endText } from "./dev-member.ts";
import { devIdentity, devMembers, endpointOf, HOST } from "./dev-plan.ts";
import type { DevMember, DevOptions } from "./dev-plan.ts";
import type { TlsOptions } from "../client/index.ts";
import { DevWatch } from "./dev-watch.ts";
import { CliExit } from "./exit-code.ts";
import type { Stdio } from "./stdio.ts";

const IDENTITY_FILE = "cluster.json";
/** A member's own bound on draining is 5 s (--shutdown-timeout-ms). */
const STOP_MS_MAX = 10_000;

/** How the outside ends the cluster; resolves at the first wish, `again` at the second. */
export interface StopWish {
  readonly first: Promise<NodeJS.Signals>;
  readonly again: Promise<void>;
}

/** What to run for a member: the script that has `serve`. */
export interface DevWorld {
  readonly main: string;
  readonly stop: StopWish;
  readonly stdio: Stdio;
}

/** Runs the cluster until it is told to stop or every member has ended. */
export async function runDevCluster(options: DevOptions, world: DevWorld): Promise<CliExit> {
  const { stdio } = world;
  const members = devMembers(options);
  const refusal = (await takenPorts(members)) ?? otherCluster(options);
  if (refusal !== undefined) {
    stdio.err(`Error: ${refusal}\n`);
    return CliExit.failed;
  }
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(options.dataDir, IDENTITY_FILE), devIdentity(options));
  const tls = options.tls === true ? await devCertificates(options.dataDir) : undefined;
  stdio.out(greeting(options, members));
  const children = members.map((member) => new DevChild(member, world.main));
  return new DevRun(children, world, { dataDir: options.dataDir, tls }).run();
}

interface DevSecurity {
  readonly dataDir: string;
  /** Undefined: the ports are plain. */
  readonly tls: TlsOptions | undefined;
}

class DevRun {
  readonly #children: readonly DevChild[];
  readonly #world: DevWorld;
  readonly #security: DevSecurity;
  #stopping = false;

  constructor(children: readonly DevChild[], world: DevWorld, security: DevSecurity) {
    this.#children = children;
    this.#world = world;
    this.#security = security;
  }

  async run(): Promise<CliExit> {
    const { stdio, stop } = this.#world;
    const members = this.#children.map((child) => child.member);
    const watch = new DevWatch(members, this.#security.tls, {
      onUp: (member) => {
        stdio.out(`${member.name} is up: ${endpointOf(member)}\n`);
      },
      onSilent: (member) => {
        stdio.out(`${member.name} does not answer\n`);
      },
      onLeader: (member) => {
        stdio.out(`${member.name} leads\n`);
      },
      onReady: () => {
        stdio.out(commandsToTry(members, this.#security));
      },
    });
    const watching = watch.run();
    const allEnded = Promise.all(this.#children.map((child) => this.#onEnd(child)));
    const ended = await Promise.race([
      stop.first.then((signal) => ({ signal })),
      allEnded.then(() => ({ signal: undefined })),
      watching.then(() => ({ signal: undefined })),
    ]);
    await watch.close();
    if (ended.signal === undefined) {
      stdio.err("Error: every member has ended\n");
      return CliExit.failed;
    }
    stdio.out(`${ended.signal}: stopping ...\n`);
    await this.#stop();
    await allEnded;
    stdio.out("stopped\n");
    return CliExit.done;
  }

  async #onEnd(child: DevChild): Promise<void> {
    const end = await child.ended;
    if (this.#stopping && "code" in end && end.code === 0) return;
    const { name, logFile } = child.member;
    const lines = child.tail().map((line) => `  ${name} | ${line}\n`);
    this.#world.stdio.err(
      `${name} (pid ${child.pid}) ${endText(end)}; it is not restarted. Log: ${logFile}\n` +
        lines.join(""),
    );
  }

  /** SIGTERM to all; what is left after the bound, or at a second wish, is killed. */
  async #stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#children) child.signal("SIGTERM");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => {
        resolve(`does not stop within ${STOP_MS_MAX / 1_000} s`);
      }, STOP_MS_MAX);
    });
    const again = this.#world.stop.again.then(() => "is told twice");
    const all = Promise.all(this.#children.map((child) => child.ended)).then(() => undefined);
    const reason = await Promise.race([all, late, again]);
    clearTimeout(timer);
    if (reason === undefined) return;
    for (const child of this.#children.filter(({ running }) => running)) {
      this.#world.stdio.err(`warning: ${child.member.name} ${reason}: killed\n`);
      child.signal("SIGKILL");
    }
  }
}

/** Every port that somebody listens on, as a sentence; undefined when none. */
async function takenPorts(members: readonly DevMember[]): Promise<string | undefined> {
  const wanted = members.flatMap(({ name, clientPort, peerPort }) => [
    { port: clientPort, use: `client port of ${name}` },
    { port: peerPort, use: `peer port of ${name}` },
  ]);
  const taken: string[] = [];
  for (const { port, use } of wanted) {
    const problem = await whyNotFree(port);
    if (problem !== undefined) taken.push(`${HOST}:${port} (${use}): ${problem}`);
  }
  if (taken.length === 0) return undefined;
  return `cannot listen on ${taken.join(", ")}. Nothing was started; --base-port moves the ports`;
}

function whyNotFree(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "EADDRINUSE" ? "in use" : error.message);
    });
    server.listen({ host: HOST, port, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

/** Whether the folder holds a cluster of another shape, as a sentence. */
function otherCluster(options: DevOptions): string | undefined {
  const file = join(options.dataDir, IDENTITY_FILE);
  if (!existsSync(file)) return undefined;
  const found = readFileSync(file, "utf8");
  if (found === devIdentity(options)) return undefined;
  return (
    `${options.dataDir} holds another cluster, ${found.trim()}. Give the same options, ` +
    "or another --data-dir, or remove the folder"
  );
}

function greeting(options: DevOptions, members: readonly DevMember[]): string {
  const lines = members.map(
    ({ name, isLearner, clientPort, peerPort, logFile }) =>
      `  ${name}  ${isLearner ? "learner" : "voter  "}  client ${HOST}:${clientPort}` +
      `  peer ${HOST}:${peerPort}  log ${logFile}\n`,
  );
  return `${options.consensus}, data in ${options.dataDir}\n${lines.join("")}`;
}

function commandsToTry(members: readonly DevMember[], { dataDir, tls }: DevSecurity): string {
  const all = members.filter((member) => !member.isLearner).map(endpointOf);
  const [first = ""] = all;
  const last = all[all.length - 1] ?? first;
  const learner = members.find((member) => member.isLearner);
  const endpoints = (endpoint: string): string =>
    endpoint === "127.0.0.1:2379" ? "" : ` --endpoints ${endpoint}`;
  return [
    "",
    "Ready. To try:",
    ...(tls === undefined ? [] : devClientEnvironment(dataDir).map((line) => `  ${line}`)),
    `  npx hansa put greeting hello${endpoints(first)}`,
    `  npx hansa get greeting --read lease -w json${endpoints(last)}`,
    ...(learner === undefined
      ? []
      : [
          "  npx hansa get greeting --read learner --max-staleness 200ms -w json" +
            endpoints(endpointOf(learner)),
        ]),
    `  npx hansa status -w table --endpoints ${members.map(endpointOf).join(",")}`,
    `  ETCDCTL_API=3 etcdctl --endpoints ${last} get greeting`,
    "Ctrl-C stops all members; the data is kept.",
    "",
  ].join("\n");
}
