// Log time along the log (R9): which of the leaders' stamps move it. It never goes back, and no stamp counts that is of
// an earlier epoch than one that counted before. In Multi-Paxos a later leader may have to propose again what an
// earlier one stamped and a majority never heard of: that leader's clock is none that log time went on from.
import type { LogTimeMs } from "../base/index.ts";
import { EPOCH_ZERO, compareEpochs } from "../consensus/index.ts";
import type { Epoch } from "../consensus/index.ts";

/** What a leader writes on a command: its log time, and the epoch that it led. */
export interface LogStamp {
  readonly epoch: Epoch;
  readonly logTimeMs: LogTimeMs;
}

/** Of a log without a command. */
export const LOG_STAMP_ZERO: LogStamp = { epoch: EPOCH_ZERO, logTimeMs: 0 as LogTimeMs };

/** Where log time stands behind a command stamped `next`, and which epoch's stamp counted last. */
export function stampAfter(last: LogStamp, next: LogStamp): LogStamp {
  const order = compareEpochs(next.epoch, last.epoch);
  if (order < 0) return last;
  if (next.logTimeMs > last.logTimeMs) return next;
  return order === 0 ? last : { epoch: next.epoch, logTimeMs: last.logTimeMs };
}
