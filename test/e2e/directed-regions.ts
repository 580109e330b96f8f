// Three regions of one member each and a directory group, all real processes: the federation is founded and joined by
// commands, and the tests strike it.
import { Client, textFrom } from "../../client/index.ts";
import type { FederationCommand, FederationHome } from "../../client/index.ts";
import { Cluster } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { until } from "./until.ts";
import { bytes } from "./wire-client.ts";

export const DEADLINE_MS = 60_000;
export const REGIONS = ["eu", "us", "ap"] as const;
export type RegionName = (typeof REGIONS)[number];

export class DirectedRegions {
  readonly #clusters = new Map<string, Cluster>();
  readonly #clients = new Map<string, Client>();

  /** All write under "f/" by then. What was started is stopped by `stop`, though this fails midway. */
  async start(): Promise<void> {
    const flags = ["--initial-cluster-token", "directory"];
    const directory = await Cluster.start({ voters: 1, flags });
    this.#clusters.set("directory", directory);
    const told = ["--federation-directory-endpoints", directory.endpoints];
    for (const name of REGIONS) {
      const named = ["--region", name, "--initial-cluster-token", name];
      this.#clusters.set(name, await Cluster.plan({ voters: 1, flags: [...named, ...told] }));
    }
    const starts = REGIONS.map(async (name) => {
      await this.#clusters.get(name)?.startAll();
      const endpoints = [this.member(name).endpoint];
      this.#clients.set(name, new Client({ endpoints, writes: "never", deadlineMs: 5_000 }));
    });
    await Promise.all(starts);
    for (const [at, name] of REGIONS.entries()) {
      const endpoints = [this.member(name).peerUrl.replace("http://", "")];
      await this.order(name, at === 0 ? { init: { endpoints } } : { join: { endpoints } });
    }
    await this.order("eu", { policy: { prefix: bytes("f/"), policy: "lww" } });
    for (const name of REGIONS) {
      await until(`${name} writes`, DEADLINE_MS, () => this.at(name).put(`f/at/${name}`, "1"));
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
    for (const cluster of this.#clusters.values()) await cluster.stop();
  }

  /** Of a region, or of the "directory". */
  member(name: string): MemberProcess {
    const member = this.#clusters.get(name)?.members[0];
    if (member === undefined) throw new Error(`no group ${name}`);
    return member;
  }

  at(name: RegionName): Client {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`no client of ${name}`);
    return client;
  }

  /** Regions come up one after the other: a command is given until it is taken. */
  order(name: RegionName, command: FederationCommand): Promise<unknown> {
    const what = `${name} takes ${JSON.stringify(Object.keys(command))}`;
    return until(what, DEADLINE_MS, () => this.at(name).federation.change(command));
  }

  async homeOf(prefix: string, name: RegionName): Promise<FederationHome | undefined> {
    const { homes } = await this.at(name).federation.status();
    return homes.find((home) => textFrom(home.prefix) === prefix);
  }

  /** Every region has logged what the directory says. */
  async settle(): Promise<void> {
    for (const name of REGIONS) {
      await until(`${name} has logged the latest document`, DEADLINE_MS, async () => {
        const { epoch, regionEpoch } = await this.at(name).federation.status();
        return epoch === regionEpoch || undefined;
      });
    }
  }
}
