// What a client has seen, carried by it from region to region: the federation, the configuration's epoch and a vector
// (federation 13, trap 20). Closed origins are left out: under that epoch everybody has them up to their cuts, or
// waits until it does.
import { hexOf } from "../base/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { closedOrigin } from "./config-standing.ts";
import type { Epoch, FederationConfig, Identity } from "./config.ts";
import { countOf, covers } from "./vector.ts";
import type { Vector } from "./vector.ts";
import { readVector, writeVector } from "./vector-codec.ts";

export interface CausalToken {
  readonly federationId: Identity;
  readonly epoch: Epoch;
  readonly vector: Vector;
}

const TOKEN_VERSION = 1;
const IDENTITY_BYTES = 16;

/** What stood where a token was expected. */
export class TokenError extends Error {
  override readonly name = "TokenError";
}

/** Of what is applied under `config`. */
export function causalTokenOf(config: FederationConfig, applied: Vector): CausalToken {
  const open = [...applied].filter(([origin]) => closedOrigin(config, origin) === undefined);
  return { federationId: config.federationId, epoch: config.epoch, vector: new Map(open) };
}

export function encodeToken({ federationId, epoch, vector }: CausalToken): Uint8Array {
  const writer = new ByteWriter(IDENTITY_BYTES + 8 + vector.size * 8);
  writer.u8(TOKEN_VERSION);
  for (let at = 0; at < IDENTITY_BYTES; at += 1) {
    writer.u8(Number.parseInt(federationId.slice(2 * at, 2 * at + 2), 16));
  }
  writer.count(epoch);
  writeVector(writer, vector);
  return writer.written().slice();
}

/** @throws {TokenError} naming what is wrong. */
export function decodeToken(bytes: Uint8Array): CausalToken {
  const reader = new ByteReader(bytes, (message) => new TokenError(message));
  const version = reader.u8("the version");
  if (version !== TOKEN_VERSION)
    throw reader.failure(`version ${version}, expected ${TOKEN_VERSION}`);
  const federationId = hexOf(reader.raw("the federation", IDENTITY_BYTES)) as Identity;
  const epoch = reader.count("the epoch", 1);
  const vector = readVector(reader, "a token");
  reader.end();
  return { federationId, epoch, vector };
}

/**
 * - `seen`: all that the token names is applied. - `ahead`: not yet.
 * - `lost`: some of it was beyond the cut of an origin that is closed: it never comes (CAUSAL_LOST).
 * - `foreign`: of another federation.
 */
export type TokenStanding = "seen" | "ahead" | "lost" | "foreign";

export function standingOfToken(
  token: CausalToken,
  config: FederationConfig,
  applied: Vector,
): TokenStanding {
  if (token.federationId !== config.federationId) return "foreign";
  for (const { origin, cut } of config.closed) {
    if (countOf(token.vector, origin) > cut) return "lost";
  }
  if (config.epoch < token.epoch || !covers(applied, token.vector)) return "ahead";
  const left = config.closed.filter(({ closed }) => closed <= token.epoch);
  return left.every(({ origin, cut }) => countOf(applied, origin) >= cut) ? "seen" : "ahead";
}
