// One side of the walk: a cluster of Hansa or of etcd as etcdctl sees it, and what differs from the other side by
// nature made equal: ids, addresses, names, terms, sizes and times.
import { Child, finish } from "../child.ts";
import type { Finished } from "../child.ts";
import { until } from "../until.ts";

export const WAIT_MS_MAX = 40_000;
/** `check` writes for minutes on a busy machine. */
const CTL_MS_MAX = 300_000;

/** Of the cluster's CA, of the mirror's, and of one that neither knows. */
export type CertificateFolders = Readonly<Record<"certs" | "mirror-certs" | "other-certs", string>>;

export interface WorldPlan {
  /** host:port of each member, with https:// before it where it is secured. */
  readonly endpoints: readonly string[];
  /** Peer URLs, in the same order. */
  readonly peers: readonly string[];
  /** A cluster to mirror to. */
  readonly mirror: string;
  /** Of every call of etcdctl: certificates, user. */
  readonly flags: readonly string[];
  /** Of calls to the mirror. */
  readonly mirrorFlags: readonly string[];
  readonly folder: string;
  /** Absent: the clusters are plain. */
  readonly certificates?: CertificateFolders;
}

/** host:port of a URL. */
export function hostOf(url: string): string {
  return url.replace(/^https?:\/\//, "");
}

export class World {
  readonly plan: WorldPlan;
  /** What `{name}` stands for in the lines of the walk. */
  readonly #names = new Map<string, string>();
  readonly #children: Child[] = [];

  constructor(plan: WorldPlan) {
    this.plan = plan;
    const { endpoints, mirror, folder, certificates } = plan;
    for (const [name, path] of Object.entries(certificates ?? {})) this.name(name, path);
    this.name("all", endpoints.join(","));
    this.name("mirror", mirror);
    this.name("folder", folder);
    endpoints.forEach((endpoint, at) => {
      this.name(`m${at + 1}`, endpoint);
    });
  }

  name(name: string, value: string): void {
    this.#names.set(name, value);
  }

  /** @throws {Error} for a name that nothing stands for. */
  filled(text: string): string {
    return text.replace(/\{([a-z][a-z0-9-]*)\}/g, (_, name: string) => {
      const value = this.#names.get(name);
      if (value === undefined) throw new Error(`nothing is named ${name}`);
      return value;
    });
  }

  ctl(endpoints: string, args: readonly string[], input?: string): Promise<Finished> {
    return finish("etcdctl", this.#line(endpoints, args), {
      env: { ETCDCTL_API: "3" },
      timeoutMs: CTL_MS_MAX,
      ...(input === undefined ? {} : { input }),
    });
  }

  ctlOfMirror(args: readonly string[]): Promise<Finished> {
    const { mirror, mirrorFlags } = this.plan;
    return finish("etcdctl", ["--endpoints", mirror, ...mirrorFlags, ...args], {
      env: { ETCDCTL_API: "3" },
    });
  }

  /** A command that runs until it is stopped. */
  start(endpoints: string, args: readonly string[]): Child {
    const child = new Child("etcdctl", this.#line(endpoints, args), { ETCDCTL_API: "3" });
    this.#children.push(child);
    return child;
  }

  /** SIGINT, as Ctrl-C. @returns its exit and what it has printed */
  async interrupt(child: Child): Promise<string> {
    child.signal("SIGINT");
    const exit = await child.exited;
    return `${child.output}\n-> ${exit.signal ?? exit.code ?? "?"}`;
  }

  /** Who leads, and one who does not: `{leader}`, `{follower}`, with their ids. */
  async nameLeader(): Promise<void> {
    const { leader, follower } = await until("all say who leads", WAIT_MS_MAX, async () => {
      const statuses = await this.#statuses();
      const [leading] = statuses.filter(({ id, leader: known }) => id === known);
      const agreed = statuses.every(({ leader: known }) => known === leading?.id);
      const other = statuses.find(({ id }) => id !== leading?.id);
      if (leading === undefined || other === undefined || !agreed) return undefined;
      return { leader: leading, follower: other };
    });
    this.name("leader", leader.endpoint);
    this.name("leader-id", leader.id);
    this.name("follower", follower.endpoint);
    this.name("follower-id", follower.id);
  }

  async #statuses(): Promise<{ endpoint: string; id: string; leader: string }[]> {
    const { endpoints } = this.plan;
    const { stdout, stderr, exit } = await this.ctl(endpoints.join(","), [
      ...["endpoint", "status", "-w", "fields"],
    ]);
    if (exit.code !== 0) throw new Error(stderr);
    const field = (block: string, name: string): string =>
      new RegExp(`^"${name}" : "?([^"\n]*)`, "m").exec(block)?.[1] ?? "";
    return stdout
      .trimEnd()
      .split("\n\n")
      .map((block) => ({
        endpoint: field(block, "Endpoint"),
        id: BigInt(field(block, "MemberID")).toString(16),
        leader: BigInt(field(block, "Leader")).toString(16),
      }));
  }

  /** Ends what was started and still runs. */
  async stop(): Promise<void> {
    for (const child of this.#children) child.signal("SIGKILL");
    await Promise.all(this.#children.map((child) => child.exited));
  }

  /** What a transcript says apart from what differs by nature. */
  normalized(text: string): string {
    const { endpoints, peers, mirror, folder } = this.plan;
    const named: [string, string][] = [
      ...endpoints.map((endpoint, at): [string, string] => [hostOf(endpoint), `m${at + 1}`]),
      ...peers.map((peer, at): [string, string] => [hostOf(peer), `peer-of-m${at + 1}`]),
      [hostOf(mirror), "mirror"],
      [folder, "folder"],
    ];
    const placed = named.reduce((result, [from, to]) => result.replaceAll(from, to), text);
    return (
      placed
        .split("\n")
        .filter((line) => !line.startsWith('{"level"'))
        .join("\n")
        .replace(/"(cluster_id|member_id|raft_term|leader|ID|id|lease)":\d+/g, '"$1":0')
        .replace(/"(raftIndex|raftTerm|raftAppliedIndex|dbSize|dbSizeInUse|hash)":\d+/g, '"$1":0')
        .replace(
          /"(ClusterID|MemberID|RaftTerm|ID|Leader|Lease|Hash|DBSize\w*)" : \d+/g,
          '"$1" : 0',
        )
        .replace(/"Raft(Index|AppliedIndex)" : \d+/g, '"Raft$1" : 0')
        .replace(/https?:\/\//g, "")
        // etcdctl's own mistakes end in a trace of addresses.
        .replace(/\ngoroutine 1 [^]*?\n(?=-> )/g, "\n")
        .replace(/(ETCD_INITIAL_CLUSTER=")([^"]*)/g, (_, name: string, list: string) => {
          return name + list.split(",").sort().join(",");
        })
        // etcd names a lease's keys in any order.
        .replace(/(attached keys\(\[)([^\]]*)/g, (_, head: string, keys: string) => {
          return head + keys.split(" ").sort().join(" ");
        })
        .replace(/\b[0-9a-f]{12,16}\b/g, "ID")
        .replace(/\betcd([1-9])\b/g, "n$1")
        .replace(/\d+(\.\d+)?(ns|µs|ms|s)\b/g, "TIME")
        .replace(/\b\d+(\.\d+)? ([kMG]?B)\b/g, "SIZE")
        .replace(/-{2,}/g, "--")
        .replace(/ +/g, " ")
    );
  }

  #line(endpoints: string, args: readonly string[]): string[] {
    return ["--endpoints", endpoints, ...this.plan.flags, ...args];
  }
}
