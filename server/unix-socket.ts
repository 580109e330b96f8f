// The file of a unix socket that a process before has left behind: removed if nobody listens on it, as the bind
// would fail on it for ever. Anything else at that place is left alone.
import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";

/** @throws {Error} when somebody listens there, or something else than a socket is there. */
export async function clearSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`cannot listen on ${path}: something else is there`);
  if (await isHeard(path)) throw new Error(`cannot listen on ${path}: EADDRINUSE`);
  await unlink(path);
}

/** Whether somebody accepts connections there. */
function isHeard(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ECONNREFUSED") resolve(false);
      else reject(cause);
    });
  });
}
