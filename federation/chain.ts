// The hash chain of an origin's stream: h_n = H(h_{n-1} | bytes of transaction n), and h_0 is made of the incarnation
// (federation 1). Two regions whose hashes differ at one sequence have been told different histories of that origin.
import { assert } from "../base/index.ts";
import type { Identity } from "./config.ts";

/** SHA-256, injected: a pure folder has no Node. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

export const CHAIN_HASH_BYTES = 32;

/**
 * Of the chain before it that every transaction carries: it says on which history it was minted, so that one of a
 * forked stream is never applied on top of the other branch. 64 bits tell accidents apart; positions are compared
 * whole whenever regions meet.
 */
export const LINK_BYTES = 8;

const SEED_DOMAIN = "hansa federation chain 1 ";
const encoder = new TextEncoder();

/** h_0 of the stream that this incarnation mints. */
export function chainSeed(hash: Hash, incarnation: Identity): Uint8Array {
  return checked(hash(encoder.encode(SEED_DOMAIN + incarnation)));
}

/** h_n, from h_{n-1} and the bytes of transaction n as they were shipped. */
export function chainNext(hash: Hash, before: Uint8Array, transaction: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHAIN_HASH_BYTES + transaction.length);
  bytes.set(checked(before));
  bytes.set(transaction, CHAIN_HASH_BYTES);
  return checked(hash(bytes));
}

/** What the transaction after `chain` carries of it. */
export function linkOf(chain: Uint8Array): Uint8Array {
  return checked(chain).subarray(0, LINK_BYTES);
}

function checked(hash: Uint8Array): Uint8Array {
  assert(hash.length === CHAIN_HASH_BYTES, `a hash of ${hash.length} bytes in a chain`);
  return hash;
}
