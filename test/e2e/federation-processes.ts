// A federation of real processes: a directory and regions, each a cluster of its own with a client, founded and joined by
// commands. Regions reach each other as "localhost", through a proxy that can cut them off; within a group, and the
// directory, as 127.0.0.1.
import { afterAll, beforeAll } from "@jest/globals";
import { WideArea } from "../../examples/federation/wide-area.ts";
import { Client, textFrom } from "../../client/index.ts";
import type {
  ClientOptions,
  FederationCommand,
  FederationHome,
  FederationRegion,
} from "../../client/index.ts";
import { Cluster } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { parseExposition } from "./exposition.ts";
import { scraped } from "./scrape.ts";
import { until } from "./until.ts";
import { bytes } from "./wire-client.ts";

export const DEADLINE_MS = 60_000;
export const REGIONS = ["eu", "us", "ap"] as const;
export type RegionName = (typeof REGIONS)[number];

/** Of clients whose writes are repeated by the test alone. */
const UNREPEATED = { writes: "never", deadlineMs: 5_000 } as const;

interface StartOptions {
  readonly client?: Partial<ClientOptions>;
  readonly flags?: readonly string[];
}

/** Three regions of one member, founded before the tests of a suite and stopped after them. */
export function foundedForTests(): FederationProcesses {
  const regions = new FederationProcesses();
  beforeAll(async () => {
    await regions.start({ eu: 1, us: 1, ap: 1 }, { client: UNREPEATED });
    await regions.found(...REGIONS);
  }, 3 * DEADLINE_MS);
  afterAll(() => regions.stop());
  return regions;
}

export class FederationProcesses<Name extends string = RegionName> {
  readonly wan = new WideArea(0);
  readonly #clusters = new Map<string, Cluster>();
  readonly #clients = new Map<Name, Client>();

  /** Members of each region, by its name; `client`: options of every region's client; `flags`: of every member's. */
  async start(
    regions: Readonly<Record<Name, number>>,
    { client = {}, flags = [] }: StartOptions = {},
  ): Promise<void> {
    const directory = await Cluster.start({
      voters: 1,
      flags: ["--initial-cluster-token", "directory"],
    });
    this.#clusters.set("directory", directory);
    const told = ["--federation-directory-endpoints", directory.endpoints];
    // One after the other: many processes that start at once are slow to elect anybody.
    for (const name of Object.keys(regions) as Name[]) {
      const own = ["--region", name, "--initial-cluster-token", name, ...told, ...flags];
      const proxy = await this.wan.proxyOf(name);
      const env = [`grpc_proxy=${proxy}`, "no_grpc_proxy=127.0.0.1"];
      const launcher = ["/usr/bin/env", ...env];
      const homeOf = (): { host: string; launcher: string[] } => ({ host: "127.0.0.1", launcher });
      const cluster = await Cluster.plan({ voters: regions[name], flags: own, homeOf });
      this.#clusters.set(name, cluster);
      for (const { peerUrl } of cluster.members) this.wan.place(portOf(peerUrl), name);
      await cluster.startAll();
      const endpoints = cluster.members.map(({ endpoint }) => endpoint);
      this.#clients.set(name, new Client({ endpoints, ...client }));
    }
  }

  /** What was started, though `start` failed midway; who stands still goes on first. */
  async stop(): Promise<void> {
    for (const cluster of this.#clusters.values()) {
      for (const member of cluster.members) if (member.running) member.signal("SIGCONT");
    }
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    for (const cluster of this.#clusters.values()) await cluster.stop();
    this.wan.close();
  }

  cluster(name: Name | "directory"): Cluster {
    const cluster = this.#clusters.get(name);
    if (cluster === undefined) throw new Error(`no group ${name}`);
    return cluster;
  }

  /** The first of the group. */
  member(name: Name | "directory"): MemberProcess {
    return this.cluster(name).member("n1");
  }

  at(name: Name): Client {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`no client of ${name}`);
    return client;
  }

  /** Regions come up one after the other: a command is given until it is taken. */
  ordered(name: Name, command: FederationCommand): Promise<unknown> {
    const what = `${name} takes ${JSON.stringify(Object.keys(command))}`;
    return until(what, DEADLINE_MS, () => this.at(name).federation.change(command));
  }

  /** As other regions reach its members. */
  peersOf(name: Name): string[] {
    return this.cluster(name).members.map(({ peerUrl }) => `localhost:${portOf(peerUrl)}`);
  }

  /** The first founds, the others join. */
  async admit(name: Name, as: "init" | "join"): Promise<void> {
    const endpoints = this.peersOf(name);
    await this.ordered(name, as === "init" ? { init: { endpoints } } : { join: { endpoints } });
  }

  /** Those regions are a federation, and all of them write under "f/". */
  async found(first: Name, ...others: readonly Name[]): Promise<void> {
    await this.admit(first, "init");
    for (const name of others) await this.admit(name, "join");
    await this.ordered(first, { policy: { prefix: bytes("f/"), policy: "lww" } });
    for (const name of [first, ...others]) {
      await until(`${name} writes`, DEADLINE_MS, () => this.at(name).put(`f/at/${name}`, "1"));
    }
  }

  async homeOf(prefix: string, by: Name): Promise<FederationHome | undefined> {
    const { homes } = await this.at(by).federation.status();
    return homes.find((home) => textFrom(home.prefix) === prefix);
  }

  /** As the region asked sees it; undefined: it is no member. */
  async region(name: Name, by: Name): Promise<FederationRegion | undefined> {
    const { regions } = await this.at(by).federation.status();
    return regions.find((one) => one.name === name && one.standing !== "parted");
  }

  /** Every region has logged what the directory says. */
  async settled(): Promise<void> {
    for (const [name, client] of this.#clients) {
      await until(`${name} has logged the latest document`, DEADLINE_MS, async () => {
        const { epoch, regionEpoch } = await client.federation.status();
        return epoch === regionEpoch || undefined;
      });
    }
  }

  /** The sum of a family's samples at one member. @throws {Error} where it has no such family. */
  async metric(member: MemberProcess, name: string): Promise<number> {
    const family = parseExposition(await scraped(member.endpoint)).get(name);
    if (family === undefined) throw new Error(`no family ${name}`);
    return family.samples.reduce((sum, { value }) => sum + value, 0);
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
