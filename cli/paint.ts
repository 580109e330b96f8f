// Colours, named by what they say. Only on a terminal, unless --color says otherwise; NO_COLOR is respected
// (https://no-color.org).
import { terminalOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";

export type ColorChoice = "auto" | "always" | "never";

/** What a piece of text says: `good`, `warn`, `bad` judge; `head`, `accent`, `dim` lead the eye. */
export type Tone = "good" | "warn" | "bad" | "head" | "accent" | "dim";

export type Paint = (tone: Tone, text: string) => string;

const CODES: Readonly<Record<Tone, string>> = {
  good: "32",
  warn: "33",
  bad: "1;31",
  head: "1",
  accent: "36",
  dim: "2",
};

export const PLAIN: Paint = (_, text) => text;

const COLORFUL: Paint = (tone, text) =>
  text === "" ? "" : `\u001b[${CODES[tone]}m${text}\u001b[0m`;

/** How to paint what goes to `stream`. */
export function paintFor(stdio: Stdio, stream: "out" | "err", choice: ColorChoice): Paint {
  return isColorful(stdio, stream, choice) ? COLORFUL : PLAIN;
}

export function isColorful(stdio: Stdio, stream: "out" | "err", choice: ColorChoice): boolean {
  if (choice !== "auto") return choice === "always";
  if ((stdio.env["NO_COLOR"] ?? "") !== "" || stdio.env["TERM"] === "dumb") return false;
  return terminalOf(stdio)[stream];
}

/** The choice on a command line that may not parse: its errors are painted too. */
export function colorChoiceIn(argv: readonly string[]): ColorChoice {
  const words = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length);
  const at = words.findIndex((word) => word === "--color" || word.startsWith("--color="));
  const value = words[at] === "--color" ? words[at + 1] : words[at]?.slice("--color=".length);
  return value === "always" || value === "never" ? value : "auto";
}
