// Memory given back at a moment when hardly anything is held.

/**
 * Reading the log at boot takes a segment's bytes at a time, 64 MB by default, and an idle server collects no
 * garbage: they would count as its memory for days. A turn of the event loop lets go of who held them; a
 * collection then costs milliseconds, because the state is not in memory yet. Without `--expose-gc`
 * (cli/node-options.ts has it) nothing is done.
 */
export async function giveBack(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  globalThis.gc?.();
}
