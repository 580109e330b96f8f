// `hansa serve`: the flags go to the server as they are.
import { runServe } from "../server/index.ts";

/** @returns the exit code, with which the process ends at once */
export function serveCommand(argv: readonly string[]): Promise<number> {
  stopWithParent();
  return runServe(argv, process.env);
}

/** A member that `hansa dev` has started stops as by SIGTERM when that process is gone, however it went. */
function stopWithParent(): void {
  const { channel } = process;
  if (channel === undefined) return;
  process.once("disconnect", () => {
    process.kill(process.pid, "SIGTERM");
  });
  // The channel is there to be noticed gone; it keeps nothing alive.
  channel.unref();
}
