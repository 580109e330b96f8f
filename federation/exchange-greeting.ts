// What the hello of an exchange must say before a word more is believed: the federation, both origins and the
// incarnation, as the configuration has them (federation 1). That the speaker is who it says is proved before, by
// its certificate.
import type { FederationConfig } from "./config.ts";
import { memberOf } from "./config-standing.ts";
import type { OriginId } from "./dot.ts";
import { EXCHANGE_VERSION, EXCHANGE_VERSION_MIN } from "./exchange-message.ts";
import type { ExchangeHello } from "./exchange-message.ts";

/** Who this side is, by its own configuration; undefined: it is no member. */
export function helloOf(
  config: FederationConfig,
  self: OriginId,
  to: OriginId,
  leads: boolean,
): ExchangeHello | undefined {
  const member = memberOf(config, self);
  if (member === undefined) return undefined;
  const { federationId, epoch } = config;
  const from = { federationId, origin: self, incarnation: member.incarnation };
  return { version: EXCHANGE_VERSION, from, to, epoch, leads };
}

/** Why the other side's hello is refused; undefined: it is what it should be. */
export function greetingFault(
  hello: ExchangeHello,
  config: FederationConfig,
  self: OriginId,
): string | undefined {
  const { version, from, to } = hello;
  if (version < EXCHANGE_VERSION_MIN) {
    return `exchange protocol ${version}; this region speaks ${EXCHANGE_VERSION_MIN} to ${EXCHANGE_VERSION}`;
  }
  if (from.federationId !== config.federationId) {
    return `federation ${from.federationId}; this region belongs to ${config.federationId}`;
  }
  if (to !== self) return `meant for origin ${to}; this is origin ${self}`;
  const member = memberOf(config, from.origin);
  if (member === undefined) {
    return `origin ${from.origin} is no member in epoch ${config.epoch}; its own epoch is ${hello.epoch}`;
  }
  if (from.incarnation !== member.incarnation) {
    return `incarnation ${from.incarnation} of origin ${from.origin}; the configuration has ${member.incarnation}`;
  }
  return undefined;
}
