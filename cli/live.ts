// `--watch`: an answer again and again, drawn in place on a terminal and one below the other elsewhere, until it is
// interrupted. A time that fails is told and does not end it.
import { setTimeout as delay } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { KvError } from "../client/index.ts";
import { errorLine } from "./error-line.ts";
import { spanValue } from "./flag-value.ts";
import { paintFor } from "./paint.ts";
import type { CommonFlags } from "./session.ts";
import { interruptionOf, terminalOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";

/** Oftener would load the members that are looked at, and no eye follows. */
const INTERVAL_MS_MIN = 200;
const INTERVAL_MS_MAX = 3_600_000;
const INTERVAL_MS_DEFAULT = 2_000;

interface LiveFlags {
  /** `true`: without a span. */
  readonly watch?: number | true;
}

export function addLiveFlag(command: Command): Command {
  return command.option("--watch [span]", "show it anew every so often (default 2s)", (text) => {
    const ms = spanValue(text);
    if (ms >= INTERVAL_MS_MIN && ms <= INTERVAL_MS_MAX) return ms;
    throw new InvalidArgumentError("expected 200ms to 1h.");
  });
}

/** Runs `frame` once, or, with --watch, until it is interrupted. `frame` prints on the stdio it is given. */
export async function live(
  command: Command,
  stdio: Stdio,
  frame: (stdio: Stdio) => Promise<void>,
): Promise<void> {
  const { watch, writeOut, color } = command.optsWithGlobals<LiveFlags & CommonFlags>();
  if (watch === undefined) {
    await frame(stdio);
    return;
  }
  const everyMs = watch === true ? INTERVAL_MS_DEFAULT : watch;
  const interrupted = interruptionOf(stdio);
  const inPlace = terminalOf(stdio).out && writeOut !== "json";
  const dim = paintFor(stdio, "out", color);
  const title = `every ${everyMs / 1_000} s: hansa ${pathOf(command)} (Ctrl-C ends)`;
  for (let first = true; !interrupted.aborted; first = false) {
    const text = await captured(stdio, frame);
    if (inPlace) stdio.out(inPlaceText(`${dim("dim", title)}\n\n`, text, first));
    else stdio.out(first || writeOut === "json" ? text : Buffer.concat([NEWLINE, text]));
    await delay(everyMs, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

const NEWLINE = Buffer.from("\n");

/** What a frame prints, its errors at their place. */
async function captured(stdio: Stdio, frame: (stdio: Stdio) => Promise<void>): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  const keep = (part: Uint8Array | string): void => {
    parts.push(Buffer.from(part));
  };
  try {
    await frame({ ...stdio, out: keep, err: keep });
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    keep(errorLine(error));
  }
  return Buffer.concat(parts);
}

const CLEAR = "\u001b[2J";
const HOME = "\u001b[H";
const TO_END_OF_LINE = "\u001b[K";
const TO_END_OF_SCREEN = "\u001b[J";

/** Over what stands there, line by line: nothing flickers. */
function inPlaceText(title: string, text: Uint8Array, first: boolean): string {
  const lines = `${title}${Buffer.from(text).toString()}`.replaceAll("\n", `${TO_END_OF_LINE}\n`);
  return `${first ? CLEAR : ""}${HOME}${lines}${TO_END_OF_SCREEN}`;
}

/** As `endpoint status`. */
function pathOf(command: Command): string {
  const { parent } = command;
  if (parent === null) return "";
  const above = pathOf(parent);
  return above === "" ? command.name() : `${above} ${command.name()}`;
}
