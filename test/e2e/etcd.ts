// Debian's etcd, started beside: the oracle of the wire tests and the peer of the benchmark.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ClusterCertificates } from "./certificates.ts";
import { Child, finish } from "./child.ts";
import type { Finished } from "./child.ts";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";

const START_MS_MAX = 30_000;

/** Runs etcdctl (API 3) against one endpoint or a comma-separated list. */
export function etcdctl(
  endpoints: string,
  args: readonly string[],
  input?: string,
): Promise<Finished> {
  return finish("etcdctl", ["--endpoints", endpoints, ...args], {
    env: { ETCDCTL_API: "3" },
    ...(input === undefined ? {} : { input }),
  });
}

/** A cluster of real etcd members in a folder of its own. */
export class EtcdCluster {
  readonly endpoints: readonly string[];
  /** Peer URLs, in the order of the endpoints. */
  readonly peers: readonly string[];
  readonly members: readonly Child[];
  readonly folder: string;
  /** What etcdctl needs to be let in. */
  readonly clientFlags: readonly string[];

  private constructor(
    plan: readonly { readonly client: string; readonly peer: string }[],
    members: readonly Child[],
    folder: string,
    clientFlags: readonly string[],
  ) {
    this.clientFlags = clientFlags;
    this.endpoints = plan.map(({ client }) => client);
    this.peers = plan.map(({ peer }) => peer);
    this.members = members;
    this.folder = folder;
  }

  /** `flags` are passed to every member; with `certificates` both ports are over TLS, mutual. */
  static async start(
    memberCount: number,
    flags: readonly string[] = [],
    certificates?: ClusterCertificates,
  ): Promise<EtcdCluster> {
    const folder = mkdtempSync(join(tmpdir(), "hansa-etcd-"));
    const plan: { name: string; client: string; peer: string }[] = [];
    const origin = certificates === undefined ? "http://127.0.0.1" : "https://127.0.0.1";
    for (let at = 1; at <= memberCount; at += 1) {
      await certificates?.host(`etcd${at}`, "127.0.0.1");
      plan.push({
        name: `etcd${at}`,
        client: `${origin}:${await freePort()}`,
        peer: `${origin}:${await freePort()}`,
      });
    }
    const initialCluster = plan.map(({ name, peer }) => `${name}=${peer}`).join(",");
    const members = plan.map(
      ({ name, client, peer }) =>
        new Child("etcd", [
          ...["--name", name, "--data-dir", join(folder, name), "--logger", "zap"],
          ...["--listen-client-urls", client, "--advertise-client-urls", client],
          ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
          ...["--initial-cluster", initialCluster, "--initial-cluster-state", "new"],
          ...(certificates?.serverFlags(name) ?? []),
          ...flags,
        ]),
    );
    const cluster = new EtcdCluster(plan, members, folder, certificates?.clientFlags() ?? []);
    try {
      await until("etcd is healthy", START_MS_MAX, async () => {
        const asked = [...cluster.clientFlags, "endpoint", "health"];
        const { exit } = await etcdctl(cluster.endpoints.join(","), asked);
        return exit.code === 0 ? true : undefined;
      });
    } catch (cause) {
      await cluster.stop();
      throw new Error(`etcd did not start:\n${members[0]?.output ?? ""}`, { cause });
    }
    return cluster;
  }

  /** The endpoint whose member leads. */
  async leader(): Promise<string> {
    return until("etcd has a leader", START_MS_MAX, async () => {
      for (const endpoint of this.endpoints) {
        const asked = [...this.clientFlags, "endpoint", "status", "-w", "fields"];
        const { stdout } = await etcdctl(endpoint, asked);
        const leader = /"Leader" : (\d+)/.exec(stdout)?.[1];
        const member = /"MemberID" : (\d+)/.exec(stdout)?.[1];
        if (leader !== undefined && leader === member) return endpoint;
      }
      return undefined;
    });
  }

  async stop(): Promise<void> {
    for (const member of this.members) member.signal("SIGKILL");
    await Promise.all(this.members.map((member) => member.exited));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
