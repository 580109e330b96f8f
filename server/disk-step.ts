// One step on a disk as a promise, for code that runs before there is a replica or without one.
import type { DiskFailure } from "../store/index.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";

/** @throws {StartRefusal} diskFailure, "`problem`: " and what the disk says. */
export function diskStep(
  problem: string,
  start: (done: (failure: DiskFailure | undefined) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    start((failure) => {
      if (failure === undefined) resolve();
      else reject(new StartRefusal(ExitCode.diskFailure, `${problem}: ${failure.message}`));
    });
  });
}
