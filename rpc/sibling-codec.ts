// The siblings of a federated key as messages, for reads and for lists of conflicts.
import { hansa } from "../proto/index.ts";
import type { Writer } from "../proto/index.ts";
import type { KeySiblings, ShownSibling } from "./backend.ts";

/** As field 1002 of a RangeResponse. */
export function writeSiblings(writer: Writer, siblings: KeySiblings): void {
  writer.uint32((1002 << 3) | 2).fork();
  hansa.v1.KeySiblings.encode(siblingsShape(siblings), writer).ldelim();
}

export function siblingsShape(kept: KeySiblings): hansa.v1.IKeySiblings {
  const { policy, kind, siblings, context, rights } = kept;
  return { policy, kind, siblings: siblings.map(siblingShape), context, rights };
}

function siblingShape({ dot, region, wallMs, value, valueBytes }: ShownSibling): hansa.v1.ISibling {
  return {
    dot: { origin: dot.origin, sequence: dot.sequence },
    region,
    wall_ms: wallMs,
    ...(value && { value }),
    value_bytes: valueBytes,
  };
}
