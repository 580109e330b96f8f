// The answer of a range as bytes. One of many keys is written in steps, with a turn of the event loop between
// them, so that it holds up neither writers nor other readers.
import { Writer } from "../proto/index.ts";
import { OVERHEAD_BYTES, rangeAnswerBytes } from "./answer.ts";
import type { CallContext, Header, RangeAnswer } from "./backend.ts";
import { writeHeader, writeProof } from "./header.ts";
import { sizeOfKeyValues, writeKeyValueField, writeRangeEnd } from "./kv-answer.ts";
import { writeSiblings } from "./sibling-codec.ts";

/** Written before other work gets its turn. */
const STEP_BYTES = 512 * 1024;

/** `done` comes once, inside the call where one step suffices; never once the call's signal is aborted. */
export function writeRangeAnswer(
  header: Header,
  answer: RangeAnswer,
  endOfTurn: (run: () => void) => void,
  call: Pick<CallContext, "signal">,
  done: (bytes: Uint8Array) => void,
): void {
  const { kvs } = answer.range;
  const bytes = sizeOfKeyValues(kvs);
  if (bytes <= STEP_BYTES) {
    done(rangeAnswerBytes(header, answer));
    return;
  }
  const writer = new Writer().reserve(OVERHEAD_BYTES + bytes);
  writeHeader(writer, header, header.revision);
  const { signal } = call;
  let next = 0;
  const step = (): void => {
    if (signal.aborted) return;
    const until = writer.pos + STEP_BYTES;
    for (; next < kvs.length && writer.pos < until; next += 1) {
      const kv = kvs[next];
      if (kv !== undefined) writeKeyValueField(writer, 2, kv);
    }
    if (next < kvs.length) {
      endOfTurn(step);
      return;
    }
    writeRangeEnd(writer, answer.range);
    writeProof(writer, answer.proof);
    if (answer.siblings !== undefined) writeSiblings(writer, answer.siblings);
    done(writer.finish(true));
  };
  step();
}
