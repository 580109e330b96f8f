// How far long work has come: one line on stderr, drawn anew in place. Only on a terminal, so that no log is filled.
import { humanBytes } from "./output-simple.ts";
import { terminalOf } from "./stdio.ts";
import type { Stdio } from "./stdio.ts";

/** Drawn at most this often. */
const DRAW_MS_MIN = 100;
const BAR_CELLS = 24;

export interface ProgressOptions {
  readonly label: string;
  /** In `unit`; absent: nobody knows. */
  readonly total?: number;
  readonly unit: "bytes" | "operations";
  readonly nowMs?: () => number;
}

export class Progress {
  readonly #stdio: Stdio;
  readonly #options: ProgressOptions;
  readonly #shows: boolean;
  readonly #nowMs: () => number;
  readonly #startedAtMs: number;
  #total: number | undefined;
  #done = 0;
  #drawnAtMs = -Infinity;

  constructor(stdio: Stdio, options: ProgressOptions) {
    this.#stdio = stdio;
    this.#options = options;
    this.#shows = terminalOf(stdio).err;
    this.#nowMs = options.nowMs ?? ((): number => performance.now());
    this.#startedAtMs = this.#nowMs();
    this.#total = options.total;
  }

  /** So much is done in all; `total` when it has become known. */
  at(done: number, total = this.#total): void {
    this.#done = done;
    this.#total = total;
    const nowMs = this.#nowMs();
    if (!this.#shows || nowMs - this.#drawnAtMs < DRAW_MS_MIN) return;
    this.#drawnAtMs = nowMs;
    this.#stdio.err(`\r${this.#line(nowMs)}\u001b[K`);
  }

  /** Takes the line away: what comes next is the result. */
  end(): void {
    if (this.#shows && this.#drawnAtMs > -Infinity) this.#stdio.err("\r\u001b[K");
  }

  #line(nowMs: number): string {
    const elapsedS = Math.max((nowMs - this.#startedAtMs) / 1_000, 0.001);
    const rate = this.#done / elapsedS;
    const total = this.#total;
    const parts = [this.#options.label];
    if (total !== undefined && total > 0) {
      const share = Math.min(1, this.#done / total);
      const filled = Math.round(share * BAR_CELLS);
      parts.push(`[${"#".repeat(filled)}${"-".repeat(BAR_CELLS - filled)}]`);
      parts.push(
        `${Math.floor(share * 100)}%`,
        `${this.#amount(this.#done)}/${this.#amount(total)}`,
      );
    } else parts.push(this.#amount(this.#done));
    parts.push(`${this.#amount(rate)}/s`, `${elapsedS.toFixed(0)} s`);
    const line = parts.join("  ");
    // One that wraps would not be drawn over.
    return line.slice(0, Math.max(0, terminalOf(this.#stdio).columns - 1));
  }

  #amount(count: number): string {
    return this.#options.unit === "bytes" ? humanBytes(count) : String(Math.round(count));
  }
}
