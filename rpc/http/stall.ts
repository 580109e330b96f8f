// An answer that its client does not take: what is kept for it is given up.
import type { Duplex } from "node:stream";
import type { Patience } from "./patience.ts";

export interface StallOptions {
  readonly patience: Patience;
  readonly stallMs: number;
  /** Whether what waits at the socket waits for the client alone. */
  readonly isOwed: () => boolean;
}

/** Ends the connection when nothing leaves for `stallMs`. @returns what ends the watch */
export function watchStall(socket: Duplex, options: StallOptions): () => void {
  const { patience, stallMs, isOwed } = options;
  let leftBytes = 0;
  let forget = (): void => undefined;
  const look = (): void => {
    const before = leftBytes;
    leftBytes = isOwed() ? socket.writableLength : 0;
    if (leftBytes > 0 && leftBytes === before) socket.destroy();
    else forget = patience.wait(stallMs, look);
  };
  look();
  return () => forget();
}
