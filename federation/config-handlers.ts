// Custom handlers in the document: set, taken away, and stopped by a region in which one misbehaved (federation 8).
// Whether one may be let near siblings at all is tried before it comes here.
import { CONFIG_LIMITS, type FederationConfig } from "./config.ts";
import type { ConfigCommand } from "./config-command.ts";
import { byName, prefixText, Refusal, requireMember, type Step } from "./config-step.ts";

type Command<Name extends ConfigCommand["command"]> = Extract<
  ConfigCommand,
  { readonly command: Name }
>;

/** What was stopped goes on, though its source is the same: an operator says so. */
export function setHandler(
  { handlers }: FederationConfig,
  { name, hash, source, runs }: Command<"handler">,
): Step {
  const others = handlers.filter((one) => one.name !== name);
  return { handlers: byName([...others, { name, hash, source, runs }]) };
}

export function unsetHandler(
  { handlers, policies }: FederationConfig,
  { name }: Command<"handler-unset">,
): Step {
  if (!handlers.some((one) => one.name === name)) {
    throw new Refusal(`no handler is named ${JSON.stringify(name)}`);
  }
  const users = policies.filter(({ handler }) => handler === name);
  if (users.length > 0) {
    const prefixes = users.map(({ prefix }) => prefixText(prefix)).join(", ");
    throw new Refusal(`handler ${name} settles ${prefixes}: give them another policy first`);
  }
  return { handlers: handlers.filter((one) => one.name !== name) };
}

/** Of a source that is not there any more it says nothing. The first region's reason stays. */
export function stopHandler(config: FederationConfig, command: Command<"handler-stopped">): Step {
  const { region, name, hash } = command;
  requireMember(config, region);
  const why = command.why.slice(0, CONFIG_LIMITS.handlerWhyLengthMax);
  const there = config.handlers.find((one) => one.name === name);
  if (there?.hash !== hash || there.stopped !== undefined) return undefined;
  const others = config.handlers.filter((one) => one !== there);
  return { handlers: byName([...others, { ...there, stopped: { region, why } }]) };
}
