// CPU time of processes, as the kernel counts it.
import { readFileSync } from "node:fs";

/** USER_HZ: the unit of /proc/PID/stat on every Linux that Node supports. */
const TICK_MS = 10;
/** Fields of /proc/PID/stat after the name in parentheses, counted from 0. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** User and system CPU ms of these processes together, threads included. */
export function processorMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) * TICK_MS;
  }, 0);
}
