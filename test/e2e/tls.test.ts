// A cluster wholly over TLS, mutual on both ports: other people's clients, certificates that come, go and are not
// good, and what a client is told. Rule of the house: nothing falls back to plain text.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Etcd3 } from "etcd3";
import { Client } from "../../client/index.ts";
import type { TlsOptions } from "../../client/index.ts";
import { present } from "../../base/index.ts";
import { Child } from "./child.ts";
import { Cluster, MAIN, protocolsFor } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { ClusterCertificates } from "./certificates.ts";
import { etcdctl } from "./etcd.ts";
import { freePort } from "./free-port.ts";
import { TokenKeys, describeRights } from "./rights.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";
import { WireClient } from "./wire-client.ts";

const WAIT_MS_MAX = 30_000;
const CALL_MS_MAX = 5_000;

let cluster: Cluster;
let certificates: ClusterCertificates;

function first(): MemberProcess {
  return present(cluster.voters[0], "the cluster has voters");
}

function portOf(member: MemberProcess): number {
  return Number(new URL(member.endpoint).port);
}

/** Why a put with these options does not get through. */
async function refusal(endpoint: string, tls: TlsOptions | undefined): Promise<string> {
  const client = new Client({
    endpoints: [endpoint],
    discover: false,
    deadlineMs: 1_500,
    writes: "never",
    ...(tls === undefined ? {} : { tls }),
  });
  try {
    await client.put("refused", "x");
    return "(it got through)";
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.close();
  }
}

/** Waits for a line about a refused connection in the member's log. */
async function logged(member: MemberProcess, pattern: RegExp): Promise<string> {
  return until(`${member.name} logs ${String(pattern)}`, WAIT_MS_MAX, () =>
    member.output.split("\n").find((line) => pattern.test(line)),
  );
}

