// One secure port: who offers HTTP/1.1 is served in it, whatever else they offer; who offers HTTP/2 alone speaks gRPC.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, credentials } from "@grpc/grpc-js";
import { TlsAcceptor } from "../../../rpc/index.ts";
import { CertificateFolder } from "../../../server/index.ts";
import { HttpServed } from "./http-served.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { monotonicMs, servicesOf } from "./served.ts";

const folder = mkdtempSync(join(tmpdir(), "hansa-http-tls-"));
const read = (file: string): string => readFileSync(join(folder, file), "utf8");

let served: HttpServed;
let port = 0;

beforeAll(async () => {
  const certificates = new CertificateFolder(folder, { overwrites: true });
  await certificates.init("test CA", 2);
  const order = {
    commonName: "server",
    hosts: ["127.0.0.1"],
    usage: "server",
    validDays: 2,
  } as const;
  await certificates.issue("server", order);
  const acceptor = new TlsAcceptor({
    context: { cert: read("server.crt"), key: read("server.key") },
    demandsCertificate: false,
    refusalOf: () => undefined,
    handshakeMs: 10_000,
    handshakesMax: 100,
    monotonicMs,
    onRefused: () => undefined,
  });
  const backend = new MemoryBackend();
  served = new HttpServed({
    services: servicesOf(backend),
    health: () => ({ backend, alarms: () => [] }),
  });
  port = await served.carrier.listen("127.0.0.1", 0, acceptor);
});

afterAll(async () => {
  await served.end();
  rmSync(folder, { recursive: true });
});

test.each([
  [["h2", "http/1.1"], "http/1.1"],
  [["http/1.1"], "http/1.1"],
  [["h2"], "h2"],
])("of %j it speaks %s", async (offered, spoken) => {
  const socket = connect({ port, host: "127.0.0.1", ca: read("ca.crt"), ALPNProtocols: offered });
  await new Promise((resolve, reject) => {
    socket.once("secureConnect", resolve).once("error", reject);
  });
  expect(socket.alpnProtocol).toBe(spoken);
  socket.destroy();
});

test("who offers neither is refused", async () => {
  const socket = connect({
    port,
    host: "127.0.0.1",
    ca: read("ca.crt"),
    ALPNProtocols: ["spdy/3"],
  });
  const failed = new Promise<string>((resolve) => {
    socket.once("error", (error: Error) => resolve(error.message));
  });
  expect(await failed).toMatch(/no application protocol/);
});

test("the gateway, the endpoints and gRPC answer beside each other", async () => {
  const ask = (path: string, body?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const method = body === undefined ? "GET" : "POST";
      const asked = request(
        { port, host: "127.0.0.1", path, method, ca: read("ca.crt") },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          answer.on("end", () => resolve(text));
        },
      );
      asked.on("error", reject).end(body);
    });
  expect(await ask("/health")).toBe('{"health":"true"}');
  expect(await ask("/v3/lease/leases", "{}")).toMatch(/^\{"header":/);
  const client = new Client(
    `127.0.0.1:${port}`,
    credentials.createSsl(Buffer.from(read("ca.crt"))),
  );
  const same = (bytes: Buffer): Buffer => bytes;
  const method = "/etcdserverpb.Lease/LeaseLeases";
  const bytes = await new Promise<number>((resolve, reject) => {
    client.makeUnaryRequest(method, same, same, Buffer.alloc(0), (error, answer) => {
      if (error === null) resolve(answer?.length ?? 0);
      else reject(error);
    });
  });
  client.close();
  expect(bytes).toBeGreaterThan(0);
});
