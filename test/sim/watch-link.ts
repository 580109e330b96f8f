// One stream of watches between a client and one life of a member: the real stream there, and between them a
// connection that keeps the order, holds a little, and can be cut. What a member says is judged as it says it.
import type { MonotonicMs, PlantedBug } from "../../base/index.ts";
import { etcdserverpb } from "../../proto/index.ts";
import type { StreamSink } from "../../rpc/service.ts";
import { WatchStream } from "../../rpc/watch-stream.ts";
import { NOBODY } from "../../store/caller.ts";
import type { WatchAnswer } from "../robustness/watch-answer.ts";
import type { Statement } from "../robustness/watch-record.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { Judge } from "./judge.ts";
import type { Serving, SimNode } from "./sim-node.ts";
import type { WatchPlan } from "./streams-plan.ts";

const DELAY_MEAN_MS = 0.3;
/** Between two looks at whose progress is due. */
const BEAT_MS = 20;
const WATCHES_MAX = 1_000;
const NEVER_GONE = new AbortController().signal;

export interface WatchLinkInit {
  readonly name: string;
  readonly node: SimNode;
  readonly plan: WatchPlan;
  readonly planted: PlantedBug | undefined;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly judge: Judge;
  /** Mean time that the client takes to read one answer. */
  readonly readMeanMs: () => number;
  readonly onAnswer: (answer: WatchAnswer, statement: Statement | undefined) => void;
}

interface Sent {
  readonly answer: WatchAnswer;
  readonly statement: Statement | undefined;
}

export class WatchLink implements StreamSink {
  readonly node: SimNode;
  readonly #init: WatchLinkInit;
  /** Of the member's process: what this stream was opened in. */
  readonly #life: number;
  readonly #serving: Serving | undefined;
  readonly #toMember: Uint8Array[] = [];
  readonly #toClient: Sent[] = [];
  #stream: WatchStream | undefined;
  #paused = false;
  #full = false;
  #reading = false;
  #ended = false;
  #beating = false;

  constructor(init: WatchLinkInit) {
    this.#init = init;
    this.node = init.node;
    this.#life = init.node.process.life;
    this.#serving = init.node.serving;
  }

  /** Whether the client can still hope for an answer. */
  get isUp(): boolean {
    return !this.#ended && this.#memberIsThere;
  }

  get #memberIsThere(): boolean {
    const { process, serving } = this.node;
    return process.life === this.#life && serving !== undefined && serving === this.#serving;
  }

  send(request: etcdserverpb.IWatchRequest): void {
    this.#toMember.push(etcdserverpb.WatchRequest.encode(request).finish());
    this.#later("asks", () => this.#arrive());
  }

  /** By the client, at once; the member hears of it later. */
  cut(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#toClient.length = 0;
    this.#later("is gone", () => this.#stream?.onClose());
  }

  write(bytes: Uint8Array): boolean {
    const answer = etcdserverpb.WatchResponse.decode(bytes);
    const statement = this.#init.judge.onWatchAnswer(this.node.id, answer);
    if (!this.#ended) {
      this.#toClient.push({ answer, statement });
      this.#read();
    }
    this.#full = this.#toClient.length >= this.#init.plan.roomAnswers;
    return !this.#full;
  }

  end(): void {
    this.#ended = true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#arrive();
  }

  /** In the order in which they were sent, whatever the order of events in a process that was stopped. */
  #arrive(): void {
    for (;;) {
      const message = this.#paused ? undefined : this.#toMember.shift();
      if (message === undefined) return;
      this.#stream ??= this.#open();
      this.#stream?.onMessage(message);
    }
  }

  #open(): WatchStream | undefined {
    const serving = this.#serving;
    if (serving === undefined) return undefined;
    const monotonicMs = (): MonotonicMs => serving.replica.now();
    const { planted } = this.#init;
    const options = {
      backend: serving.backend,
      monotonicMs,
      fragmentBytesMax: this.#init.plan.fragmentBytesMax,
      watchesMax: WATCHES_MAX,
      progressIntervalMs: BEAT_MS,
      ...(planted === undefined ? {} : { planted }),
    };
    const call = {
      deadlineAtMs: Infinity as MonotonicMs,
      signal: NEVER_GONE,
      caller: NOBODY,
      forwarded: false,
      header: () => undefined,
    };
    const stream = new WatchStream(options, this, call, {
      minMs: BEAT_MS,
      begin: () => {
        if (!this.#beating) this.#beat(monotonicMs);
        this.#beating = true;
      },
      end: () => {
        this.#beating = false;
      },
    });
    return stream;
  }

  #beat(monotonicMs: () => MonotonicMs): void {
    this.node.process.schedule(BEAT_MS, `${this.#init.name} beat`, () => {
      if (!this.#beating || !this.#memberIsThere) return;
      this.#stream?.beat(monotonicMs());
      this.#beat(monotonicMs);
    });
  }

  /** Reaches the member, if it is still the one. */
  #later(what: string, run: () => void): void {
    const { name, events, chance, node } = this.#init;
    events.schedule(chance.waitMs(DELAY_MEAN_MS), `${name} ${what}`, () => {
      node.process.arrive(`${name} ${what}`, () => {
        if (this.#memberIsThere) run();
      });
    });
  }

  #read(): void {
    if (this.#reading || this.#toClient.length === 0) return;
    this.#reading = true;
    const { name, events, chance, readMeanMs, onAnswer } = this.#init;
    events.schedule(chance.waitMs(DELAY_MEAN_MS + readMeanMs()), `${name} reads`, () => {
      this.#reading = false;
      const sent = this.#toClient.shift();
      if (sent === undefined || this.#ended) return;
      if (this.#full) {
        this.#full = false;
        this.#later("has room", () => this.#stream?.onDrain());
      }
      onAnswer(sent.answer, sent.statement);
      this.#read();
    });
  }
}
