// One place that log lines go: stderr, stdout or a file. Bounded, because a stuck disk or reader must not
// fill the memory: lines that find it full are counted, and the count is written once there is room.
import { appendFileSync, createWriteStream } from "node:fs";
import { Writable } from "node:stream";

/** Bytes of lines that wait for one output. */
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;

export class JournalOutput extends Writable {
  readonly #target: Writable;
  readonly #ownsTarget: boolean;
  /** For the one line that cannot wait: a path, or a descriptor of the process. */
  readonly #direct: string | number;
  #failed = false;
  #droppedLines = 0;

  /** `target`: `default`, `stderr`, `stdout` or a path. `onFailure` comes at most once; lines then go nowhere. */
  constructor(target: string, onFailure: (failure: Error) => void) {
    super({ decodeStrings: false });
    this.#ownsTarget = !["default", "stderr", "stdout"].includes(target);
    if (this.#ownsTarget) this.#target = createWriteStream(target, { flags: "a", mode: 0o600 });
    else this.#target = target === "stdout" ? process.stdout : process.stderr;
    this.#direct = this.#ownsTarget ? target : target === "stdout" ? 1 : 2;
    this.#target.on("error", (failure) => {
      if (this.#failed) return;
      this.#failed = true;
      onFailure(failure);
    });
  }

  override _write(line: string, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#failed) {
      if (this.#target.writableLength > OUTPUT_BYTES_MAX) this.#droppedLines += 1;
      else this.#put(line);
    }
    done();
  }

  /** Synchronously, before the lines that wait; an output that fails is given up. */
  writeNow(line: string): void {
    if (this.#failed) return;
    try {
      appendFileSync(this.#direct, line);
    } catch {
      this.#failed = true;
    }
  }

  #put(line: string): void {
    if (this.#droppedLines > 0) {
      this.#target.write(`${this.#droppedLines} log lines were dropped: this output was stuck\n`);
      this.#droppedLines = 0;
    }
    this.#target.write(line);
  }

  override _final(done: () => void): void {
    if (this.#failed || !this.#ownsTarget) {
      done();
      return;
    }
    this.#target.once("close", done);
    this.#target.end();
  }
}
