// CPU time of processes, as the kernel counts it.
import { readFileSync, readdirSync } from "node:fs";
import { cpus } from "node:os";

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

/** ms that all processors of this machine together were busy since it began, and were there. */
export function machineMs(): { readonly busy: number; readonly all: number } {
  const times = cpus().map((processor) => processor.times);
  const all = times.reduce((sum, each) => sum + Object.values(each).reduce((a, b) => a + b), 0);
  return { busy: all - times.reduce((sum, { idle }) => sum + idle, 0), all };
}

/** How often threads of these processes went to sleep by themselves since they began: as often they were woken. */
export function wakeUps(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return sum + tasks.reduce((ofTasks, task) => ofTasks + sleepsOf(pid, task), 0);
  }, 0);
}

/** 0: the thread has just ended. */
function sleepsOf(pid: number, task: string): number {
  try {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw cause;
  }
}
