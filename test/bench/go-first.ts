// Processes that measure run before those that are measured: what holds them up would count as the members' own, and on
// machines of their own nothing would.
import { constants, setPriority } from "node:os";

/** Of this process. Where it has no right to that, it says so and goes on. */
export function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
  } catch (cause) {
    process.stderr.write(`measures at the priority of what it measures: ${String(cause)}\n`);
  }
}
