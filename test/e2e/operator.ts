// An operator of a running cluster: changes who belongs to it, by `etcdctl` and by `hansa` in turn, and looks at
// its member table.
import type { Finished } from "./child.ts";
import { hansa } from "./cluster.ts";
import type { Cluster, MemberProcess } from "./cluster.ts";
import { etcdctl } from "./etcd.ts";
import { isInstalled } from "./tools.ts";
import { until } from "./until.ts";
import { WireClient } from "./wire-client.ts";

export const CHANGE_MS_MAX = 30_000;
const CALL_MS_MAX = 2_000;

export interface Row {
  /** Hexadecimal, as both tools take it. */
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export class Operator {
  readonly #cluster: Cluster;
  #commands = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  get #endpoints(): string {
    const running = this.#cluster.members.filter((member) => member.running);
    return running.map(({ endpoint }) => endpoint).join(",");
  }

  /** `member add|remove|update|promote ...` by the tool whose turn it is. @returns what it prints */
  async member(...args: readonly string[]): Promise<string> {
    return this.#succeeds(["member", ...args], ["member", ...args]);
  }

  async moveLeader(id: string): Promise<void> {
    await this.#succeeds(["move-leader", id], ["member", "move-leader", id]);
  }

  /** The same by `hansa`, whatever comes of it. */
  refused(...args: readonly string[]): Promise<Finished> {
    return hansa(["member", ...args, "--endpoints", this.#endpoints]);
  }

  async #succeeds(ofEtcdctl: readonly string[], ofHansa: readonly string[]): Promise<string> {
    this.#commands += 1;
    const theirs = this.#commands % 2 === 1 && isInstalled("etcdctl");
    const finished = theirs
      ? await etcdctl(this.#endpoints, ["--command-timeout=20s", ...ofEtcdctl])
      : await hansa([...ofHansa, "--timeout", "20s", "--endpoints", this.#endpoints]);
    if (finished.exit.code === 0) return finished.stdout;
    throw new Error(`${theirs ? "etcdctl" : "hansa"} ${ofHansa.join(" ")}: ${finished.stderr}`);
  }

  /** The member table as any running member gives it, linearizable. */
  table(): Promise<readonly Row[]> {
    return until("the member table", CHANGE_MS_MAX, async () => {
      for (const member of this.#cluster.members.filter(({ running }) => running)) {
        const rows = await tableBy(member);
        if (rows !== undefined) return rows;
      }
      return undefined;
    });
  }

  async row(name: string): Promise<Row> {
    const rows = await this.table();
    const row = rows.find((member) => member.name === name);
    if (row === undefined) throw new Error(`no member ${name} among ${JSON.stringify(rows)}`);
    return row;
  }

  /** Waits until every member has said its client URLs. */
  async published(): Promise<void> {
    await until("every member has published", CHANGE_MS_MAX, async () =>
      (await this.table()).every(({ clientUrls }) => clientUrls.length > 0) ? true : undefined,
    );
  }

  /** Waits until the voters are exactly these. */
  async votersAre(...names: readonly string[]): Promise<void> {
    const wanted = [...names].sort().join();
    await until(`${wanted} vote`, CHANGE_MS_MAX, async () => {
      const voters = (await this.table()).filter(({ isLearner }) => !isLearner);
      const sorted = voters.map(({ name }) => name).sort();
      return sorted.join() === wanted ? true : undefined;
    });
  }
}

async function tableBy(member: MemberProcess): Promise<readonly Row[] | undefined> {
  const client = new WireClient(member.endpoint);
  try {
    const { members } = await client.memberList(CALL_MS_MAX);
    return (members ?? []).map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
      id: BigInt(String(ID ?? 0)).toString(16),
      name: name ?? "",
      peerUrls: peerURLs ?? [],
      clientUrls: clientURLs ?? [],
      isLearner: isLearner ?? false,
    }));
  } catch {
    // It is away, or knows no leader: the next one is asked.
    return undefined;
  } finally {
    client.close();
  }
}
