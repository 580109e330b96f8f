// Ports nobody listens on, below the range the kernel gives to outgoing connections, split among Jest's
// workers so that two test files never hand out the same one.
import { createServer } from "node:net";

const FIRST_PORT = 20_000;
const PORTS_PER_WORKER = 1_000;

const worker = Number(process.env["JEST_WORKER_ID"] ?? "1") % 12;
// Runs that overlap (a developer's and a benchmark's) start at different places.
let next = process.pid % PORTS_PER_WORKER;

/** @throws {Error} when every port of this worker's share is taken. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS_PER_WORKER; tried += 1) {
    const port = FIRST_PORT + worker * PORTS_PER_WORKER + next;
    next = (next + 1) % PORTS_PER_WORKER;
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT + worker * PORTS_PER_WORKER}`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
