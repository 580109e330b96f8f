// Ports nobody listens on, below those that the kernel gives to outgoing connections (from 32,768 on): between the look
// and the start of who is to listen, no connection takes one of them.
import { createServer } from "node:net";

const FIRST_PORT = 10_000;
const PORTS = 10_000;

// Runs that overlap start at different places.
let next = process.pid % PORTS;

/** @throws {Error} when all of them are taken. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried += 1) {
    const port = FIRST_PORT + next;
    next = (next + 1) % PORTS;
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1}`);
}

export function canListen(port: number): Promise<boolean> {
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
