// When a puller hears what regions report: with whatever is sent to it, and else by itself, sooner where a write may
// wait for it. And that whoever states a history that differs is told, whatever it lacks.
import { expect, test } from "@jest/globals";
import { EXCHANGE_LIMITS_DEFAULT } from "./exchange-limits.ts";
import { ReportBook } from "./exchange-reports.ts";
import { ExchangeServing } from "./exchange-serving.ts";
import type { RetainedRow } from "./exchange-serving.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import type { Vector } from "./vector.ts";

const OWN = originId(1);
const OTHER = originId(2);
const PULLER = originId(3);
const { reportMs, relayMs, restMs, besideMs, heartbeatMs } = EXCHANGE_LIMITS_DEFAULT;

class Served {
  readonly reports = new ReportBook();
  readonly serving: ExchangeServing;
  /** Of every origin's history, where it is known. */
  hash: Uint8Array | undefined;
  #applied: Vector = new Map();

  constructor() {
    this.serving = new ExchangeServing(
      {
        state: () => ({
          applied: this.#applied,
          hashOf: () => this.hash,
          retainedFrom: () => 1,
          config: { epoch: 1, document: new Uint8Array(0) },
        }),
        reports: this.reports,
        limits: EXCHANGE_LIMITS_DEFAULT,
        isAwaited: (origin) => origin === PULLER,
        hears: (origin) => origin !== OTHER,
      },
      1,
    );
    expect(this.serving.onTime(0)).toHaveLength(1);
  }

  applies(origin: OriginId, count: number): void {
    this.#applied = new Map([...this.#applied, [origin, sequence(count)]]);
    this.#hears(OWN, this.#applied);
  }

  relays(count: number): void {
    this.#hears(OTHER, new Map([[OTHER, sequence(count)]]));
  }

  #hears(origin: OriginId, vector: Vector): void {
    this.reports.note({ origin, epoch: 1, vector });
  }
}

/** Of whom, in the one message that `effects` are. */
function told(effects: ReturnType<ExchangeServing["onTime"]>): readonly OriginId[] {
  return effects.flatMap((effect) =>
    effect.kind === "send" && effect.message.kind === "reports"
      ? effect.message.reports.map(({ origin }) => origin)
      : [],
  );
}

test("a write for which may be waited here is told of soonest, what nobody waits for last", () => {
  const served = new Served();
  const { serving } = served;
  expect(serving.dueAtMs).toBe(heartbeatMs);
  served.applies(OWN, 1);
  served.applies(OTHER, 1);
  expect(serving.dueAtMs).toBe(restMs);
  served.relays(1);
  expect(serving.dueAtMs).toBe(relayMs);
  served.applies(PULLER, 1);
  expect(serving.dueAtMs).toBe(reportMs);
  expect(serving.onTime(reportMs - 1)).toEqual([]);
  expect(told(serving.onTime(reportMs))).toEqual([OWN, OTHER]);
  expect(serving.dueAtMs).toBe(reportMs + heartbeatMs);
  // What was told of is no news.
  served.applies(OTHER, 2);
  expect(serving.dueAtMs).toBe(reportMs + restMs);
});

test("reports go with what is sent anyway, but not with all of it", () => {
  const served = new Served();
  const { serving } = served;
  expect(serving.onSent(besideMs)).toEqual([]);
  served.relays(1);
  expect(serving.onSent(besideMs - 1)).toEqual([]);
  expect(told(serving.onSent(besideMs))).toEqual([OTHER]);
  served.applies(OWN, 1);
  expect(serving.onSent(2 * besideMs - 1)).toEqual([]);
  expect(told(serving.onSent(2 * besideMs))).toEqual([OWN]);
  expect(serving.dueAtMs).toBe(2 * besideMs + heartbeatMs);
});

test("who has as much as is applied here is told at once that it is of another history (federation 1)", () => {
  const served = new Served();
  const { serving } = served;
  served.applies(OWN, 1);
  const theirs = { origin: OWN, sequence: 1, hash: Uint8Array.of(2) };
  // Before the chain is known here there is nothing to compare.
  expect(serving.onWant([theirs])).toEqual([]);
  const ours = Uint8Array.of(1);
  served.hash = ours;
  expect(serving.onNews()).toEqual([
    { kind: "send", message: { kind: "forked", theirs, ours } },
    { kind: "forked", theirs },
  ]);
  // Once told it waits until it is wanted anew.
  expect(serving.onNews()).toEqual([]);
});

const row = (at: number): RetainedRow => ({
  sequence: at,
  bytes: Uint8Array.of(at),
  hash: Uint8Array.of(at, 0),
});

/** Three transactions of its own are on their way to the puller, whose history was compared at the first. */
function sentThree(): Served {
  const served = new Served();
  const { serving } = served;
  served.applies(OWN, 3);
  served.hash = row(3).hash;
  const wish = { origin: OWN, from: 1, countMax: 1_024, bytesMax: 256 * 1024 };
  const first = { origin: OWN, sequence: 1, hash: row(1).hash };
  expect(serving.onWant([first])).toEqual([{ kind: "load", wish }]);
  expect(serving.onLoaded(wish, [row(1), row(2), row(3)])).toHaveLength(1);
  return served;
}

test("each statement is compared, not the first alone: what was sent was there already, of another history", () => {
  // As it is where this region was rolled back after it had sent them once.
  const { serving } = sentThree();
  const theirs = { origin: OWN, sequence: 3, hash: Uint8Array.of(3, 1) };
  expect(serving.onWant([theirs])).toEqual([
    { kind: "send", message: { kind: "forked", theirs, ours: row(3).hash } },
    { kind: "forked", theirs },
  ]);
});

test("the same where it states one of which more was sent", () => {
  const { serving } = sentThree();
  const theirs = { origin: OWN, sequence: 2, hash: Uint8Array.of(2, 1) };
  const effects = serving.onWant([theirs]);
  const wish = { origin: OWN, from: 2, countMax: 1_024, bytesMax: 256 * 1024 };
  expect(effects).toEqual([{ kind: "load", wish }]);
  expect(serving.onLoaded(wish, [row(2), row(3)])).toEqual([
    { kind: "send", message: { kind: "forked", theirs, ours: row(2).hash } },
    { kind: "forked", theirs },
  ]);
});

test("statements of one history cost nothing, and one that went back is compared once more", () => {
  const { serving } = sentThree();
  const at = ({ sequence, hash }: RetainedRow) => [{ origin: OWN, sequence, hash }];
  expect(serving.onWant(at(row(2)))).toEqual([]);
  expect(serving.onWant(at(row(2)))).toEqual([]);
  const wish = { origin: OWN, from: 1, countMax: 1_024, bytesMax: 256 * 1024 };
  expect(serving.onWant(at(row(1)))).toEqual([{ kind: "load", wish }]);
  expect(serving.onLoaded(wish, [row(1), row(2), row(3)])).toEqual([]);
  expect(serving.onWant(at(row(3)))).toEqual([]);
});