/** What the port shows at this moment. */
function serialShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const { ca, cert, key } = certificates.clientTls();
    const socket = connectSecurely({ host: "127.0.0.1", port, ca, cert, key }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe.each(protocolsFor("paxos"))("TLS over %s", (protocol) => {
  let keys: TokenKeys;

  beforeAll(async () => {
    keys = new TokenKeys();
    const flags = ["--consensus", protocol, ...keys.flags];
    cluster = await Cluster.start({ voters: 3, tls: true, flags });
    certificates = present(cluster.certificates, "the cluster is secured");
  });

  afterAll(async () => {
    await cluster.stop();
    keys.remove();
  });

  describeWith(["etcdctl"], "clients of other people", () => {
    test("etcdctl writes, reads and watches with a client's certificate, at every member", async () => {
      for (const { endpoint, name } of cluster.voters) {
        const put = await etcdctl(endpoint, [...certificates.clientFlags(), "put", name, "x"]);
        expect(put.stdout).toBe("OK\n");
      }
      const all = cluster.endpoints;
      const got = await etcdctl(all, [...certificates.clientFlags(), "get", "n", "--prefix"]);
      expect(got.stdout).toBe("n1\nx\nn2\nx\nn3\nx\n");
      const health = await etcdctl(all, [...certificates.clientFlags(), "endpoint", "health"]);
      expect(`${health.stdout}${health.stderr}`.match(/is healthy/g)).toHaveLength(3);
    });

    test("etcdctl without a certificate, or with one of another CA, gets nowhere", async () => {
      const ca = ["--cacert", certificates.path("ca.crt"), "--command-timeout", "1s"];
      const { exit } = await etcdctl(first().endpoint, [...ca, "get", "n1"]);
      expect(exit.code).not.toBe(0);
      await logged(first(), /rejected connection.*the client shows no certificate/);
    });

    test("the etcd3 package works through its credentials, watch included", async () => {
      const { ca, cert, key } = certificates.clientTls();
      const etcd3 = new Etcd3({
        hosts: cluster.voters.map(({ endpoint }) => endpoint),
        credentials: { rootCertificate: ca, privateKey: key, certChain: cert },
      });
      try {
        const watcher = await etcd3.watch().key("etcd3").create();
        const seen = new Promise<string>((resolve) => {
          watcher.on("put", ({ value }) => resolve(value.toString()));
        });
        await etcd3.put("etcd3").value("secured");
        expect(await seen).toBe("secured");
        expect(await etcd3.get("etcd3").string()).toBe("secured");
        await watcher.cancel();
      } finally {
        etcd3.close();
      }
    });
  });

  describe("what a client is told", () => {
    test("an unknown CA, no certificate, another host, a revoked certificate, plain text", async () => {
      const { endpoint } = first();
      const tls = certificates.clientTls();
      const other = await ClusterCertificates.make(certificates.path("other"));
      expect(await refusal(endpoint, { ...tls, ca: other.clientTls().ca })).toContain(
        "the server's certificate is of an unknown CA",
      );
      expect(await refusal(endpoint, { ca: tls.ca })).toContain("requires a certificate");
      expect(await refusal(endpoint, { ...tls, serverName: "else.example" })).toContain(
        "the server's certificate names other hosts",
      );
      const { cert, key } = other.clientTls();
      expect(await refusal(endpoint, { ca: tls.ca, cert, key })).toContain(
        "does it take the certificate of this client?",
      );
      expect(await refusal(endpoint.replace("https:", "http:"), undefined)).toContain(
        "does it speak TLS (https://)?",
      );
      await logged(first(), /the client does not speak TLS here/);
      await logged(first(), /the client's certificate is of an unknown CA/);
    });

    test("a revoked certificate is refused from the next handshake on, without a restart", async () => {
      await certificates.client("mallory");
      const tls = certificates.clientTls("mallory");
      await until("mallory gets through", WAIT_MS_MAX, async () =>
        (await refusal(first().endpoint, tls)) === "(it got through)" ? true : undefined,
      );
      await certificates.revoke("mallory");
      const refused = "does it take the certificate of this client?";
      await until("mallory is refused", WAIT_MS_MAX, async () =>
        (await refusal(first().endpoint, tls)).includes(refused) ? true : undefined,
      );
      await logged(first(), /rejected connection.*\(CN mallory\) is revoked/);
    });

    test("hansa and its environment are as etcdctl's", async () => {
      const put = await cluster.hansa(["put", "cli", "1"]);
      expect(put.stderr).toBe("");
      expect(put.stdout).toBe("OK\n");
    });
  });

  describe("certificates that change", () => {
    test("a rotated one is shown to the next client; who is connected stays, and members find one another", async () => {
      const [member] = cluster.voters;
      const { endpoint, name } = present(member, "the cluster has voters");
      const wire = new WireClient(endpoint, certificates.clientTls());
      try {
        const key = Buffer.from("rotation");
        await wire.put({ key, value: key }, CALL_MS_MAX);
        const before = await serialShown(portOf(first()));
        await certificates.host(name, "127.0.0.1");
        const after = await until("the other certificate is shown", WAIT_MS_MAX, async () => {
          const serial = await serialShown(portOf(first()));
          return serial === before ? undefined : serial;
        });
        expect(after).not.toBe(before);
        const { kvs } = await wire.range({ key }, CALL_MS_MAX);
        expect(kvs).toHaveLength(1);
        await logged(first(), /certificates loaded anew/);
      } finally {
        wire.close();
      }
    });

    test("a broken one keeps the one before, and the log says so", async () => {
      const member = present(cluster.voters[1], "the cluster has three voters");
      const before = await serialShown(portOf(member));
      const file = certificates.path(`${member.name}.crt`);
      const good = readFileSync(file);
      writeFileSync(file, "no certificate");
      await logged(member, /certificates have changed and cannot be used: those before stay/);
      expect(await serialShown(portOf(member))).toBe(before);
      writeFileSync(file, good);
      await logged(member, /certificates loaded anew/);
    });

    test("an expired server is refused in clear words", async () => {
      const member = present(cluster.voters[2], "the cluster has three voters");
      await certificates.host(member.name, "127.0.0.1", -1);
      try {
        await logged(member, /\.crt: expired at/);
        // Each port reads it by itself: the line may be of the other one.
        const told = await until("the client is refused", WAIT_MS_MAX, async () => {
          const problem = await refusal(member.endpoint, certificates.clientTls());
          return problem === "(it got through)" ? undefined : problem;
        });
        expect(told).toContain("the server's certificate has expired");
      } finally {
        await certificates.host(member.name, "127.0.0.1");
        await until("the client gets through again", WAIT_MS_MAX, async () =>
          (await refusal(member.endpoint, certificates.clientTls())) === "(it got through)"
            ? true
            : undefined,
        );
      }
    });
  });

  describe("the peers' port", () => {
    test("a certificate of the right CA that names no member's host may ask who belongs, and nothing else", async () => {
      await certificates.host("stranger", "stranger.example");
      const target = first().peerUrl;
      const stranger = new WireClient(target, certificates.clientTls("stranger"));
      const member = new WireClient(target, certificates.clientTls("n2"));
      const codec = {
        request: { encode: () => ({ finish: () => new Uint8Array(0) }) as never },
        answer: { decode: (bytes: Uint8Array) => bytes.length },
      };
      const ask = (client: WireClient, method: "Forward" | "Members"): Promise<unknown> =>
        client
          .call(`/hansa.peer.v1.Peer/${method}`, codec, {}, CALL_MS_MAX)
          .catch((error: unknown) => (error as Error).message);
      try {
        expect(await ask(stranger, "Forward")).toMatch(
          /hansa: peer refused: the certificate names CN stranger, DNS:stranger\.example/,
        );
        expect(await ask(stranger, "Members")).toBeGreaterThan(0);
        expect(await ask(member, "Forward")).not.toMatch(/peer refused: the certificate/);
      } finally {
        stranger.close();
        member.close();
      }
    });

    test("shows nothing to who shows nothing", async () => {
      const bare = new WireClient(first().peerUrl, { ca: certificates.clientTls().ca });
      try {
        await expect(bare.status(CALL_MS_MAX)).rejects.toThrow(/certificate required/);
      } finally {
        bare.close();
      }
    });
  });

  test("clients that say nothing, or half a handshake, stop nobody", async () => {
    const { endpoint } = first();
    const silent = Array.from({ length: 50 }, () => connect(portOf(first()), "127.0.0.1"));
    for (const socket of silent) {
      socket.on("error", () => undefined);
      socket.write("\x16\x03\x01\x02");
    }
    const wire = new WireClient(endpoint, certificates.clientTls());
    try {
      const { kvs } = await wire.range({ key: Buffer.from("absent") }, CALL_MS_MAX);
      expect(kvs ?? []).toHaveLength(0);
    } finally {
      wire.close();
      for (const socket of silent) socket.destroy();
    }
  });

  test("TLS to a plain port is told so, and logged; --auto-tls makes its own; a unix socket serves", async () => {
    const [plain, secure, peer] = [await freePort(), await freePort(), await freePort()];
    const folder = certificates.path("lone");
    const socket = `${folder}.sock`;
    const urls = `http://127.0.0.1:${plain},https://127.0.0.1:${secure},unix://${socket}`;
    const lone = new Child(MAIN, [
      ...["serve", "--name", "lone", "--data-dir", folder, "--auto-tls", "--peer-auto-tls"],
      ...["--listen-client-urls", urls, "--advertise-client-urls", `https://127.0.0.1:${secure}`],
      ...["--listen-peer-urls", `https://127.0.0.1:${peer}`],
      ...["--initial-advertise-peer-urls", `https://127.0.0.1:${peer}`],
    ]);
    try {
      await lone.line(/published/, WAIT_MS_MAX);
      const skip = { insecureSkipVerify: true };
      expect(await refusal(`https://127.0.0.1:${secure}`, skip)).toBe("(it got through)");
      expect(await refusal(`https://127.0.0.1:${secure}`, {})).toContain("is signed by itself");
      expect(await refusal(`unix://${socket}`, undefined)).toBe("(it got through)");
      expect(await refusal(`https://127.0.0.1:${plain}`, skip)).toContain(
        "the server does not speak TLS here",
      );
      await lone.line(/the client speaks TLS to a plain port/, WAIT_MS_MAX);
    } finally {
      lone.signal("SIGKILL");
      await lone.exited;
    }
  });

  describeRights(() => cluster);
});
