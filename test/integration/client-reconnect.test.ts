// A client whose one endpoint was cut off in the middle of connecting: it finds it as soon as it is back, and does
// not wait for the connection that nobody answers.
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { MachineBackend } from "./rpc/machine-backend.ts";
import { endServed, served, servicesOf } from "./rpc/served.ts";

afterAll(endServed);

test("a connection that nobody answers is given up for another", async () => {
  const { port } = await served(servicesOf(new MachineBackend()));
  const sockets = new Set<Socket>();
  let accepted = 0;
  // Takes the first connection and says nothing, ever; those after it reach the server.
  const relay = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    if (accepted === 1) return;
    const onward = connect(port, "127.0.0.1");
    sockets.add(onward);
    onward.on("error", () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port: relayed } = relay.address() as AddressInfo;
  const client = new Client({
    endpoints: [`127.0.0.1:${relayed}`],
    discover: false,
    deadlineMs: 20_000,
  });
  try {
    const answers = await Promise.all([
      client.put("k", "1"),
      client.leases.grant(60),
      client.range({ prefix: "" }, { countOnly: true }),
    ]);
    expect(answers).toHaveLength(3);
    expect(accepted).toBeGreaterThan(1);
  } finally {
    await client.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => relay.close(resolve));
  }
});
