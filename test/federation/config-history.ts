// Histories of a federation's document, told by its commands, for tests of what each of them changes.
import { keyOf } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import { changeConfig, originId, sequence } from "../../federation/index.ts";
import type {
  ConfigCommand,
  FederationConfig,
  HistoryHash,
  Reached,
} from "../../federation/index.ts";
import { identity } from "./document.ts";

export const endpoints = ["127.0.0.1:7000"];

export function prefix(text: string): Key {
  return keyOf(new TextEncoder().encode(text));
}

/** Of the one history of each origin that these tests know. */
export function reports(...counts: [number, number][]): Reached[] {
  return counts.map(([origin, count]) => [originId(origin), sequence(count), historyOf(count)]);
}

/** Another one for each number. */
export function historyOf(number: number): HistoryHash {
  return number.toString(16).padStart(64, "0");
}

/** @throws {Error} with the reason, if any of them is refused. */
function after(...commands: readonly ConfigCommand[]): FederationConfig {
  const config = commands.reduce<FederationConfig | undefined>((before, command) => {
    const change = changeConfig(before, command);
    if (change.outcome === "refused") throw new Error(change.why);
    return change.config;
  }, undefined);
  if (config === undefined) throw new Error("no command was given");
  return config;
}

/** @throws {Error} if any of them changes nothing. */
export function changed(config: FederationConfig, ...commands: ConfigCommand[]): FederationConfig {
  return commands.reduce((before, command) => {
    const change = changeConfig(before, command);
    if (change.outcome !== "changed") throw new Error(JSON.stringify({ command, change }));
    return change.config;
  }, config);
}

/** The reason, or what became of it. */
export function why(config: FederationConfig | undefined, command: ConfigCommand): string {
  const change = changeConfig(config, command);
  return change.outcome === "refused" ? change.why : change.outcome;
}

export const founded = after({
  command: "init",
  federationId: identity(1),
  region: "ams",
  incarnation: identity(2),
  endpoints,
});

/** ams, fra and iad, live. */
export const three = changed(
  founded,
  { command: "join", region: "fra", incarnation: identity(3), endpoints },
  { command: "join", region: "iad", incarnation: identity(4), endpoints },
  { command: "live", region: "fra", origin: originId(2) },
  { command: "live", region: "iad", origin: originId(3) },
);
