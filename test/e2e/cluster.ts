// A Hansa cluster of real processes on free ports of 127.0.0.1 or in homes of their own, each with a data
// folder that is removed at the end. Members are addressed by name (n1, n2, n3; learners l1, ...) and struck
// by signal.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { ClusterCertificates } from "./certificates.ts";
import { Child, finish } from "./child.ts";
import type { Exit, Finished } from "./child.ts";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";
import { WireClient } from "./wire-client.ts";

/** A machine that runs other tests beside takes ten times as long as an idle one. */
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;
/** A paused member does not answer; the others are asked meanwhile. */
const STATUS_MS_MAX = 500;
/**
 * A start writes two segments of the log, and syncs them: of 64 MiB each by default, a second of the disk that all
 * tests share. These hold the longest request twice, as a segment must.
 */
const SMALL_SEGMENTS = ["--log-segment-bytes", String(4 * 1024 * 1024)];
/** Above the sources, whether or not this file was compiled to dist/. */
const HERE = join(__dirname, "..", "..");
const ROOT = basename(HERE) === "dist" ? join(HERE, "..") : HERE;
export const MAIN = join(ROOT, "dist", "cli", "main.js");

/** What every end-to-end test runs on. */
export const PROTOCOLS = ["raft", "paxos"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/**
 * For a test of what clients see, which is the same over both: `npm test` runs it over one of them, `npm run e2e`
 * over both. The tests take turns, so that either protocol meets half of them.
 */
export function protocolsFor(usual: Protocol): readonly Protocol[] {
  return process.env["HANSA_TEST_EVERY_PROTOCOL"] === "1" ? PROTOCOLS : [usual];
}

/** Where a member lives: its address, and the command that starts another one there. */
export interface Home {
  readonly host: string;
  readonly launcher: readonly string[];
  /** Under which its certificate is issued; absent: the member's own name. */
  readonly certificate?: string;
}

const THIS_HOST: Home = { host: "127.0.0.1", launcher: [] };

export interface ClusterOptions {
  readonly voters: number;
  readonly learners?: number;
  /** Passed to every member. */
  readonly flags?: readonly string[];
  /** For benchmarks: no flags but those. */
  readonly isMeasured?: true;
  /** Both ports of every member over TLS, mutual, with certificates of a CA of its own, or of that one. */
  readonly tls?: boolean | ClusterCertificates;
  /** Where each member lives; absent: all on this host. */
  readonly homeOf?: (name: string) => Home;
}

interface MemberPlan {
  readonly name: string;
  readonly isLearner: boolean;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly launcher: readonly string[];
  /** Flags of its TLS. */
  readonly security: readonly string[];
}

async function memberPlan(
  name: string,
  isLearner: boolean,
  { host, launcher, certificate = name }: Home,
  certificates: ClusterCertificates | undefined,
): Promise<MemberPlan> {
  const scheme = certificates === undefined ? "http" : "https";
  await certificates?.host(certificate, host);
  const clientUrl = `${scheme}://${host}:${await freePort()}`;
  const peerUrl = `${scheme}://${host}:${await freePort()}`;
  const security = certificates?.serverFlags(certificate) ?? [];
  return { name, isLearner, clientUrl, peerUrl, launcher, security };
}

/** One member: a process that comes and goes over a data folder that stays. */
export class MemberProcess {
  readonly name: string;
  readonly isLearner: boolean;
  /** host:port, as clients take it; with https:// before it where it is secured. */
  readonly endpoint: string;
  readonly dataDir: string;
  readonly args: readonly string[];
  readonly peerUrl: string;
  readonly plan: MemberPlan;
  #child: Child | undefined;

  constructor(plan: MemberPlan, dataDir: string, args: readonly string[]) {
    this.name = plan.name;
    this.isLearner = plan.isLearner;
    this.endpoint = plan.clientUrl.replace("http://", "");
    this.dataDir = dataDir;
    this.peerUrl = plan.peerUrl;
    this.plan = plan;
    this.args = args;
  }

  get running(): boolean {
    return this.#child?.running === true;
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#child?.exit;
  }

  get pid(): number {
    return this.#started().pid;
  }

  get output(): string {
    return this.#child?.output ?? "(never started)";
  }

  /** Starts the process; `ready` says when it serves. */
  start(): void {
    if (this.running) throw new Error(`${this.name} runs already`);
    // By its first line, as a shell would: it sets what a server needs of Node.
    const [command = MAIN, ...args] = [...this.plan.launcher, MAIN, "serve", ...this.args];
    this.#child = new Child(command, args);
  }

  /** Waits for the line that says the member has joined and serves. */
  async ready(): Promise<void> {
    await this.#started().line(/enabled capabilities for version|published/, START_MS_MAX);
  }

  signal(signal: NodeJS.Signals): void {
    this.#started().signal(signal);
  }

  /** SIGKILL, and waits for the end: what was not synced to the page cache is lost with it. */
  async kill(): Promise<void> {
    const child = this.#started();
    child.signal("SIGKILL");
    await child.exited;
  }

  /** Asks it to stop, and the way it ended. */
  async terminate(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<Exit> {
    const child = this.#started();
    child.signal(signal);
    return until(`${this.name} drains and exits`, STOP_MS_MAX, () =>
      child.running ? undefined : child.exited,
    );
  }

  #started(): Child {
    if (this.#child === undefined) throw new Error(`${this.name} was never started`);
    return this.#child;
  }
}

export class Cluster {
  readonly folder: string;
  /** Undefined: the cluster is plain. */
  readonly certificates: ClusterCertificates | undefined;
  readonly #members: MemberProcess[];
  /** Of every member, those that join later too. */
  readonly #flags: readonly string[];

  private constructor(
    members: readonly MemberProcess[],
    folder: string,
    flags: readonly string[],
    certificates: ClusterCertificates | undefined,
  ) {
    this.certificates = certificates;
    this.#members = [...members];
    this.folder = folder;
    this.#flags = flags;
  }

  get members(): readonly MemberProcess[] {
    return this.#members;
  }

  /** Plans a member that is yet to be added to the running cluster; started, it joins. */
  async planJoin(name: string, isLearner = false): Promise<MemberProcess> {
    const plan = await memberPlan(name, isLearner, THIS_HOST, this.certificates);
    const dataDir = join(this.folder, name);
    const all = [...this.#members.filter((member) => member.running), plan];
    const args = [...joinArgs(plan, all, dataDir), ...this.#flags];
    const member = new MemberProcess(plan, dataDir, args);
    this.#members.push(member);
    return member;
  }

  /** Plans the return of one that has lost its data and its place: a new member at the old addresses. */
  planReturn(member: MemberProcess): MemberProcess {
    this.forget(member);
    const all = [...this.#members.filter(({ running }) => running), member];
    const args = [...joinArgs(member.plan, all, member.dataDir), ...this.#flags];
    const again = new MemberProcess(member.plan, member.dataDir, args);
    this.#members.push(again);
    return again;
  }

  /** Plans another start of one that has ended, over the same data, with more flags. */
  again(member: MemberProcess, flags: readonly string[]): MemberProcess {
    this.forget(member);
    const again = new MemberProcess(member.plan, member.dataDir, [...member.args, ...flags]);
    this.#members.push(again);
    return again;
  }

  /** It has ended, and is no member any more. */
  forget(member: MemberProcess): void {
    if (member.running) throw new Error(`${member.name} still runs`);
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** Plans a cluster without starting it. */
  static async plan(options: ClusterOptions): Promise<Cluster> {
    if (!existsSync(MAIN))
      throw new Error("dist/ is missing: run npm test, or npm run build first");
    const folder = mkdtempSync(join(tmpdir(), "hansa-e2e-"));
    const { homeOf = () => THIS_HOST, tls = false } = options;
    const flags = [
      ...(options.isMeasured === true ? [] : SMALL_SEGMENTS),
      ...(options.flags ?? []),
    ];
    const certificates =
      tls === true ? await ClusterCertificates.make(join(folder, "certs")) : tls || undefined;
    const plans: MemberPlan[] = [];
    const add = async (name: string, isLearner: boolean): Promise<void> => {
      plans.push(await memberPlan(name, isLearner, homeOf(name), certificates));
    };
    for (let at = 1; at <= options.voters; at += 1) await add(`n${at}`, false);
    for (let at = 1; at <= (options.learners ?? 0); at += 1) await add(`l${at}`, true);
    const members = plans.map((plan) => {
      const dataDir = join(folder, plan.name);
      return new MemberProcess(plan, dataDir, serveArgs(plan, plans, dataDir, flags));
    });
    return new Cluster(members, folder, flags, certificates);
  }

  /** Starts every member and waits until each serves. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = await Cluster.plan(options);
    await cluster.startAll();
    return cluster;
  }

  async startAll(): Promise<void> {
    for (const member of this.members) member.start();
    try {
      await Promise.all(this.members.map((member) => member.ready()));
    } catch (cause) {
      await this.stop();
      throw cause;
    }
  }

  get voters(): readonly MemberProcess[] {
    return this.members.filter((member) => !member.isLearner);
  }

  get learners(): readonly MemberProcess[] {
    return this.members.filter((member) => member.isLearner);
  }

  /** Client endpoints of the voters, comma-separated. */
  get endpoints(): string {
    return this.voters.map((member) => member.endpoint).join(",");
  }

  member(name: string): MemberProcess {
    const found = this.members.find((member) => member.name === name);
    if (found === undefined) throw new Error(`no member ${name}`);
    return found;
  }

  /**
   * The running voter that leads, by its own status and a majority's word.
   *
   * @throws {Error} when none does within `deadlineMs`.
   */
  async leader(deadlineMs = START_MS_MAX): Promise<MemberProcess> {
    const clients = this.members
      .filter((member) => member.running)
      .map((member) => ({
        member,
        client: new WireClient(member.endpoint, this.certificates?.clientTls()),
      }));
    try {
      return await until("one voter leads by a majority's word", deadlineMs, async () => {
        const words = await Promise.allSettled(
          clients.map(async ({ member, client }) => {
            const { header, leader, isLearner, state } = await client.status(STATUS_MS_MAX);
            return {
              member,
              self: String(header?.member_id ?? 0),
              leader: String(leader ?? 0),
              votes: isLearner !== true,
              voterCount: state?.voters ?? 0,
            };
          }),
        );
        const heard = words.flatMap((word) => (word.status === "fulfilled" ? [word.value] : []));
        const followers = (self: string): number =>
          heard.filter(({ leader, votes }) => votes && leader === self).length;
        return heard.find(({ self, voterCount }) => followers(self) * 2 > voterCount)?.member;
      });
    } finally {
      for (const { client } of clients) client.close();
    }
  }

  /** Runs the built `hansa` command against the voters, or against `endpoints`. */
  hansa(args: readonly string[], endpoints = this.endpoints): Promise<Finished> {
    const security = this.certificates?.clientFlags() ?? [];
    return hansa([...args, "--endpoints", endpoints, ...security]);
  }

  /** Kills whatever still runs and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(
      this.members.map(async (member) => {
        if (member.running) await member.kill();
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs the built `hansa` command to its end. */
export function hansa(args: readonly string[], input?: string): Promise<Finished> {
  return finish(process.execPath, [MAIN, ...args], input === undefined ? {} : { input });
}

function joinArgs(
  own: MemberPlan,
  all: readonly { readonly name: string; readonly peerUrl: string }[],
  dataDir: string,
): string[] {
  return [
    ...["--name", own.name, "--data-dir", dataDir],
    ...["--listen-client-urls", own.clientUrl, "--advertise-client-urls", own.clientUrl],
    ...["--listen-peer-urls", own.peerUrl, "--initial-advertise-peer-urls", own.peerUrl],
    ...["--initial-cluster", all.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",")],
    ...["--initial-cluster-state", "existing"],
    ...own.security,
  ];
}

function serveArgs(
  own: MemberPlan,
  all: readonly MemberPlan[],
  dataDir: string,
  flags: readonly string[],
): string[] {
  const learners = all.filter((plan) => plan.isLearner).map((plan) => plan.name);
  return [
    ...["--name", own.name, "--data-dir", dataDir],
    ...["--listen-client-urls", own.clientUrl, "--advertise-client-urls", own.clientUrl],
    ...["--listen-peer-urls", own.peerUrl, "--initial-advertise-peer-urls", own.peerUrl],
    ...["--initial-cluster", all.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",")],
    ...["--initial-cluster-state", "new"],
    ...own.security,
    ...(learners.length === 0 ? [] : ["--initial-learners", learners.join(",")]),
    ...flags,
  ];
}
