// A federation of real processes: a directory and regions, each a cluster of its own with a client. Regions reach each
// other as "localhost", through a proxy that can cut them off; within a group, and the directory, as 127.0.0.1.
import { WideArea } from "../../examples/federation/wide-area.ts";
import { Client } from "../../client/index.ts";
import type { ClientOptions, FederationCommand, FederationRegion } from "../../client/index.ts";
import { Cluster } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { until } from "./until.ts";

export const DEADLINE_MS = 60_000;

interface StartOptions {
  readonly client?: Partial<ClientOptions>;
  readonly flags?: readonly string[];
}

export class FederationProcesses<Name extends string> {
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

  /** The first founds, the others join. */
  async admit(name: Name, as: "init" | "join"): Promise<void> {
    const { members } = this.cluster(name);
    const endpoints = members.map(({ peerUrl }) => `localhost:${portOf(peerUrl)}`);
    await this.ordered(name, as === "init" ? { init: { endpoints } } : { join: { endpoints } });
  }

  /** As the region asked sees it; undefined: it is no member. */
  async region(name: Name, by: Name): Promise<FederationRegion | undefined> {
    const { regions } = await this.at(by).federation.status();
    return regions.find((one) => one.name === name && one.standing !== "parted");
  }

  /** Those regions have logged what the directory says. */
  async settled(names: readonly Name[]): Promise<void> {
    for (const name of names) {
      await until(`${name} has logged the latest document`, DEADLINE_MS, async () => {
        const { epoch, regionEpoch } = await this.at(name).federation.status();
        return epoch === regionEpoch || undefined;
      });
    }
  }

  /** The sum of a family's samples at one member; 0: it has none. */
  async metric(member: MemberProcess, family: string): Promise<number> {
    const response = await fetch(`http://${member.endpoint}/metrics`);
    const lines = (await response.text()).split("\n");
    const samples = lines.filter((line) => line.startsWith(family) && !line.startsWith("#"));
    return samples.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
