// Who somebody is on a secured cluster with users: by a signed token (JWT), by the name on a certificate, and by both;
// and what locks and elections ask of that.
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as requestSecurely } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceError } from "@grpc/grpc-js";
import { Etcd3 } from "etcd3";
import { SignJWT } from "jose";
import { present } from "../../base/index.ts";
import { Client } from "../../client/index.ts";
import type { ClusterCertificates } from "./certificates.ts";
import type { Finished } from "./child.ts";
import type { Cluster } from "./cluster.ts";
import { etcdctl } from "./etcd.ts";
import { QueueClient } from "./queue-client.ts";
import { describeWith } from "./tools.ts";

const ANN = { username: "ann", password: "ap" };
/** Of nobody: whoever shows it alone is let in, and is nobody. */
const STRANGER = "stranger";
/** A user without a password. */
const CARL = "carl";

/** A pair of keys in a folder of its own, and what a member is started with. */
export class TokenKeys {
  readonly folder = mkdtempSync(join(tmpdir(), "hansa-token-"));
  readonly flags: readonly string[];

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const [pub, priv] = [join(this.folder, "token.pub"), join(this.folder, "token.key")];
    writeFileSync(pub, publicKey.export({ type: "spki", format: "pem" }));
    writeFileSync(priv, privateKey.export({ type: "pkcs8", format: "pem" }));
    const token = `jwt,sign-method=EdDSA,pub-key=${pub},priv-key=${priv},ttl=5m`;
    this.flags = ["--auth-token", token, "--bcrypt-cost", "4"];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A cluster over TLS whose members were started with the flags of `TokenKeys`; its users are gone at the end. */
export function describeRights(clusterOf: () => Cluster): void {
  describe("users by token and by certificate", () => {
    let certificates: ClusterCertificates;
    let root: Client;

    const endpoints = (): readonly string[] => clusterOf().voters.map(({ endpoint }) => endpoint);
    const first = (): string => present(endpoints()[0], "the cluster has voters");
    const b64 = (text: string): string => Buffer.from(text).toString("base64");

    function ctl(endpoint: string, certificate: string, line: string): Promise<Finished> {
      return etcdctl(endpoint, [...certificates.clientFlags(certificate), ...line.split(" ")]);
    }

    /** Through the gateway, with the stranger's certificate. */
    function ask(url: string, body: unknown, token?: string): Promise<Answered> {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return new Promise((resolve, reject) => {
        const options = { ...certificates.clientTls(STRANGER), method: "POST", headers };
        const question = requestSecurely(url, options, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          answer.on("end", () => {
            const parsed = JSON.parse(text) as Answered["body"];
            resolve({ status: answer.statusCode ?? 0, body: parsed });
          });
        });
        question.on("error", reject);
        question.end(JSON.stringify(body));
      });
    }

    async function tokenOf({ username: name, password }: typeof ANN): Promise<string> {
      const { body } = await ask(`${first()}/v3/auth/authenticate`, { name, password });
      return String(body["token"]);
    }

    beforeAll(async () => {
      certificates = present(clusterOf().certificates, "the cluster is secured");
      await certificates.client(STRANGER);
      await certificates.client(CARL);
      // By its certificate: it names root.
      root = new Client({ endpoints: endpoints(), tls: certificates.clientTls() });
      await root.auth.addUser("root", { password: "rp" });
      await root.auth.grantRole("root", "root");
      await root.auth.addRole("app");
      await root.auth.grantPermission("app", "readwrite", { prefix: "app/" });
      await root.auth.addUser(ANN.username, { password: ANN.password });
      await root.auth.addUser(CARL);
      await root.auth.grantRole(ANN.username, "app");
      await root.auth.grantRole(CARL, "app");
      await root.auth.enable();
    });

    afterAll(async () => {
      await root.auth.disable();
      for (const user of ["root", ANN.username, CARL]) await root.auth.deleteUser(user);
      await root.auth.deleteRole("app");
      await root.close();
    });

    describeWith(["etcdctl"], "by etcdctl", () => {
      const denied = /etcdserver: permission denied/;

      test("a user has a token at every member, whatever its certificate says", async () => {
        for (const [at, endpoint] of endpoints().entries()) {
          const certificate = at === 0 ? "root" : STRANGER;
          const put = await ctl(endpoint, certificate, "--user=ann:ap put app/a 1");
          expect(put.stdout).toBe("OK\n");
          const other = await ctl(endpoint, certificate, "--user=ann:ap get other");
          expect(other.stderr).toMatch(denied);
        }
      });

      test("a certificate's name is a user's, and one that no user has is nobody's", async () => {
        for (const endpoint of endpoints()) {
          expect((await ctl(endpoint, CARL, "put app/carl 1")).stdout).toBe("OK\n");
          expect((await ctl(endpoint, CARL, "get app/carl")).stdout).toBe("app/carl\n1\n");
          expect((await ctl(endpoint, CARL, "get other")).stderr).toMatch(denied);
        }
        expect((await ctl(first(), CARL, "user list")).stderr).toMatch(denied);
        expect((await ctl(first(), STRANGER, "get app/carl")).stderr).toMatch(denied);
        expect((await ctl(first(), "root", "user list")).stdout).toBe("ann\ncarl\nroot\n");
        // What the certificate gives ends with the right.
        await root.auth.revokeRole(CARL, "app");
        expect((await ctl(first(), CARL, "get app/carl")).stderr).toMatch(denied);
        await root.auth.grantRole(CARL, "app");
      });
    });

    test("a token says who, is good at every member, and nobody else can make one", async () => {
      const token = await tokenOf(ANN);
      const [head = "", claims = ""] = token.split(".").map((part) => {
        return Buffer.from(part, "base64url").toString("latin1");
      });
      expect(JSON.parse(head)).toMatchObject({ alg: "EdDSA" });
      expect(JSON.parse(claims)).toMatchObject({ username: "ann" });
      for (const endpoint of endpoints()) {
        const url = `${endpoint}/v3/kv/range`;
        expect((await ask(url, { key: b64("app/a") }, token)).status).toBe(200);
        const other = await ask(url, { key: b64("other") }, token);
        expect([other.status, other.body["message"]]).toEqual([
          403,
          "etcdserver: permission denied",
        ]);
        // A browser shows the certificate for whatever page asks: alone it names nobody here.
        expect((await ask(url, { key: b64("app/a") })).status).not.toBe(200);
      }
      const { privateKey } = generateKeyPairSync("ed25519");
      const forged = await new SignJWT(JSON.parse(claims) as Record<string, unknown>)
        .setProtectedHeader({ alg: "EdDSA" })
        .sign(createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" })));
      const refused = await ask(`${first()}/v3/kv/range`, { key: b64("app/a") }, forged);
      expect([refused.status, refused.body["message"]]).toEqual([
        401,
        "etcdserver: invalid auth token",
      ]);
    });

    test("the etcd3 package is a user by token", async () => {
      const { ca, cert, key } = certificates.clientTls(STRANGER);
      const etcd3 = new Etcd3({
        hosts: [...endpoints()],
        credentials: { rootCertificate: ca, privateKey: key, certChain: cert },
        auth: ANN,
      });
      try {
        await etcd3.put("app/etcd3").value("1");
        expect(await etcd3.get("app/etcd3").string()).toBe("1");
        await expect(etcd3.put("other").value("1").exec()).rejects.toThrow("permission denied");
      } finally {
        etcd3.close();
      }
    });

    test("locks and elections are of who may write their keys", async () => {
      const tls = certificates.clientTls(CARL);
      const [one, other] = [first(), present(endpoints()[1], "there are three")].map(
        (endpoint) => new QueueClient(endpoint, tls),
      );
      const carl = new Client({ endpoints: endpoints(), tls });
      const why = (call: Promise<unknown>): Promise<string> =>
        call.then(
          () => "(allowed)",
          (error: unknown) => (error as ServiceError).details,
        );
      const denied = "etcdserver: permission denied";
      if (one === undefined || other === undefined) throw new Error("unreachable");
      try {
        const { id } = await carl.leases.grant(60);
        expect(await why(one.lock("secret", id))).toBe(denied);
        expect(await why(one.campaign("secret", id, "me"))).toBe(denied);
        expect(await why(one.leader("secret"))).toBe(denied);
        const { key } = await one.lock("app/lock", id);
        expect(Buffer.from(key ?? []).toString()).toBe(`app/lock/${id.toString(16)}`);
        await other.unlock(key);
        // One who may not has left nothing behind, and may not end what others hold.
        expect((await root.range({ prefix: "secret" })).kvs).toHaveLength(0);
        const { id: rootId } = await root.leases.grant(60);
        await root.put("secret/1", "held", { lease: rootId });
        expect(await why(one.unlock(Buffer.from("secret/1")))).toBe(denied);
        const { leader } = await one.campaign("app/chair", id, "carl");
        await other.proclaim(leader ?? undefined, "carl again");
        const { kv } = await other.leader("app/chair");
        expect(Buffer.from(kv?.value ?? []).toString()).toBe("carl again");
        await one.resign(leader ?? undefined);
        expect(await why(other.leader("app/chair"))).toBe("election: no leader");
        await root.leases.revoke(rootId);
      } finally {
        one.close();
        other.close();
        await carl.close();
      }
    });
  });
}
