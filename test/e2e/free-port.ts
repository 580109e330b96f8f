// Ports nobody listens on, below the range the kernel gives to outgoing connections, split among Jest's
// workers so that two test files never hand out the same one.
import { canListen } from "../../examples/federation/free-port.ts";

const FIRST_PORT = 20_000;
const PORTS_PER_WORKER = 1_000;

const worker = Number(process.env["JEST_WORKER_ID"] ?? "1") % 12;
// Runs that overlap (a developer's and a benchmark's) start at different places.
let next = process.pid % PORTS_PER_WORKER;

export function freePort(): Promise<number> {
  return freePorts(1);
}

/**
 * The first of `count` free ports in a row.
 *
 * @throws {Error} when this worker's share has no such row.
 */
export async function freePorts(count: number): Promise<number> {
  const first = FIRST_PORT + worker * PORTS_PER_WORKER;
  let row = 0;
  for (let tried = 0; tried < 2 * PORTS_PER_WORKER; tried += 1) {
    if (next + count - row > PORTS_PER_WORKER) {
      next = 0;
      row = 0;
    }
    row = (await canListen(first + next)) ? row + 1 : 0;
    next += 1;
    if (row === count) return first + next - count;
  }
  throw new Error(`no ${count} free ports in a row from ${first}`);
}
