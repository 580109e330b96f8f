// Processes that measure run before those that are measured: what holds them up would count as the members' own, and on
// machines of their own nothing would.
import { constants, setPriority } from "node:os";

/** @returns false where this process has no right to that, and goes on as it is. */
export function goFirst(): boolean {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST);
    return true;
  } catch {
    return false;
  }
}
