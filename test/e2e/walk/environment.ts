// Where the walk goes: the same table of steps with and without TLS, with and without auth, on both protocols,
// each time beside Debian's etcd in the same surroundings.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { present } from "../../../base/index.ts";
import { Cluster, PROTOCOLS } from "../cluster.ts";
import type { Protocol } from "../cluster.ts";
import { ClusterCertificates } from "../certificates.ts";
import { EtcdCluster } from "../etcd.ts";
import { ROOT } from "./steps-auth.ts";
import { CLIENT } from "./steps-certificates.ts";
import { World, hostOf } from "./world.ts";
import type { CertificateFolders } from "./world.ts";

export interface Environment {
  readonly protocol: Protocol;
  readonly tls: boolean;
  readonly auth: boolean;
}

/** Everything, in every environment (`npm run walk`), or what a test run has time for. */
export const IS_WHOLE = process.env["HANSA_TEST_WALK"] === "whole";

/** Walked through whole, if without the minutes of `check`, in a test run. */
const PLAIN: Environment = { protocol: "paxos", tls: false, auth: false };
/** Of which a test run walks through what certificates change. */
const SECURED: Environment = { protocol: "raft", tls: true, auth: true };

export const ENVIRONMENTS: readonly Environment[] = IS_WHOLE
  ? PROTOCOLS.flatMap((protocol) =>
      [false, true].flatMap((tls) => [false, true].map((auth) => ({ protocol, tls, auth }))),
    )
  : [PLAIN, SECURED];

export function titleOf({ protocol, tls, auth }: Environment): string {
  return `over ${protocol}${tls ? ", with TLS" : ""}${auth ? ", with auth" : ""}`;
}

export interface Sides {
  readonly ours: World;
  readonly theirs: World;
  readonly stop: () => Promise<void>;
}

export async function startSides(environment: Environment): Promise<Sides> {
  const { tls } = environment;
  // The least that either takes: every command of the walk through auth authenticates anew.
  const cheap = ["--bcrypt-cost=4"];
  const flags = ["--consensus", environment.protocol, ...cheap];
  const cluster = await Cluster.plan({ voters: 3, flags, tls });
  const mirror = await Cluster.plan({ voters: 1, flags, tls });
  const strangers = tls ? await strangersOf(cluster, mirror) : undefined;
  for (const { certificates } of [cluster, mirror]) await certificates?.client(CLIENT);
  const starts = [
    EtcdCluster.start(3, cheap, cluster.certificates),
    EtcdCluster.start(1, [], mirror.certificates),
    cluster.startAll().then(() => cluster),
    mirror.startAll().then(() => mirror),
  ] as const;
  const [etcd, etcdMirror] = await Promise.all(starts).catch(async (cause: unknown) => {
    await stopOthers(starts);
    throw cause;
  });
  const worldOf = (
    endpoints: readonly string[],
    peers: readonly string[],
    mirrorEndpoint: string,
    base: string,
  ): World => {
    const folder = join(base, "walk");
    mkdirSync(folder);
    const { certificates } = cluster;
    return new World({
      endpoints: endpoints.map((url) => (tls ? url : hostOf(url))),
      peers,
      mirror: tls ? mirrorEndpoint : hostOf(mirrorEndpoint),
      flags: [
        ...(certificates?.clientFlags(CLIENT) ?? []),
        ...(environment.auth ? [`--user=${ROOT}`] : []),
      ],
      mirrorFlags: mirror.certificates?.clientFlags(CLIENT) ?? [],
      folder,
      ...(strangers === undefined ? {} : { certificates: strangers }),
    });
  };
  const ours = worldOf(
    cluster.voters.map(({ endpoint }) => endpoint),
    cluster.voters.map(({ peerUrl }) => peerUrl),
    mirror.endpoints,
    cluster.folder,
  );
  const theirs = worldOf(etcd.endpoints, etcd.peers, etcdMirror.endpoints[0] ?? "", etcd.folder);
  const sides = {
    ours,
    theirs,
    stop: async () => {
      await Promise.all([ours.stop(), theirs.stop()]);
      await Promise.all([cluster, mirror, etcd, etcdMirror].map((one) => one.stop()));
    },
  };
  if (environment.auth) await enableAuth(sides);
  return sides;
}

/** Of other CAs: the mirror's, and one that nobody here knows; and a certificate that is revoked. */
async function strangersOf(cluster: Cluster, mirror: Cluster): Promise<CertificateFolders> {
  const certificates = present(cluster.certificates, "the cluster is secured");
  const other = await ClusterCertificates.make(certificates.path("other"));
  await certificates.client("stranger");
  await certificates.client("revoked");
  await certificates.revoke("revoked");
  return {
    certs: certificates.folder,
    "mirror-certs": present(mirror.certificates, "the mirror is secured").folder,
    "other-certs": other.folder,
  };
}

async function stopOthers(
  starts: readonly Promise<{ stop: () => Promise<void> }>[],
): Promise<void> {
  for (const start of await Promise.allSettled(starts)) {
    if (start.status === "fulfilled") await start.value.stop();
  }
}

async function enableAuth(sides: Sides): Promise<void> {
  try {
    await Promise.all([sides.ours, sides.theirs].map(enableAuthOf));
  } catch (cause) {
    await sides.stop();
    throw cause;
  }
}

/** Before it is enabled a user is given too: etcdctl minds that as little as etcd does. */
async function enableAuthOf(world: World): Promise<void> {
  const first = world.filled("{m1}");
  // What follows is not repeated by etcdctl.
  await world.nameLeader();
  for (const args of [
    ["user", "add", ROOT],
    ["user", "grant-role", "root", "root"],
    ["auth", "enable"],
  ]) {
    const { exit, stderr } = await world.ctl(first, args);
    if (exit.code !== 0) throw new Error(`etcdctl ${args.join(" ")}: ${stderr}`);
  }
}
