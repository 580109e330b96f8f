// The trial of a custom handler before it is uploaded (federation 8): run on samples in a thread of its own, it must
// answer all of them, and keep the laws without which regions would differ. What fails is told with the siblings.
import { KvError, bytesOf, present } from "../base/index.ts";
import type { Key, MonotonicMs } from "../base/index.ts";
import { CONFIG_LIMITS, HANDLER_SAMPLES_MAX, handlerTrial } from "../federation/index.ts";
import type { HandlerFlaw, Resolution, Siblings } from "../federation/index.ts";
import type { HandlerAnswer, HandlerTask } from "./handler-question.ts";
import { HandlerThread } from "./handler-thread.ts";
import type { AskHandler } from "./handler-thread.ts";

export interface TriedHandler {
  readonly source: string;
  /** Values as it will meet them; none: SAMPLES. A tombstone is tried with them. */
  readonly samples: readonly Uint8Array[];
}

/** Of a whole trial. */
const TRIAL_MS = 20_000;
const SAMPLE_BYTES_MAX = 64 * 1024;
const SHOWN_LENGTH_MAX = 60;
const KEY = bytesOf("trial" as Key);
const SAMPLES = ["", "a", "b", "1", "20", '{"a":1}', '{"b":[2]}'].map((text) =>
  new TextEncoder().encode(text),
);
const LAWS: Readonly<Record<HandlerFlaw["law"], string>> = {
  repetition: "it changes its answer",
  permutation: "its answer depends on their order",
  idempotence: "of equal siblings it makes something else",
  associativity: "resolved two by two they come to different ends",
};

/** In a thread that is begun for it, and ended. @throws {KvError} `invalid-argument` with the reason. */
export async function tryHandler(
  tried: TriedHandler,
  now: () => MonotonicMs,
  onBug: (bug: unknown) => void,
): Promise<void> {
  const thread = new HandlerThread({ waitMs: TRIAL_MS, onBug });
  try {
    await holdTrial(tried, thread.ask, now);
  } finally {
    thread.close();
  }
}

/** @throws {KvError} `invalid-argument` with the reason. */
export async function holdTrial(
  tried: TriedHandler,
  ask: AskHandler,
  now: () => MonotonicMs,
): Promise<void> {
  checkSizes(tried);
  const endsAtMs = now() + TRIAL_MS;
  const { source, samples } = tried;
  /** By what was asked: an answer depends on nothing else. */
  const known = new Map<string, Resolution>();
  const trial = handlerTrial([undefined, ...(samples.length === 0 ? SAMPLES : samples)]);
  let step = trial.next();
  while (step.done !== true) {
    const values = step.value.map(({ value }) => value);
    const about = values.map(distinctText).join();
    if (!known.has(about)) {
      const answer = await answerTo(ask, { source, key: KEY, values });
      if ("fault" in answer) throw refused(`asked about ${valuesText(values)}, ${answer.why}`);
      known.set(about, answer);
    }
    if (now() > endsAtMs) throw refused(`its trial takes longer than ${TRIAL_MS} ms`);
    step = trial.next(present(known.get(about), "an answer"));
  }
  if (step.value !== undefined) throw refused(flawText(step.value));
}

/** No base64 has a "-". */
function distinctText(value: Uint8Array | undefined): string {
  return value === undefined ? "-" : Buffer.from(value).toString("base64");
}

function checkSizes({ source, samples }: TriedHandler): void {
  const { handlerSourceLengthMax: sourceMax } = CONFIG_LIMITS;
  if (source.length === 0 || source.length > sourceMax) {
    throw refused(`its source has ${source.length} characters, expected 1 to ${sourceMax}`);
  }
  const samplesMax = HANDLER_SAMPLES_MAX - 1;
  if (samples.length > samplesMax) {
    throw refused(`${samples.length} samples are given, expected at most ${samplesMax}`);
  }
  for (const { length } of samples) {
    if (length <= SAMPLE_BYTES_MAX) continue;
    throw refused(`a sample has ${length} bytes, expected at most ${SAMPLE_BYTES_MAX}`);
  }
}

function answerTo(ask: AskHandler, task: HandlerTask): Promise<HandlerAnswer> {
  return new Promise((resolve) => {
    ask(task, resolve);
  });
}

function refused(why: string): KvError {
  return new KvError("invalid-argument", "not-applied", `hansa: the handler is refused: ${why}`);
}

function flawText({ law, values, found, expected }: HandlerFlaw): string {
  const outcomes = `it answers ${outcomeText(found)}, expected ${outcomeText(expected)}`;
  return `of ${valuesText(values)}, ${LAWS[law]}: ${outcomes}`;
}

function outcomeText(resolution: Resolution): string {
  return resolution.action === "value" ? valueText(resolution.value) : resolution.action;
}

function valuesText(values: readonly Siblings[number]["value"][]): string {
  return values.map((value) => (value === undefined ? "a delete" : valueText(value))).join(", ");
}

function valueText(value: Uint8Array): string {
  return JSON.stringify(new TextDecoder().decode(value.subarray(0, SHOWN_LENGTH_MAX)));
}
