// The next document after a command, or why there is none (federation 11, 12, 14). Each step gives the fields that
// differ; here they become a document of the next epoch, and it is judged whole before anybody sees it.
import { assert, compareBytes, unreachable } from "../base/index.ts";
import { setAutoPart } from "./auto-part.ts";
import type { FederationConfig } from "./config.ts";
import { checkConfig } from "./config-check.ts";
import { encodeConfig } from "./config-codec.ts";
import type { ConfigChange, ConfigCommand } from "./config-command.ts";
import { ConfigError } from "./config-error.ts";
import { frozenReport, part, reincarnate, thaw } from "./config-freeze.ts";
import { setHandler, stopHandler, unsetHandler } from "./config-handlers.ts";
import {
  fenceHome,
  leaseHome,
  moveHome,
  ownHome,
  setHome,
  stayHome,
  takeHome,
  unsetHome,
  wordOfHome,
} from "./config-homes.ts";
import { endpoints, found, goLive, join, pause, resume } from "./config-members.ts";
import { place } from "./config-placement.ts";
import { prefixDone, setPolicy, unsetPolicy } from "./config-policies.ts";
import { Refusal, type Step } from "./config-step.ts";
import { inOrder } from "./topology.ts";

/** `config` undefined: there is no federation yet, and only `init` is taken. */
export function changeConfig(
  config: FederationConfig | undefined,
  command: ConfigCommand,
): ConfigChange {
  try {
    const next = following(config, command);
    if (next === undefined) {
      assert(config !== undefined, "init always changes");
      return { outcome: "unchanged", config };
    }
    checkConfig(next);
    return { outcome: "changed", config: next };
  } catch (error) {
    if (error instanceof Refusal || error instanceof ConfigError) {
      return { outcome: "refused", why: error.message };
    }
    throw error;
  }
}

function following(
  config: FederationConfig | undefined,
  command: ConfigCommand,
): FederationConfig | undefined {
  if (command.command === "init") return found(config, command);
  if (config === undefined) throw new Refusal("there is no federation yet: init founds one");
  const changed = step(config, command);
  if (changed === undefined) return undefined;
  const { freeze, autoPart, ...rest } = { ...config, ...changed };
  const next = { ...rest, ...(freeze && { freeze }), ...(autoPart && { autoPart }) };
  const same = compareBytes(encodeConfig(next), encodeConfig(config)) === 0;
  return same ? undefined : { ...next, epoch: config.epoch + 1 };
}

function step(
  config: FederationConfig,
  command: Exclude<ConfigCommand, { readonly command: "init" }>,
): Step {
  switch (command.command) {
    case "join":
      return join(config, command);
    case "live":
      return goLive(config, command);
    case "endpoints":
      return endpoints(config, command);
    case "part":
      return part(config, command);
    case "reincarnate":
      return reincarnate(config, command);
    case "thaw":
      return thaw();
    case "frozen":
      return frozenReport(config, command);
    case "pause":
      return pause(config, command.region);
    case "resume":
      return resume(config, command.region);
    case "policy":
      return setPolicy(config, command);
    case "policy-unset":
      return unsetPolicy(config, command.prefix);
    case "prefix-done":
      return prefixDone(config, command);
    case "placement":
      return place(config, command);
    case "home":
      return setHome(config, command);
    case "home-unset":
      return unsetHome(config, command.prefix);
    case "home-lease":
      return leaseHome(config, command);
    case "home-move":
      return moveHome(config, command);
    case "home-stay":
      return stayHome(config, command.prefix);
    case "home-fenced":
      return fenceHome(config, command);
    case "home-word":
      return wordOfHome(config, command);
    case "home-own":
      return ownHome(config, command);
    case "home-taken":
      return takeHome(config, command);
    case "auto-part":
      return setAutoPart(command);
    case "topology":
      return { topology: inOrder(command.topology) };
    case "handler":
      return setHandler(config, command);
    case "handler-unset":
      return unsetHandler(config, command);
    case "handler-stopped":
      return stopHandler(config, command);
    default:
      return unreachable(command);
  }
}
