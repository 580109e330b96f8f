// The network between the regions of a benchmark, in a process of its own: where a test runner carried the bytes, a
// collection of its garbage held them up for as long as it took.
import { join } from "node:path";
import type { Network } from "../../examples/federation/wide-area.ts";
import { Child } from "../e2e/child.ts";

const PROGRAM = join(__dirname, "..", "..", "dist", "test", "bench", "wide-area-process.js");
const ANSWER_MS_MAX = 30_000;

export class RemoteWideArea implements Network {
  readonly #process: Child;

  /** `delayMs`: one way, between any two regions. */
  constructor(delayMs: number) {
    this.#process = new Child(process.execPath, [PROGRAM, String(delayMs)]);
  }

  place(port: number, region: string): void {
    this.#process.write(`place ${region} ${port}\n`);
  }

  async proxyOf(region: string): Promise<string> {
    this.#process.write(`proxy ${region}\n`);
    const line = await this.#process.line(new RegExp(`^proxy ${region} `), ANSWER_MS_MAX);
    return line.split(" ")[2] ?? "";
  }

  cut(region: string): void {
    this.#process.write(`cut ${region}\n`);
  }

  heal(): void {
    this.#process.write("heal\n");
  }

  async close(): Promise<void> {
    this.#process.signal("SIGTERM");
    await this.#process.exited;
  }
}
