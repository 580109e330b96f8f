// Who pulls from this member is told of other regions by the document in force: soon of those that it does not hear by
// itself, at ease of the others (federation 4, 13).
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { present } from "../base/index.ts";
import type { MonotonicMs, WallMs } from "../base/index.ts";
import {
  EXCHANGE_LIMITS_DEFAULT,
  ReportBook,
  helloOf,
  originId,
  sequence,
} from "../federation/index.ts";
import type { FederationConfig, OriginId, ServeMessage, Vector } from "../federation/index.ts";
import { documentOf, numbered } from "../test/federation/document.ts";
import { FederationServing } from "./federation-serving.ts";

const [OWN, PULLER, OTHER] = [originId(1), originId(2), originId(3)];
const MESH = documentOf(numbered(3));
const STAR = documentOf(numbered(3), { topology: { shape: "star", hub: "r1" } });
const { relayMs, restMs } = EXCHANGE_LIMITS_DEFAULT;
const APPLIED: Vector = new Map();

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

class Served {
  config: FederationConfig = MESH;
  readonly #reports = new ReportBook();
  readonly #serving: FederationServing;
  #told: OriginId[] = [];
  #count = 0;
  #nowMs = 0;

  constructor() {
    const helloTo = (from: OriginId, to: OriginId) =>
      present(helloOf(this.config, from, to, true), "a member's hello");
    this.#serving = new FederationServing({
      state: () => ({
        applied: APPLIED,
        hashOf: () => undefined,
        retainedFrom: () => 1,
        config: { epoch: 1, document: new Uint8Array(0) },
      }),
      config: () => this.config,
      reports: this.#reports,
      load: (_, done) => done([]),
      helloTo: (to) => helloTo(OWN, to),
      onPulled: () => undefined,
      onConfig: () => undefined,
      onForked: () => undefined,
      confirm: (done) => done(undefined),
      relay: () => undefined,
      compare: (_, done) => done(undefined),
      clock: {
        monotonicMs: () => this.#nowMs as MonotonicMs,
        wallMs: () => this.#nowMs as WallMs,
      },
    });
    this.#serving.open(helloTo(PULLER, OWN), {
      send: (message: ServeMessage) => {
        if (message.kind === "reports") {
          this.#told.push(...message.reports.map(({ origin }) => origin));
        }
        return true;
      },
      end: () => undefined,
    });
  }

  /** Something new of the third region. */
  hear(): void {
    this.#count += 1;
    const vector: Vector = new Map([[OTHER, sequence(this.#count)]]);
    this.#reports.note({ origin: OTHER, epoch: 1, vector });
    this.#serving.onReports();
  }

  /** Of whom the puller was told meanwhile. */
  toldIn(ms: number): readonly OriginId[] {
    this.#told = [];
    this.#nowMs += ms;
    jest.advanceTimersByTime(ms);
    return this.#told;
  }

  stop(): void {
    this.#serving.stop();
  }
}

test("whoever hears of a region by itself is told of it late, and soon once the document has it otherwise", () => {
  const served = new Served();
  served.hear();
  expect(served.toldIn(relayMs)).toEqual([]);
  expect(served.toldIn(restMs - relayMs)).toEqual([OTHER]);
  served.config = STAR;
  served.hear();
  expect(served.toldIn(relayMs)).toEqual([OTHER]);
  served.config = MESH;
  served.hear();
  expect(served.toldIn(relayMs)).toEqual([]);
  served.stop();
});
