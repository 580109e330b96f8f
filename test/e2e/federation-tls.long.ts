// Three regions over mutual TLS, each on a host of its own: writes on their way to their home, certificates that are
// replaced meanwhile, and who shows another region's certificate (federation 1, 12). With `npm run e2e`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { present } from "../../base/index.ts";
import { Client } from "../../client/index.ts";
import { helloOf, memberNamed } from "../../federation/index.ts";
import type { FederationConfig } from "../../federation/index.ts";
import { etcdserverpb } from "../../proto/index.ts";
import { decodeHandedOn, handOnBytes } from "../../rpc/home-codec.ts";
import { policy } from "../federation/document.ts";
import { ClusterCertificates } from "./certificates.ts";
import { Cluster } from "./cluster.ts";
import type { MemberProcess } from "./cluster.ts";
import { startWithFile } from "./federation-file.ts";
import { describeHomes, homesOfTests, policiesOfHomes } from "./federation-homes.ts";
import { until } from "./until.ts";
import { bytes, WireClient } from "./wire-client.ts";

const DEADLINE_MS = 60_000;
const CALL_MS_MAX = 10_000;
/** Handed on while certificates change: by each writer, one after the other. */
const WRITES = 40;
const WRITERS = 8;

const HOSTS = { eu: "127.0.0.1", us: "127.0.0.2", ap: "127.0.0.3" } as const;
type Name = keyof typeof HOSTS;
const REGIONS = Object.keys(HOSTS) as readonly Name[];

describe("three regions over mutual TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "hansa-regions-tls-"));
  const clusters = new Map<Name, Cluster>();
  let certificates: ClusterCertificates;
  let config: FederationConfig;

  beforeAll(async () => {
    certificates = await ClusterCertificates.make(folder);
    for (const name of REGIONS) {
      const flags = ["--region", name, "--initial-cluster-token", name];
      const homeOf = (member: string): { host: string; launcher: []; certificate: string } => {
        return { host: HOSTS[name], launcher: [], certificate: `${name}-${member}` };
      };
      clusters.set(name, await Cluster.plan({ voters: 1, flags, homeOf, tls: certificates }));
    }
    const policies = [policy("f/"), ...policiesOfHomes()];
    config = await startWithFile(clusters, { policies, homes: homesOfTests() });
    for (const name of REGIONS) {
      const client = clientOf(name);
      await until(`${name} is configured`, DEADLINE_MS, () => client.put(`f/at-${name}`, "1"));
      await client.close();
    }
  }, 2 * DEADLINE_MS);

  afterAll(async () => {
    for (const cluster of clusters.values()) await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function memberOf(name: Name): MemberProcess {
    return present(clusters.get(name), name).member("n1");
  }

  function clientOf(name: Name): Client {
    const tls = certificates.clientTls();
    const endpoints = [memberOf(name).endpoint];
    return new Client({ endpoints, tls, writes: "never", deadlineMs: DEADLINE_MS });
  }

  async function loadedAnew(name: Name, before: number): Promise<void> {
    const lines = (): number => memberOf(name).output.split("certificates loaded anew").length;
    await until(
      `${name} has its new certificate`,
      DEADLINE_MS,
      () => lines() > before || undefined,
    );
  }

  describeHomes(
    (name) => memberOf(name as Name).endpoint,
    () => certificates.clientTls(),
  );

  test("what one writes all show", async () => {
    const [eu, ap] = [clientOf("eu"), clientOf("ap")];
    await eu.put("f/secured", "yes");
    await until("it is in ap", DEADLINE_MS, async () =>
      (await ap.get("f/secured")).kv?.text() === "yes" ? true : undefined,
    );
    await Promise.all([eu.close(), ap.close()]);
  });

  test(
    "certificates of both sides are replaced while writes are on their way: each is done once",
    async () => {
      const us = clientOf("us");
      let done = 0;
      const write = async (writer: number): Promise<void> => {
        for (let at = 0; at < WRITES; at += 1) {
          const { header } = await us.put(`h/eu/tls/${writer}-${at}`, String(at));
          expect(header.home).toBe("eu");
          done += 1;
        }
      };
      const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
      await until("writes are on their way", DEADLINE_MS, () => done > WRITES || undefined);
      for (const name of ["eu", "us"] as const) {
        const before = memberOf(name).output.split("certificates loaded anew").length;
        await certificates.host(`${name}-n1`, HOSTS[name]);
        await loadedAnew(name, before);
      }
      await writing;
      const eu = clientOf("eu");
      const { kvs } = await eu.range({ prefix: "h/eu/tls/" });
      expect(kvs).toHaveLength(WRITERS * WRITES);
      expect(kvs.filter(({ version }) => version !== 1)).toEqual([]);
      await Promise.all([us.close(), eu.close()]);
    },
    2 * DEADLINE_MS,
  );

  test(
    "a home that starts anew is found again",
    async () => {
      const home = memberOf("eu");
      await home.kill();
      home.start();
      await home.ready();
      const us = clientOf("us");
      const { header } = await until("it takes a write of us", DEADLINE_MS, () =>
        us.put("h/eu/tls/again", "1"),
      );
      expect(header.home).toBe("eu");
      await us.close();
    },
    2 * DEADLINE_MS,
  );

  /** Why eu does not take what whoever shows that certificate hands on in the name of us; empty: it does. */
  async function handedOnBy(certificate: string): Promise<string> {
    const { origin: to } = present(memberNamed(config, "eu"), "a member");
    const { origin: from } = present(memberNamed(config, "us"), "a member");
    const hello = present(helloOf(config, from, to, true), "a hello");
    const put = etcdserverpb.PutRequest.encode({
      key: bytes("h/eu/by"),
      value: bytes(certificate),
    });
    const request = handOnBytes({
      ...{ hello, method: "/etcdserverpb.KV/Put", request: put.finish() },
      ...{ timeoutMs: CALL_MS_MAX, user: "" },
    });
    const codec = {
      request: { encode: () => ({ finish: () => request }) as never },
      answer: { decode: decodeHandedOn },
    };
    const wire = new WireClient(memberOf("eu").peerUrl, certificates.clientTls(certificate));
    try {
      await wire.call("/hansa.region.v1.Homes/Write", codec, {}, CALL_MS_MAX);
      return "";
    } catch (cause) {
      return (cause as Error).message;
    } finally {
      wire.close();
    }
  }

  test("a write is taken of a region that shows its own certificate, and of no other", async () => {
    expect(await handedOnBy("us-n1")).toBe("");
    const why = await handedOnBy("ap-n1");
    expect(why).toMatch(/region refused: the certificate names CN ap-n1.*expected region us/);
    const eu = clientOf("eu");
    expect((await eu.get("h/eu/by")).kv?.text()).toBe("us-n1");
    await eu.close();
  });
});
