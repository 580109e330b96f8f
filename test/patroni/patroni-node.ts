// One PostgreSQL under Patroni, both from Debian, in a folder of its own, as a user that is not root: PostgreSQL
// refuses to run as that.
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { Child, finish } from "../e2e/child.ts";
import { freePort } from "../e2e/free-port.ts";
import { until } from "../e2e/until.ts";

const PATRONI = "/usr/bin/patroni";
const POSTGRES = "/usr/lib/postgresql";
const USER = "postgres";
const ASK_MS_MAX = 2_000;
/** The least that Patroni takes; what a failover waits for at most. */
export const TTL_S = 20;
/** For how long it asks again before it gives its primary up; at most half of the lease. */
const RETRY_S = 9;

/** What is not there, in Debian's words; undefined: nothing. */
export function missingForPatroni(): string | undefined {
  if (existsSync(PATRONI) && existsSync(POSTGRES)) return undefined;
  return "apt-get install --no-install-recommends patroni postgresql";
}

interface NodePorts {
  readonly rest: number;
  readonly sql: number;
}

/** What Patroni's REST API says. */
interface NodeState {
  readonly role?: string;
  readonly state?: string;
  readonly timeline?: number;
  readonly replication?: readonly { readonly state?: string }[];
}

export class PatroniNode {
  readonly name: string;
  readonly #folder: string;
  readonly #ports: NodePorts;
  #child: Child | undefined;

  private constructor(name: string, folder: string, ports: NodePorts) {
    this.name = name;
    this.#folder = folder;
    this.#ports = ports;
  }

  /** Written down, not started. `endpoints`: host:port of Hansa's members. */
  static async plan(
    name: string,
    folder: string,
    endpoints: readonly string[],
  ): Promise<PatroniNode> {
    const home = join(folder, name);
    const ports = { rest: await freePort(), sql: await freePort() };
    mkdirSync(home);
    writeFileSync(
      join(home, "patroni.json"),
      JSON.stringify(configOf(name, home, ports, endpoints)),
    );
    const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, USER])));
    chownSync(home, uid ?? 0, gid ?? 0);
    return new PatroniNode(name, home, ports);
  }

  get running(): boolean {
    return this.#child?.running === true;
  }

  get output(): string {
    return this.#child?.output ?? "(never started)";
  }

  start(): void {
    const identity = ["--reuid", USER, "--regid", USER, "--clear-groups"];
    // Python's yaml reads JSON too.
    const args = [...identity, "/usr/bin/python3", PATRONI, join(this.#folder, "patroni.json")];
    this.#child = new Child("setpriv", args, { HOME: this.#folder, PYTHONDONTWRITEBYTECODE: "1" });
  }

  /** Undefined while it does not answer. */
  async state(): Promise<NodeState | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#ports.rest}/patroni`, {
        signal: AbortSignal.timeout(ASK_MS_MAX),
      });
      return (await response.json()) as NodeState;
    } catch {
      return undefined;
    }
  }

  async isPrimary(): Promise<boolean> {
    const { role, state } = (await this.state()) ?? {};
    return state === "running" && (role === "master" || role === "primary");
  }

  /** The last column of the last row. @throws {Error} with what psql says */
  async sql(statement: string): Promise<string> {
    const url = `postgresql://${USER}:one@127.0.0.1:${this.#ports.sql}/postgres?connect_timeout=2`;
    const { exit, stdout, stderr } = await finish("psql", ["-qtAX", url, "-c", statement]);
    if (exit.code !== 0) throw new Error(`${statement}: ${stderr}`);
    return stdout.trim();
  }

  /** SIGKILL, to Patroni and to the database at once: as if its machine had lost power. */
  async kill(): Promise<void> {
    const pids = [
      this.#child?.pid,
      Number(readFileSync(join(this.#folder, "data", "postmaster.pid"), "utf8").split("\n")[0]),
    ];
    for (const pid of pids) if (pid !== undefined && pid > 0) process.kill(pid, "SIGKILL");
    await this.#child?.exited;
  }

  /** Patroni stops its database with itself. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.running !== true) return;
    child.signal("SIGTERM");
    await until(`${this.name} stops`, 60_000, () => (child.running ? undefined : true));
  }
}

function configOf(
  name: string,
  home: string,
  { rest, sql }: NodePorts,
  endpoints: readonly string[],
): object {
  const versions = readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a));
  const rule = (database: string, user: string): string =>
    `host ${database} ${user} 127.0.0.1/32 md5`;
  const dcs = {
    ttl: TTL_S,
    loop_wait: 1,
    retry_timeout: RETRY_S,
    postgresql: { use_pg_rewind: false },
  };
  return {
    scope: "hansa",
    name,
    restapi: { listen: `127.0.0.1:${rest}`, connect_address: `127.0.0.1:${rest}` },
    etcd3: { hosts: endpoints },
    bootstrap: { dcs, initdb: [{ encoding: "UTF8" }, { locale: "C" }, "data-checksums"] },
    postgresql: {
      listen: `127.0.0.1:${sql}`,
      connect_address: `127.0.0.1:${sql}`,
      data_dir: join(home, "data"),
      bin_dir: join(POSTGRES, versions[0] ?? "", "bin"),
      pgpass: join(home, "pgpass"),
      authentication: {
        superuser: { username: USER, password: "one" },
        replication: { username: "replicator", password: "two" },
      },
      parameters: { unix_socket_directories: home, shared_buffers: "16MB", max_connections: 20 },
      pg_hba: [rule("all", "all"), rule("replication", "replicator"), "local all all trust"],
    },
  };
}
