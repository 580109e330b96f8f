// Unary gRPC calls by h2load: one frame, made by our codec, sent again and again over HTTP/2 by a program
// whose own cost is small and the same for every server.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finish } from "../e2e/child.ts";
import { percentiles } from "./percentiles.ts";
import type { Percentiles } from "./percentiles.ts";

export interface H2Load {
  /** host:port, or https://host:port, whose certificate is not looked at. */
  readonly endpoint: string;
  readonly path: string;
  /** The request message, without its gRPC frame. */
  readonly message: Uint8Array;
  readonly connections: number;
  readonly streams: number;
  readonly seconds: number;
}

export interface H2LoadReport extends Percentiles {
  readonly perSecond: number;
  readonly succeeded: number;
  readonly failed: number;
}

const WARM_UP_SECONDS = 1;
const FRAME_HEAD_BYTES = 5;

/**
 * Latencies in ms. HTTP success is not gRPC success: callers check the store's revision or read back.
 *
 * @throws {Error} with its output when h2load fails.
 */
export async function runH2load(load: H2Load): Promise<H2LoadReport> {
  const folder = mkdtempSync(join(tmpdir(), "hansa-h2load-"));
  const body = join(folder, "body");
  const log = join(folder, "log");
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(load.message.length, 1);
  writeFileSync(body, Buffer.concat([head, load.message]));
  try {
    const { exit, stdout, stderr } = await finish(
      "h2load",
      [
        ...["--duration", String(load.seconds), "--warm-up-time", String(WARM_UP_SECONDS)],
        ...[
          "--clients",
          String(load.connections),
          "--max-concurrent-streams",
          String(load.streams),
        ],
        ...["--data", body, "--log-file", log],
        ...["--header", "content-type: application/grpc", "--header", "te: trailers"],
        // A client that offers HTTP/1.1 too is taken for one that wants it.
        ...["--npn-list", "h2"],
        `${load.endpoint.includes("://") ? "" : "http://"}${load.endpoint}${load.path}`,
      ],
      { timeoutMs: (load.seconds + WARM_UP_SECONDS + 30) * 1_000 },
    );
    if (exit.code !== 0) throw new Error(`h2load ended with ${JSON.stringify(exit)}: ${stderr}`);
    const requests = /requests: .* (\d+) succeeded, (\d+) failed/.exec(stdout);
    const rate = /finished in [\d.]+\w+, ([\d.]+) req\/s/.exec(stdout);
    if (requests === null || rate === null) throw new Error(`h2load said:\n${stdout}`);
    // Start, status, time to the end of the answer in microseconds: one line a request.
    const times = readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => Number(line.split("\t")[2]) / 1_000);
    return {
      perSecond: Number(rate[1]),
      succeeded: Number(requests[1]),
      failed: Number(requests[2]),
      ...percentiles(times),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
