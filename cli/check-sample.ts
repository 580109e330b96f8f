// What `hansa check` looks at: each member asked several times, its round trips, its clocks and its metrics.
import { request as requestPlain } from "node:http";
import { request as requestSecurely } from "node:https";
import { TLSSocket } from "node:tls";
import type { PeerCertificate } from "node:tls";
import { KvError } from "../client/index.ts";
import type { Client, StatusAnswer, TlsOptions } from "../client/index.ts";

/** A member as it was found; without statuses it did not answer. */
export interface MemberSample {
  readonly endpoint: string;
  readonly name: string;
  readonly statuses: readonly TimedStatus[];
  readonly failure?: string;
  /** The text of its /metrics. */
  readonly metrics?: string;
  /** Why there is no such text. */
  readonly metricsFailure?: string;
  /** Days for which its certificate is good. */
  readonly certificateDays?: number;
}

export interface TimedStatus {
  readonly status: StatusAnswer;
  readonly sentAtMs: number;
  readonly roundTripMs: number;
  /** Wall time here, in the middle of the round trip. */
  readonly wallMs: number;
}

const METRICS_MS = 2_000;
const METRICS_BYTES_MAX = 16 * 1024 * 1024;

/** One question. @throws what is no failure of a call */
export async function askStatus(
  client: Client,
  endpoint: string,
): Promise<TimedStatus | { readonly failure: string }> {
  const sentAtMs = performance.now();
  const sentWallMs = Date.now();
  try {
    const status = await client.status(endpoint);
    const roundTripMs = performance.now() - sentAtMs;
    return { status, sentAtMs, roundTripMs, wallMs: sentWallMs + roundTripMs / 2 };
  } catch (error) {
    if (error instanceof KvError) return { failure: error.message };
    throw error;
  }
}

export interface HttpFindings {
  readonly metrics?: string;
  readonly metricsFailure?: string;
  readonly certificateDays?: number;
}

/** Over the client port. */
export function readMetrics(
  endpoint: string,
  tls: TlsOptions | undefined,
  nowMs: number,
): Promise<HttpFindings> {
  const secure =
    endpoint.startsWith("https://") || (tls !== undefined && !endpoint.includes("://"));
  const url = `${secure ? "https" : "http"}://${endpoint.replace(/^https?:\/\//, "")}/metrics`;
  return new Promise((resolve) => {
    const options = {
      timeout: METRICS_MS,
      ...(secure ? secureOptions(tls) : {}),
    };
    const question = (secure ? requestSecurely : requestPlain)(url, options, (answer) => {
      const { socket } = answer;
      const validTo =
        socket instanceof TLSSocket ? validToOf(socket.getPeerCertificate()) : undefined;
      const days = validTo === undefined ? undefined : (validTo - nowMs) / DAY_MS;
      const certificate = days === undefined ? {} : { certificateDays: days };
      let text = "";
      const fail = (why: string): void => {
        resolve({ metricsFailure: `/metrics: ${why}`, ...certificate });
      };
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.length <= METRICS_BYTES_MAX) return;
        fail(`more than ${METRICS_BYTES_MAX} bytes`);
        question.destroy();
      });
      answer.once("error", ({ message }) => fail(message));
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve({ metrics: text, ...certificate });
        else fail(`HTTP ${answer.statusCode ?? "without a status"}`);
      });
    });
    // A member without HTTP is judged by what it says over gRPC.
    question.once("error", ({ message }) => {
      resolve({ metricsFailure: `/metrics: ${message}` });
    });
    question.once("timeout", () => {
      question.destroy(new Error(`no answer within ${METRICS_MS} ms`));
    });
    question.end();
  });
}

const DAY_MS = 86_400_000;

function secureOptions(tls: TlsOptions | undefined): object {
  const bytes = (given: string | Uint8Array | undefined): string | Buffer | undefined =>
    given === undefined || typeof given === "string" ? given : Buffer.from(given);
  return {
    ca: bytes(tls?.ca),
    cert: bytes(tls?.cert),
    key: bytes(tls?.key),
    rejectUnauthorized: tls?.insecureSkipVerify !== true,
  };
}

function validToOf({ valid_to: validTo }: PeerCertificate): number | undefined {
  const ms = Date.parse(validTo);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * The upper bound of the bucket of a Prometheus histogram in which the `share` lies, summed over its labels;
 * undefined where there is none.
 */
export function histogramQuantile(text: string, name: string, share: number): number | undefined {
  const buckets = new Map<number, number>();
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}_bucket{`)) continue;
    const [, le, count] = /le="([^"]+)"[^}]*\}\s+(\S+)/.exec(line) ?? [];
    if (le === undefined || count === undefined) continue;
    const bound = le === "+Inf" ? Infinity : Number(le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + Number(count));
  }
  const sorted = [...buckets].sort(([left], [right]) => left - right);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return undefined;
  return sorted.find(([, count]) => count >= share * total)?.[0];
}

/** A number without labels; undefined where there is none. */
export function metricValue(text: string, name: string): number | undefined {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  const value = Number(line?.slice(name.length + 1));
  return line === undefined || Number.isNaN(value) ? undefined : value;
}
