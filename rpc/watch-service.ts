// etcdserverpb.Watch: streams of many watches each. A stream that is not read takes no events; what its
// watches miss they are told from the history later, so a slow client costs the server what the carrier holds.
import { stream } from "./service.ts";
import type { ServiceTable } from "./service.ts";
import { WatchStream } from "./watch-stream.ts";
import type { WatchOptions } from "./watch-stream.ts";

/** Between two looks at whose progress is due; also the shortest interval a watch gets. */
const BEAT_MS = 100;

export class WatchService {
  readonly #options: WatchOptions;
  /** Those with a watch that asks for progress. */
  readonly #beating = new Set<WatchStream>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  table(): ServiceTable {
    return {
      "/etcdserverpb.Watch/Watch": stream(
        (sink, call) =>
          new WatchStream(this.#options, sink, call, {
            minMs: BEAT_MS,
            begin: (one) => this.#begin(one),
            end: (one) => this.#end(one),
          }),
      ),
    };
  }

  #begin(one: WatchStream): void {
    this.#beating.add(one);
    this.#timer ??= setInterval(() => {
      const nowMs = this.#options.monotonicMs();
      for (const each of this.#beating) each.beat(nowMs);
    }, BEAT_MS);
  }

  #end(one: WatchStream): void {
    this.#beating.delete(one);
    if (this.#beating.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
