// What a member answers to Prometheus, and the metrics that alerts, dashboards and the operator's guide speak of.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@jest/globals";

/** The text of /metrics. `endpoint`: with a scheme or without. */
export async function scraped(endpoint: string): Promise<string> {
  const response = await fetch(`${endpoint.replace(/^(?!http)/, "http://")}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  return response.text();
}

/** The families that a file of this project names; of a text in Markdown, what it says under that heading. */
export function metricsNamedIn(path: string, heading: string): readonly string[] {
  const whole = readFileSync(join(__dirname, "..", "..", path), "utf8");
  const from = whole.indexOf(`\n## ${heading}\n`);
  const until = whole.indexOf("\n## ", from + 1);
  const text = from < 0 ? whole : whole.slice(from, until < 0 ? undefined : until);
  const named = text.match(/\b(?:etcd|hansa|grpc_server|process|nodejs)_[a-z0-9_]+/g) ?? [];
  return [...new Set(named.map((name) => name.replace(/_(?:bucket|sum|count)$/, "")))];
}
