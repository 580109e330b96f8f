// A question to a custom handler and its answer as they go in and out of the interpreter: JSON, in which no byte is
// special. What a handler answers is its own; it is read here field by field, and taken for no more than it may be.
import { isUtf8 } from "node:buffer";
import type { Resolution } from "../federation/index.ts";

export interface HandlerTask {
  readonly source: string;
  readonly key: Uint8Array;
  /** Of the siblings, by ascending dot; undefined: a tombstone. */
  readonly values: readonly (Uint8Array | undefined)[];
}

/**
 * `source`: no handler can be had of it. `slow`: the time is over; `broken`: the thread has ended over it; both may
 * be the machine's doing. `absent`: there is no thread, which is. The others come in every region alike.
 */
export interface HandlerFault {
  readonly fault:
    "source" | "threw" | "looped" | "memory" | "answer" | "changed" | "slow" | "broken" | "absent";
  readonly why: string;
}

export type HandlerAnswer = Resolution | HandlerFault;

/** The first message of a thread: from here on, what befalls it is the handler's doing. */
export const HANDLER_THREAD_READY = "ready";

/** Of one answer, and of all siblings of one question. */
export const HANDLER_ANSWER_BYTES_MAX = 1024 * 1024;
export const HANDLER_QUESTION_BYTES_MAX = 2 * 1024 * 1024;

/** Text where the bytes are UTF-8, else a character a byte. */
export function questionOf(key: Uint8Array, values: readonly (Uint8Array | undefined)[]): string {
  return JSON.stringify({
    key: new TextDecoder().decode(key),
    siblings: values.map((value) => (value === undefined ? {} : written(value))),
  });
}

function written(value: Uint8Array): { readonly text: string } | { readonly raw: string } {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isUtf8(bytes) ? { text: bytes.toString("utf8") } : { raw: bytes.toString("latin1") };
}

/** Of what the prelude wrote, or what the handler put in its place. */
export function answerOf(json: string): HandlerAnswer {
  const { action, text, raw, type } = fieldsOf(json);
  switch (action) {
    case "keep":
    case "delete":
      return { action };
    case "value":
      if (typeof text === "string") return bounded(new TextEncoder().encode(text));
      if (typeof raw === "string") return bounded(new Uint8Array(Buffer.from(raw, "latin1")));
      return unreadable("neither text nor bytes");
    default:
      return unreadable(typeof type === "string" ? `of type ${type}` : "unreadable");
  }
}

function fieldsOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const read: unknown = JSON.parse(json);
    return typeof read === "object" && read !== null ? { ...read } : {};
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}

function bounded(value: Uint8Array): HandlerAnswer {
  if (value.length <= HANDLER_ANSWER_BYTES_MAX) return { action: "value", value };
  const why = `its answer has ${value.length} bytes, more than ${HANDLER_ANSWER_BYTES_MAX}`;
  return { fault: "answer", why };
}

function unreadable(what: string): HandlerFault {
  const expected = "expected text, a Uint8Array, null (delete) or undefined (keep)";
  return { fault: "answer", why: `its answer is ${what}; ${expected}` };
}
