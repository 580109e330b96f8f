// Users and roles over three members: etcdctl's commands beside those against a real etcd, word for word; the etcd3
// package's roles; and what etcd's own clients do not show, by Hansa's client.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Etcd3 } from "etcd3";
import { Client, KvError } from "../../client/index.ts";
import { Cluster, protocolsFor } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";

const ROOT = { username: "root", password: "rp" };
const ANN = { username: "ann", password: "ap" };
const WAIT_MS_MAX = 10_000;

/** Of one user; the rest of the line is the command. */
const STEPS: readonly string[] = [
  "auth enable",
  "user add root:rp",
  "auth enable",
  "user grant-role root root",
  "user grant-role root missing",
  "user add root:again",
  "user add ann:ap",
  "user add guest --no-password",
  "user get nobody",
  "role add reader",
  "role add reader",
  "role grant-permission reader readwrite foo fop",
  "role grant-permission reader read single",
  "role grant-permission reader read a b",
  "role grant-permission reader read b c",
  "role grant-permission reader write only-write",
  "role grant-permission missing read x",
  "role grant-permission reader read z y",
  "role revoke-permission reader nothing",
  "role get reader",
  "role get missing",
  "user grant-role ann reader",
  "user grant-role nobody reader",
  "user revoke-role ann missing",
  "user get ann",
  "put foo1 1",
  "put only-write 1",
  "put single 1",
  "put zzz 1",
  "--user root:rp put foo 1",
  "auth enable",
  "put foo1 1",
  "get foo1",
  "--user root:wrong get foo1",
  "--user nobody:wrong get foo1",
  "--user root:rp get foo1",
  "--user ann:ap put foo1 2",
  "--user ann:ap put fop 2",
  "--user ann:ap put only-write 2",
  "--user ann:ap put only-write 3 --prev-kv",
  "--user ann:ap get only-write",
  "--user ann:ap get foo --prefix",
  "--user ann:ap get fo --prefix",
  "--user ann:ap get foo --from-key",
  "--user ann:ap get a c",
  "--user ann:ap get a d",
  "--user ann:ap get single",
  "--user ann:ap get single singlf",
  "--user ann:ap get single --from-key",
  "--user ann:ap del foo1 --prev-kv",
  "--user ann:ap del only-write --prev-kv",
  "--user ann:ap del only-write",
  "--user ann:ap user get ann",
  "--user ann:ap user get root",
  "--user ann:ap user list",
  "--user ann:ap role get reader",
  "--user ann:ap role list",
  "--user ann:ap user add eve:ep",
  "--user ann:ap lease timetolive 7b",
  "--user ann:ap auth disable",
  "--user root:rp user list",
  "--user root:rp role list",
  "--user root:rp user delete root",
  "--user root:rp user revoke-role root root",
  "--user root:rp role delete reader",
  "--user ann:ap get foo1",
  "--user root:rp user get ann",
  "--user root:rp user delete ann",
  "--user ann:ap get foo1",
  "--user root:rp auth disable",
  "get zzz",
  "user delete root",
  "user delete guest",
];

/** Without the log lines of etcdctl's own retries. */
function normalized(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("{"))
    .join("\n");
}

