// Where the walk goes: the same table of steps with and without TLS, with and without auth, on both protocols,
// each time beside Debian's etcd in the same surroundings.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Cluster, PROTOCOLS } from "../cluster.ts";
import { EtcdCluster } from "../etcd.ts";
import { ROOT } from "./steps-auth.ts";
import { World } from "./world.ts";

export interface Environment {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly auth: boolean;
}

/** Everything, in every environment (`npm run walk`), or what a test run has time for. */
export const IS_WHOLE = process.env["HANSA_TEST_WALK"] === "whole";

export const ENVIRONMENTS: readonly Environment[] = IS_WHOLE
  ? PROTOCOLS.flatMap((protocol) => [false, true].map((auth) => ({ protocol, auth })))
  : [{ protocol: "raft", auth: false }];

export function titleOf({ protocol, auth }: Environment): string {
  return `over ${protocol}${auth ? ", with auth" : ""}`;
}

export interface Sides {
  readonly ours: World;
  readonly theirs: World;
  readonly stop: () => Promise<void>;
}

const host = (url: string): string => url.replace(/^https?:\/\//, "");

export async function startSides(environment: Environment): Promise<Sides> {
  // The least that either takes: every command of the walk through auth authenticates anew.
  const cheap = ["--bcrypt-cost=4"];
  const flags = ["--consensus", environment.protocol, ...cheap];
  const starts = [
    Cluster.start({ voters: 3, flags }),
    Cluster.start({ voters: 1, flags }),
    EtcdCluster.start(3, cheap),
    EtcdCluster.start(1),
  ] as const;
  const [cluster, mirror, etcd, etcdMirror] = await Promise.all(starts).catch(
    async (cause: unknown) => {
      await stopOthers(starts);
      throw cause;
    },
  );
  const worldOf = (
    endpoints: readonly string[],
    peers: readonly string[],
    mirrorEndpoint: string,
    base: string,
  ): World => {
    const folder = join(base, "walk");
    mkdirSync(folder);
    return new World({
      endpoints: endpoints.map(host),
      peers: peers.map(host),
      mirror: host(mirrorEndpoint),
      flags: environment.auth ? [`--user=${ROOT}`] : [],
      mirrorFlags: [],
      destFlags: [],
      folder,
    });
  };
  const ours = worldOf(
    cluster.voters.map(({ endpoint }) => endpoint),
    cluster.voters.map(({ peerUrl }) => peerUrl),
    mirror.endpoints,
    cluster.folder,
  );
  const theirs = worldOf(etcd.endpoints, etcd.peers, etcdMirror.endpoints[0] ?? "", etcd.folder);
  if (environment.auth) await Promise.all([ours, theirs].map(enableAuth));
  return {
    ours,
    theirs,
    stop: async () => {
      await Promise.all([ours.stop(), theirs.stop()]);
      await Promise.all([cluster, mirror, etcd, etcdMirror].map((one) => one.stop()));
    },
  };
}

async function stopOthers(
  starts: readonly Promise<{ stop: () => Promise<void> }>[],
): Promise<void> {
  for (const start of await Promise.allSettled(starts)) {
    if (start.status === "fulfilled") await start.value.stop();
  }
}

/** Before it is enabled a user is given too: etcdctl minds that as little as etcd does. */
async function enableAuth(world: World): Promise<void> {
  const first = world.filled("{m1}");
  for (const args of [
    ["user", "add", ROOT],
    ["user", "grant-role", "root", "root"],
    ["auth", "enable"],
  ]) {
    const { exit, stderr } = await world.ctl(first, args);
    if (exit.code !== 0) throw new Error(`etcdctl ${args.join(" ")}: ${stderr}`);
  }
}
