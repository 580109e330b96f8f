// Handshakes are bounded in number: beyond the bound the oldest gives way once it has had its time, the newest before.
import { createServer, connect } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { MonotonicMs } from "../../../base/index.ts";
import { TlsAcceptor } from "../../../rpc/index.ts";
import { makeSelfSigned } from "../../../server/certificate-maker.ts";
import { until } from "../../e2e/until.ts";

const WAIT_MS_MAX = 10_000;

let nowMs = 0;
let server: Server;
let port: number;
let secured = 0;
const reasons: string[] = [];
const silent: Socket[] = [];

beforeAll(async () => {
  const order = { commonName: "x", hosts: ["127.0.0.1"], usage: "server", validDays: 1 } as const;
  const { certificate, key } = await makeSelfSigned(order);
  const acceptor = new TlsAcceptor({
    context: { cert: certificate, key },
    demandsCertificate: false,
    refusalOf: () => undefined,
    handshakeMs: 60_000,
    handshakesMax: 2,
    monotonicMs: () => nowMs as MonotonicMs,
    onRefused: ({ reason }) => reasons.push(reason),
  });
  server = createServer((socket) => {
    socket.on("error", () => undefined);
    acceptor.accept(socket, (socketAbove) => {
      secured += 1;
      socketAbove.on("error", () => undefined).destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(() => {
  for (const socket of silent) socket.destroy();
  server.close();
});

/** A connection that says nothing; resolves with how it ends. */
function stall(): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  silent.push(socket);
  socket.on("error", () => undefined);
  return new Promise((resolve) => socket.on("close", () => resolve()));
}

test("the newest is refused while those before have their time, then the oldest gives way", async () => {
  const first = stall();
  void stall();
  await stall();
  expect(reasons).toEqual(["2 handshakes are under way"]);
  nowMs += 1_000;
  const honest = connectSecurely({ host: "127.0.0.1", port, rejectUnauthorized: false });
  honest.on("error", () => undefined);
  silent.push(honest);
  await first;
  await until("an honest client gets through", WAIT_MS_MAX, () =>
    secured === 1 ? true : undefined,
  );
  expect(reasons.slice(1)).toEqual(["the handshake was slow, and others wait"]);
});
