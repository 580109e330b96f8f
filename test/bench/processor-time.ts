// CPU time of processes, as the kernel counts it.
import { readFileSync, readdirSync } from "node:fs";

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

export interface MachineMs {
  /** With whatever. */
  readonly busy: number;
  /** In which they had work, and the host of this virtual machine let others run. */
  readonly stolen: number;
  readonly all: number;
}

/** Of all processors of this machine together, since it began; proc(5), the first line of /proc/stat. */
export function machineMs(): MachineMs {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  // user nice system idle iowait irq softirq steal; what guests take is in user.
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = ticks;
  return {
    busy: (user + nice + system + irq + softirq) * TICK_MS,
    stolen: stolen * TICK_MS,
    all: ticks.reduce((sum, each) => sum + each, 0) * TICK_MS,
  };
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
