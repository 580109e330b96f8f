// The flags of `get`, `put`, `del`, `txn` and `kind` that ask something of a federation of regions.
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type { KeyReadOptions, RegionWriteOptions, ResolveOptions } from "../client/index.ts";
import { countValue } from "./flag-value.ts";
import { defined } from "./kv-flags.ts";

export interface RegionReadFlags {
  readonly readRegions?: number;
  readonly causalToken?: Uint8Array;
  readonly siblings?: boolean;
}

export interface RegionWriteFlags {
  readonly writeRegions?: number;
}

export interface ResolveFlags {
  readonly siblingContext?: Uint8Array;
}

/** Bytes, as every format prints them. */
function base64Value(text: string): Uint8Array {
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0) {
    return Buffer.from(text, "base64");
  }
  throw new InvalidArgumentError("expected base64, as JSON output shows it.");
}

export function addRegionReadFlags(command: Command): Command {
  return command
    .option("--read-regions <count>", "have all that so many regions have", countValue)
    .option("--causal-token <base64>", "have seen what an earlier answer had", base64Value)
    .option("--siblings", "all writes to a federated key that none replaced, and their context");
}

export function addRegionWriteFlags(command: Command): Command {
  return command.option(
    "--write-regions <count>",
    "wait until so many regions have it, this one included",
    countValue,
  );
}

export function addResolveFlags(command: Command): Command {
  return command.option(
    "--sibling-context <base64>",
    "replace the siblings that were read with it, and no other",
    base64Value,
  );
}

export function regionReadOptionsOf(flags: RegionReadFlags): KeyReadOptions {
  const { readRegions, causalToken, siblings } = flags;
  return defined({ readRegions, causalToken, siblings });
}

export function regionWriteOptionsOf({ writeRegions }: RegionWriteFlags): RegionWriteOptions {
  return defined({ writeRegions });
}

export function resolveOptionsOf({ siblingContext }: ResolveFlags): ResolveOptions {
  return defined({ siblingContext });
}
