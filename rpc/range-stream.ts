// etcdserverpb.KV/RangeStream: the answer of one range in parts of bounded size, written as fast as the
// client reads. The last part has count, more and the proof.
import type { KeyValue } from "../store/index.ts";
import { rangeAnswerBytes } from "./answer.ts";
import type { Backend, Header, RangeAnswer } from "./backend.ts";
import { Writer } from "../proto/index.ts";
import { decoded, invalid } from "./decode.ts";
import { writeHeader } from "./header.ts";
import { sizeOfKeyValues, writeRange } from "./kv-answer.ts";
import { checkedRangeCall } from "./kv-service.ts";
import { readRangeCall } from "./range-request.ts";
import { stream } from "./service.ts";
import type { Call, ServiceTable, StreamSink, StreamSource } from "./service.ts";

const PART_BYTES = 512 * 1024;

export function rangeStreamTable(backend: Backend): ServiceTable {
  return {
    "/etcdserverpb.KV/RangeStream": stream((sink, call) => new RangeStream(backend, sink, call)),
  };
}

class RangeStream implements StreamSource {
  readonly #backend: Backend;
  readonly #sink: StreamSink;
  readonly #call: Call;
  #parts: Iterator<Uint8Array> | undefined;

  constructor(backend: Backend, sink: StreamSink, call: Call) {
    this.#backend = backend;
    this.#sink = sink;
    this.#call = call;
  }

  onMessage(message: Uint8Array): void {
    const { range, options, beyond } = checkedRangeCall(decoded(message, readRangeCall));
    if (beyond !== undefined || options.siblings === true) {
      throw invalid("causal_token, read_regions and siblings are for Range, which answers once");
    }
    this.#backend.range(range, options, this.#call, (answer) => {
      if (!answer.ok) {
        this.#sink.end(answer.error);
        return;
      }
      this.#parts = parts(answer.header, answer.value);
      this.onDrain();
    });
  }

  onDrain(): void {
    for (;;) {
      const part = this.#parts?.next();
      if (part === undefined) return;
      if (part.done === true) {
        this.#sink.end();
        return;
      }
      if (!this.#sink.write(part.value)) return;
    }
  }

  onEnd(): void {
    // The one request is all that a server stream's client sends.
  }

  onClose(): void {
    this.#parts = undefined;
  }
}

function* parts(header: Header, answer: RangeAnswer): Generator<Uint8Array, undefined> {
  const { kvs } = answer.range;
  let from = 0;
  for (let until = partEnd(kvs, 0); until < kvs.length; until = partEnd(kvs, until)) {
    const writer = new Writer().reserve(PART_BYTES);
    writeHeader(writer, header, header.revision);
    writeRange(writer, { kvs: kvs.slice(from, until), more: false, count: 0 });
    yield nested(writer.finish(true));
    from = until;
  }
  const last = { ...answer, range: { ...answer.range, kvs: kvs.slice(from) } };
  yield nested(rangeAnswerBytes(header, last));
}

/** The first index after `from` at which the part is full, at least one pair on. */
function partEnd(kvs: readonly KeyValue[], from: number): number {
  let bytes = 0;
  let until = from;
  while (until < kvs.length && bytes < PART_BYTES) {
    bytes += sizeOfKeyValues(kvs.slice(until, until + 1));
    until += 1;
  }
  return until;
}

/** RangeStreamResponse.range_response. */
function nested(range: Uint8Array): Uint8Array {
  return new Writer()
    .reserve(range.length + 8)
    .uint32((1 << 3) | 2)
    .bytes(range)
    .finish(true);
}
