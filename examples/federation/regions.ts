// The processes of the demonstration: three regions of three members, and the directory group with a voter in each
// region. Data goes to a folder that is removed in the end.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import type { Network } from "./wide-area.ts";

const MAIN = join(__dirname, "..", "..", "cli", "main.js");
const STOP_MS_MAX = 10_000;
/** Of a process that has ended. */
const LOG_LINES = 20;

export interface Seat {
  /** Whose network it is in. */
  readonly region: string;
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export interface Group {
  readonly token: string;
  readonly seats: readonly Seat[];
}

export function endpointsOf({ seats }: Group): string[] {
  return seats.map(({ clientPort }) => `127.0.0.1:${clientPort}`);
}

/** By which other regions reach it: through their proxies. */
export function regionEndpointsOf({ seats }: Group): string[] {
  return seats.map(({ peerPort }) => `127.0.0.1:${peerPort}`);
}

/** Of the first line of the command, where a shell takes them from. */
function nodeOptionsOf(main: string): string[] {
  const [firstLine = ""] = readFileSync(main, "utf8").split("\n", 1);
  return firstLine.split(" ").filter((word) => word.startsWith("--"));
}

export async function planGroup(token: string, regions: readonly string[]): Promise<Group> {
  const seats: Seat[] = [];
  for (const [at, region] of regions.entries()) {
    const name = `${token}${at + 1}`;
    seats.push({ region, name, clientPort: await freePort(), peerPort: await freePort() });
  }
  return { token, seats };
}

export class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), "hansa-federation-"));
  readonly #network: Network;
  readonly #main: string;
  readonly #children: {
    readonly group: Group;
    readonly name: string;
    readonly child: ChildProcess;
  }[] = [];
  readonly #proxies = new Map<string, string>();
  #stopped = false;

  /** `main`: what a member runs; absent: of the build that this file is of. */
  constructor(network: Network, main = MAIN) {
    this.#network = network;
    this.#main = main;
  }

  /** @throws {Error} with the end of its log, if a process of the group has ended. */
  pidsOf(group: Group): number[] {
    const own = this.#children.filter((one) => one.group === group);
    return own.flatMap(({ child, name }) => {
      const ended = child.exitCode ?? child.signalCode;
      if (ended === null) return child.pid ?? [];
      const lines = readFileSync(this.#logOf(name), "utf8").trimEnd().split("\n");
      throw new Error(`${name} has ended with ${ended}:\n${lines.slice(-LOG_LINES).join("\n")}`);
    });
  }

  #logOf(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  /** `flags`: beside those that every member has. @throws {Error} once all are stopped. */
  async start(group: Group, flags: readonly string[]): Promise<void> {
    for (const seat of group.seats) {
      this.#network.place(seat.peerPort, seat.region);
      this.#network.place(seat.clientPort, seat.region);
    }
    for (const seat of group.seats) await this.#startOne(group, seat, flags);
  }

  async #startOne(group: Group, seat: Seat, flags: readonly string[]): Promise<void> {
    const { region, name, clientPort, peerPort } = seat;
    const proxy = this.#proxies.get(region) ?? (await this.#network.proxyOf(region));
    this.#proxies.set(region, proxy);
    if (this.#stopped) throw new Error(`${name} is not started: all are stopped`);
    const isSpread = new Set(group.seats.map((one) => one.region)).size > 1;
    // "localhost" is reached directly; "127.0.0.1", through the proxy.
    const host = isSpread ? "127.0.0.1" : "localhost";
    const urlOf = (one: Seat): string => `http://${host}:${one.peerPort}`;
    const cluster = group.seats.map((one) => `${one.name}=${urlOf(one)}`).join(",");
    const dataDir = join(this.folder, name);
    mkdirSync(dataDir, { recursive: true });
    const log = openSync(this.#logOf(name), "a");
    const child = fork(
      this.#main,
      [
        ...["serve", "--name", name, "--data-dir", dataDir],
        ...["--listen-client-urls", `http://127.0.0.1:${clientPort}`],
        ...["--advertise-client-urls", `http://127.0.0.1:${clientPort}`],
        ...["--listen-peer-urls", `http://127.0.0.1:${peerPort}`],
        ...["--initial-advertise-peer-urls", urlOf(seat)],
        ...["--initial-cluster", cluster, "--initial-cluster-token", group.token],
        ...flags,
      ],
      {
        stdio: ["ignore", log, log, "ipc"],
        execArgv: nodeOptionsOf(this.#main),
        env: { ...process.env, grpc_proxy: proxy, no_grpc_proxy: "localhost" },
        detached: true,
      },
    );
    closeSync(log);
    this.#children.push({ group, name, child });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const running = this.#children
      .map(({ child }) => child)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ends = running.map((child) => once(child, "exit"));
    for (const child of running) child.kill("SIGTERM");
    const late = setTimeout(() => {
      for (const child of running) child.kill("SIGKILL");
    }, STOP_MS_MAX);
    await Promise.all(ends);
    clearTimeout(late);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
