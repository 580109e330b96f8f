// What a region that takes another's state says, and what it is given, between types and bytes. What is in a chunk is the
// federation's; here it is bytes.
import { unreachable } from "../base/index.ts";
import { BOOTSTRAP_LIMITS, CHAIN_HASH_BYTES, CONFIG_LIMITS } from "../federation/index.ts";
import type { BootstrapChunk, ExchangeHello, OriginId, Position } from "../federation/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import { decoded, invalid } from "./decode.ts";
import { helloOf, helloShape, positionOf } from "./region-codec.ts";
import { originOf } from "./region-vector.ts";

const wire = hansa.region.v1;

export interface TakeState {
  readonly hello: ExchangeHello;
  /** Of the document that admitted the speaker. */
  readonly admitted: number;
  /** Where its history of each open origin ends. */
  readonly positions: readonly Position[];
}

export type StatePart =
  | { readonly kind: "hello"; readonly hello: ExchangeHello }
  | { readonly kind: "chunk"; readonly chunk: BootstrapChunk }
  /** Its histories of these are not those that were stated: nothing is given. */
  | { readonly kind: "forks"; readonly origins: readonly OriginId[] }
  | { readonly kind: "end"; readonly count: number; readonly digest: Uint8Array };

export function takeStateBytes({ hello, admitted, positions }: TakeState): Uint8Array {
  const shape = { hello: helloShape(hello), admitted, positions: [...positions] };
  return wire.TakeState.encode(shape).finish();
}

/** @throws {KvError} `invalid-argument`, naming what is wrong. */
export function decodeTakeState(bytes: Uint8Array): TakeState {
  return decoded(bytes, (reader) => {
    const { hello, admitted, positions } = wire.TakeState.decode(reader);
    if (!hello) throw invalid("it has not said which region it is");
    const stated = atMost(positions, "positions").map(positionOf);
    return {
      ...{ hello: helloOf(hello), admitted: exactNumberOf(admitted, "admitted") },
      positions: stated,
    };
  });
}

/** Of each member of a federation one. */
function atMost<Item>(items: readonly Item[] | null | undefined, what: string): readonly Item[] {
  const count = items?.length ?? 0;
  const most = CONFIG_LIMITS.membersMax;
  if (count > most) throw invalid(`${count} ${what}; expected at most ${most}`);
  return items ?? [];
}

export function statePartBytes(part: StatePart): Uint8Array {
  switch (part.kind) {
    case "hello":
      return wire.StatePart.encode({ hello: helloShape(part.hello) }).finish();
    case "chunk":
      return wire.StatePart.encode({ chunk: part.chunk }).finish();
    case "forks":
      return wire.StatePart.encode({ forks: { origins: [...part.origins] } }).finish();
    case "end":
      return wire.StatePart.encode({ end: { count: part.count, digest: part.digest } }).finish();
    default:
      return unreachable(part);
  }
}

/** Undefined: a kind that a later version speaks. @throws {KvError} `invalid-argument`, naming what is wrong. */
export function decodeStatePart(bytes: Uint8Array): StatePart | undefined {
  return decoded(bytes, readStatePart);
}

function readStatePart(reader: Reader): StatePart | undefined {
  const { hello, chunk, end, forks } = wire.StatePart.decode(reader);
  if (hello) return { kind: "hello", hello: helloOf(hello) };
  if (chunk) return { kind: "chunk", chunk: chunkOf(chunk) };
  if (forks) {
    return {
      kind: "forks",
      origins: atMost(forks.origins, "origins of two histories").map(originOf),
    };
  }
  if (!end) return undefined;
  const count = exactNumberOf(end.count ?? 0, "count");
  return { kind: "end", count, digest: hashOf(end.digest, "a snapshot's digest") };
}

function chunkOf({ id, number, bytes }: hansa.region.v1.StateChunk.$Properties): BootstrapChunk {
  const length = bytes?.length ?? 0;
  if (!bytes || length === 0 || length > BOOTSTRAP_LIMITS.chunkBytesMax) {
    const most = BOOTSTRAP_LIMITS.chunkBytesMax;
    throw invalid(`a chunk of a state has ${length} bytes; expected 1 to ${most}`);
  }
  return {
    id: hashOf(id, "a snapshot's name"),
    number: exactNumberOf(number ?? 0, "number"),
    bytes,
  };
}

function hashOf(value: Uint8Array | null | undefined, what: string): Uint8Array {
  if (value?.length === CHAIN_HASH_BYTES) return value;
  throw invalid(`${what} has ${value?.length ?? 0} bytes; expected ${CHAIN_HASH_BYTES}`);
}
