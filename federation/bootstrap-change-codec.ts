// The bytes of the changes by which a region takes another's state in the place of its own, and of what goes with it
// (federation 10, 11). change-codec.ts has the codes.
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { bytesOf, keyOf, unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { BOOTSTRAP_LIMITS } from "./bootstrap-part.ts";
import { CHAIN_HASH_BYTES } from "./chain.ts";
import type { FederationChange } from "./change.ts";
import type { Identity } from "./config.ts";
import { readOrigin } from "./dot-codec.ts";

export type BootstrapChange = Extract<
  FederationChange,
  { readonly change: "bootstrap" | "install" | "unstage" | "draw" | "discard" }
>;

const IDENTITY = /^[0-9a-f]{32}$/;

export function writeBootstrapChange(writer: ByteWriter, change: BootstrapChange): void {
  switch (change.change) {
    case "bootstrap":
      writer.raw(change.chunk.id);
      writer.count(change.chunk.number);
      writer.bytes(change.chunk.bytes);
      break;
    case "install":
      writer.raw(change.id);
      writer.count(change.count);
      writer.raw(change.digest);
      break;
    case "unstage":
      break;
    case "draw":
      writer.bytes(bytesOf(change.incarnation as string as Key));
      break;
    case "discard":
      writer.count(change.origin);
      writer.count(change.through);
      break;
    default:
      unreachable(change);
  }
}

/** Views, as the reader gives them; fails as it does. */
export function readBootstrapChange(
  reader: ByteReader,
  change: BootstrapChange["change"],
): BootstrapChange {
  switch (change) {
    case "bootstrap": {
      const id = reader.raw("a snapshot's name", CHAIN_HASH_BYTES);
      const number = reader.count("a chunk's number");
      const bytes = reader.bytes("a chunk", BOOTSTRAP_LIMITS.chunkBytesMax);
      return { change, chunk: { id, number, bytes } };
    }
    case "install": {
      const id = reader.raw("a snapshot's name", CHAIN_HASH_BYTES);
      const count = reader.count("the count of chunks", 1);
      return { change, id, count, digest: reader.raw("a digest", CHAIN_HASH_BYTES) };
    }
    case "unstage":
      return { change };
    case "draw": {
      const incarnation = keyOf(reader.bytes("an incarnation", 64)) as string;
      if (!IDENTITY.test(incarnation)) throw reader.failure("the incarnation is no identity");
      return { change, incarnation: incarnation as Identity };
    }
    case "discard": {
      const origin = readOrigin(reader);
      return { change, origin, through: reader.count("a sequence", 1) };
    }
    default:
      return unreachable(change);
  }
}