describe.each(protocolsFor("raft"))("over %s", (protocol) => {
  /** For all of them: the first leaves it without users, and without auth. */
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({
      voters: 3,
      flags: ["--bcrypt-cost", "4", "--consensus", protocol],
    });
  });

  afterAll(async () => {
    await cluster.stop();
  });

  describeWith(["etcd", "etcdctl"], "etcdctl's users and roles", () => {
    let etcd: EtcdCluster;

    beforeAll(async () => {
      etcd = await EtcdCluster.start(1);
    });

    afterAll(async () => {
      await etcd.stop();
    });

    test("say and do what they do against etcd", async () => {
      const transcript = async (endpointAt: (at: number) => string): Promise<string[]> => {
        const lines: string[] = [];
        for (const [at, line] of STEPS.entries()) {
          const { exit, stdout, stderr } = await etcdctl(endpointAt(at), line.split(" "));
          lines.push(`$ etcdctl ${line} -> ${exit.code}\n${normalized(stdout + stderr)}`);
        }
        return lines;
      };
      const [ours, theirs] = await Promise.all([
        transcript((at) => cluster.voters[at % 3]?.endpoint ?? ""),
        transcript(() => etcd.endpoints[0] ?? ""),
      ]);
      expect(ours).toEqual(theirs);
    });
  });

  describe("users and roles of a cluster", () => {
    let root: Client;
    const clients: Client[] = [];

    function clientOf(
      auth?: { username: string; password: string },
      endpoints = cluster.endpoints,
    ) {
      const options = { endpoints: endpoints.split(","), ...(auth === undefined ? {} : { auth }) };
      const client = new Client(options);
      clients.push(client);
      return client;
    }

    async function failureOf(promise: Promise<unknown>): Promise<string> {
      return promise.then(
        () => "nothing",
        (error: unknown) => (error instanceof KvError ? error.code : String(error)),
      );
    }

    beforeAll(async () => {
      const founder = clientOf();
      await founder.auth.addUser("root", { password: ROOT.password });
      await founder.auth.grantRole("root", "root");
      await founder.auth.addUser("ann", { password: ANN.password });
      await founder.auth.addRole("app");
      await founder.auth.grantPermission("app", "readwrite", { prefix: "app/" });
      await founder.auth.grantRole("ann", "app");
      // Its streams were opened before anyone could be named.
      await founder.put("app/before", "1");
      await founder.auth.enable();
      expect(await failureOf(founder.put("app/after", "1"))).toBe("user-empty");
      expect(await founder.auth.status()).toMatchObject({ enabled: true });
      root = clientOf(ROOT);
    });

    afterAll(async () => {
      for (const client of clients) await client.close();
    });

    test("a token counts at every member, and in every read mode", async () => {
      const ann = clientOf(ANN);
      await ann.put("app/x", "1");
      for (const { endpoint } of cluster.voters) {
        const direct = clientOf(ANN, endpoint);
        for (const mode of ["quorum", "index", "lease", "follower", "learner"] as const) {
          expect((await direct.get("app/x", { mode })).kv?.text()).toBe("1");
          expect(await failureOf(direct.get("other", { mode }))).toBe("permission-denied");
        }
      }
      expect(await failureOf(ann.put("other", "1"))).toBe("permission-denied");
      expect(await failureOf(ann.range({ from: "app/x" }))).toBe("permission-denied");
      expect(await failureOf(ann.compact(2))).toBe("permission-denied");
      expect(await failureOf(ann.membership.moveLeader(1n))).toBe("permission-denied");
      expect((await ann.members()).members).toHaveLength(3);
      expect((await ann.auth.user("ann")).roles).toEqual(["app"]);
      expect(await failureOf(ann.auth.users())).toBe("permission-denied");
    });

    test("a lease is attached to and revoked by whoever may write all its keys", async () => {
      const ann = clientOf(ANN);
      const { id } = await root.leases.grant(60);
      await root.put("secret", "1", { lease: id });
      expect(await failureOf(ann.put("app/leased", "1", { lease: id }))).toBe("permission-denied");
      expect(await failureOf(ann.leases.revoke(id))).toBe("permission-denied");
      expect(await failureOf(ann.leases.state(id, { keys: true }))).toBe("permission-denied");
      expect((await ann.leases.state(id)).grantedTtlS).toBe(60);
      await root.leases.revoke(id);
    });

    test("a watch ends when its range may not be read any more", async () => {
      await root.auth.addUser("bob", { password: "bp" });
      await root.auth.grantRole("bob", "app");
      const bob = clientOf({ username: "bob", password: "bp" });
      const denied = bob.watch("other").next();
      await expect(denied).rejects.toMatchObject({
        message: expect.stringMatching("permission denied"),
      });
      const watcher = bob.watch({ prefix: "app/" });
      const first = watcher.next();
      await until("the watch tells of a put", WAIT_MS_MAX, async () => {
        await root.put("app/watched", "1");
        const told = await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
        return told === undefined ? undefined : true;
      });
      const rest = (async () => {
        for (;;) await watcher.next();
      })();
      // Waited for at once: the watch may end before the answer to the revoke is here.
      const ended = expect(rest).rejects.toMatchObject({
        message: expect.stringMatching("permission denied"),
      });
      await root.auth.revokeRole("bob", "app");
      await ended;
    });

    test("another password ends what the one before has opened", async () => {
      await root.auth.addUser("eve", { password: "one" });
      await root.auth.grantRole("eve", "app");
      const eve = clientOf({ username: "eve", password: "one" });
      await eve.put("app/eve", "1");
      await root.auth.changePassword("eve", "two");
      expect(await failureOf(eve.put("app/eve", "2"))).toBe("authentication-failed");
      await clientOf({ username: "eve", password: "two" }).put("app/eve", "3");
      // What changes for everybody else turns nobody away.
      await root.auth.addRole("other");
      expect((await root.get("app/eve")).kv?.text()).toBe("3");
    });

    test("whoever guesses is slowed down, and tells nothing by it", async () => {
      const wrong = (username: string): Promise<string> =>
        failureOf(clientOf({ username, password: "wrong" }).get("app/x", { attemptsMax: 1 }));
      const [known, unknown] = await Promise.all([wrong("ann"), wrong("stranger")]);
      expect([known, unknown]).toEqual(["authentication-failed", "authentication-failed"]);
      await until("the address has no guess left", WAIT_MS_MAX, async () => {
        return (await wrong("stranger")) === "too-many-requests" ? true : undefined;
      });
      await clientOf(ANN).put("app/x", "2");
    });

    test("users, tokens and rights outlive a restart of all members", async () => {
      const ann = clientOf(ANN);
      await ann.put("app/x", "before");
      for (const member of cluster.members) await member.kill();
      for (const member of cluster.members) member.start();
      await Promise.all(cluster.members.map((member) => member.ready()));
      expect((await ann.get("app/x")).kv?.text()).toBe("before");
      expect(await failureOf(ann.get("other"))).toBe("permission-denied");
      expect(await failureOf(clientOf().get("app/x"))).toBe("user-empty");
    });

    test("the etcd3 package makes users and roles, and is them", async () => {
      const hosts = cluster.voters.map(({ endpoint }) => `http://${endpoint}`);
      const admin = new Etcd3({ hosts, auth: ROOT });
      const role = await admin.role("etcd3").create();
      await role.grant([{ permission: "Readwrite", range: admin.range({ prefix: "e3/" }) }]);
      const user = await admin.user("zoe").create("zp");
      await user.addRole("etcd3");
      expect((await role.permissions()).map(({ permission }) => permission)).toEqual(["Readwrite"]);
      expect((await user.roles()).map(({ name }) => name)).toEqual(["etcd3"]);
      const zoe = new Etcd3({ hosts, auth: { username: "zoe", password: "zp" } });
      await zoe.put("e3/a").value("1");
      expect(await zoe.get("e3/a").string()).toBe("1");
      await expect(zoe.put("app/x").value("1").exec()).rejects.toThrow("permission denied");
      await expect(zoe.getRoles()).rejects.toThrow("permission denied");
      await user.delete();
      await role.delete();
      admin.close();
      zoe.close();
    });
  });
});
