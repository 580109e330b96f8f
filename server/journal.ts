// Log lines, by winston: one JSON object a line, or lines for people. Every line names the member; those of
// a replica also its role, term and index. Values never reach a line: bytes show as their length only.
import { createLogger, format, transports } from "winston";
import type { Logger } from "winston";
import type { Config } from "./config.ts";
import { JournalOutput } from "./journal-output.ts";
import type { Journal } from "./ports.ts";

export type JournalLevel = Config["logLevel"];
export type JournalFields = Readonly<Record<string, unknown>>;

export interface JournalOptions {
  readonly level: JournalLevel;
  /** `default`, `stderr`, `stdout` or paths of files. */
  readonly outputs: readonly string[];
  readonly format: Config["logFormat"];
  /** On every line. */
  readonly fields: JournalFields;
  /** A log output failed; the others go on. Called at most once an output. */
  readonly onOutputFailure: (output: string, failure: Error) => void;
}

/** A journal that can be narrowed to a part of the server, and closed. */
export class ServerJournal implements Journal {
  readonly #logger: Logger;
  readonly #outputs: readonly JournalOutput[];
  readonly #show: (line: Line) => string;
  readonly #fields: () => JournalFields;

  private constructor(
    logger: Logger,
    outputs: readonly JournalOutput[],
    show: (line: Line) => string,
    fields: () => JournalFields,
  ) {
    this.#logger = logger;
    this.#outputs = outputs;
    this.#show = show;
    this.#fields = fields;
  }

  static open(options: JournalOptions): ServerJournal {
    const outputs = options.outputs.map(
      (output) =>
        new JournalOutput(output, (failure) => {
          options.onOutputFailure(output, failure);
        }),
    );
    const show = options.format === "json" ? jsonLine : consoleLine;
    const logger = createLogger({
      level: options.level,
      levels: { error: 0, warn: 1, info: 2, debug: 3 },
      format: format.printf(show),
      transports: outputs.map((stream) => new transports.Stream({ stream })),
    });
    return new ServerJournal(logger, outputs, show, () => options.fields);
  }

  /** The same outputs, with more fields on every line; those of `live` are asked for at each line. */
  with(fields: JournalFields, live: () => JournalFields = () => ({})): ServerJournal {
    const all = (): JournalFields => ({ ...this.#fields(), ...fields, ...live() });
    return new ServerJournal(this.#logger, this.#outputs, this.#show, all);
  }

  debug(message: string, fields: JournalFields = {}): void {
    if (this.#logger.isDebugEnabled()) this.#write("debug", message, fields);
  }

  info(message: string, fields: JournalFields = {}): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields: JournalFields = {}): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields: JournalFields = {}): void {
    this.#write("error", message, fields);
  }

  /** Writes an error line synchronously, past whatever waits: for a process that ends inside the call. */
  lastWord(message: string, fields: JournalFields): void {
    const line = { level: "error", message, fields: { ...this.#fields(), ...fields } };
    for (const output of this.#outputs) output.writeNow(`${this.#show(line)}\n`);
  }

  /** Resolves when every line has left for its output, or the output has failed. */
  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#logger.once("finish", resolve);
      this.#logger.end();
    });
    await Promise.all(
      this.#outputs.map((output) => new Promise<void>((resolve) => output.end(resolve))),
    );
  }

  #write(level: JournalLevel, message: string, fields: JournalFields): void {
    // What still ends after the last line was written has nobody to tell.
    if (this.#logger.writableEnded) return;
    this.#logger.log({ level, message, fields: { ...this.#fields(), ...fields } });
  }
}

interface Line {
  readonly level: string;
  readonly message?: unknown;
  readonly fields?: unknown;
}

function fieldsOf(line: Line): JournalFields {
  return typeof line.fields === "object" && line.fields !== null ? { ...line.fields } : {};
}

function jsonLine(line: Line): string {
  const fields = Object.entries(fieldsOf(line)).map(([name, value]) => [name, shown(value)]);
  const ts = new Date().toISOString();
  return JSON.stringify({
    level: line.level,
    ts,
    msg: String(line.message),
    ...(Object.fromEntries(fields) as JournalFields),
  });
}

function consoleLine(line: Line): string {
  const fields = Object.entries(fieldsOf(line)).map(
    ([name, value]) => `${name}=${JSON.stringify(shown(value))}`,
  );
  const head = `${new Date().toISOString()} ${line.level.toUpperCase().padEnd(5)}`;
  return [head, String(line.message), ...fields].join(" ");
}

const DEPTH_MAX = 4;

/** What a field shows: ids as etcd prints them, errors as their message, bytes as their length. */
function shown(value: unknown, depth = 0): unknown {
  if (typeof value === "bigint") return value.toString(16);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (value instanceof Error) return value.stack ?? value.message;
  if (typeof value !== "object" || value === null) return value;
  if (depth === DEPTH_MAX) return "...";
  if (Array.isArray(value)) return value.map((item: unknown) => shown(item, depth + 1));
  const entries = Object.entries(value).map(([name, item]) => [name, shown(item, depth + 1)]);
  return Object.fromEntries(entries) as unknown;
}
