// The homes of prefixes (federation 12). A planned move has three steps, so that at no instant two regions own a
// prefix: the old home takes no more writes and logs its Fence; the new one applies up to it; then it owns.
import type { FederationConfig, Home } from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import { requireFederated } from "./config-placement.ts";
import { memberNamed } from "./config-standing.ts";
import {
  prefixText,
  Refusal,
  requireStaying,
  type Step,
  withoutPrefix,
  withPrefix,
} from "./config-step.ts";
import type { Key } from "../base/index.ts";

type Command<Name extends ConfigCommand["command"]> = Extract<
  ConfigCommand,
  { readonly command: Name }
>;

export function setHome(
  config: FederationConfig,
  { prefix, region, elsewhere }: Command<"home">,
): Step {
  requireFederated(config, prefix);
  requireStaying(config, region);
  const there = config.homes.find((home) => home.prefix === prefix);
  if (there === undefined) {
    const home: Home = { prefix, region, elsewhere, epoch: config.epoch + 1 };
    return { homes: withPrefix(config.homes, home) };
  }
  if (there.region !== region) {
    throw new Refusal(`the home of ${prefixText(prefix)} is ${there.region}: move it`);
  }
  return { homes: withPrefix(config.homes, { ...there, elsewhere }) };
}

export function unsetHome(config: FederationConfig, prefix: Key): Step {
  homeOf(config, prefix);
  return { homes: withoutPrefix(config.homes, prefix) };
}

export function moveHome(
  config: FederationConfig,
  { prefix, to, force }: Command<"home-move">,
): Step {
  const home = homeOf(config, prefix);
  requireStaying(config, to);
  const { region, elsewhere } = home;
  if (region === to) {
    if (home.move === undefined) return undefined;
    throw new Refusal(`it is on its way from ${region} to ${home.move.to}: home stay keeps it`);
  }
  const epoch = config.epoch + 1;
  if (force || memberNamed(config, region) === undefined) {
    return { homes: withPrefix(config.homes, { prefix, region: to, elsewhere, epoch }) };
  }
  if (home.move !== undefined) {
    if (home.move.to === to) return undefined;
    throw new Refusal(`it is on its way from ${region} to ${home.move.to}: home stay keeps it`);
  }
  const moving: Home = { ...home, move: { to, begun: epoch } };
  return { homes: withPrefix(config.homes, moving) };
}

export function stayHome(config: FederationConfig, prefix: Key): Step {
  const { move, ...home } = homeOf(config, prefix);
  if (move === undefined) return undefined;
  return { homes: withPrefix(config.homes, { ...home, epoch: config.epoch + 1 }) };
}

export function fenceHome(
  config: FederationConfig,
  { prefix, region, fence }: Command<"home-fenced">,
): Step {
  const home = homeOf(config, prefix);
  if (home.move === undefined || home.region !== region) return undefined; // Ended meanwhile.
  if (home.move.fence !== undefined) return undefined;
  if (memberNamed(config, region)?.origin !== fence.origin) {
    throw new Refusal(`origin ${fence.origin} is not that of region ${region}`);
  }
  return { homes: withPrefix(config.homes, { ...home, move: { ...home.move, fence } }) };
}

export function ownHome(config: FederationConfig, { prefix, region }: Command<"home-own">): Step {
  const { move, elsewhere, region: owner } = homeOf(config, prefix);
  if (owner === region) return undefined;
  if (move?.to !== region) throw new Refusal(`${prefixText(prefix)} is not moving to ${region}`);
  if (move.fence === undefined) {
    throw new Refusal(`region ${owner} has not fenced ${prefixText(prefix)} yet`);
  }
  return {
    homes: withPrefix(config.homes, { prefix, region, elsewhere, epoch: config.epoch + 1 }),
  };
}

function homeOf({ homes }: FederationConfig, prefix: Key): Home {
  const home = homes.find((one) => one.prefix === prefix);
  if (home === undefined) throw new Refusal(`${prefixText(prefix)} has no home`);
  return home;
}
