// hansa.v1.Conflicts: what is in conflict and what was settled, for whoever may read the keys; and the record as it grows.
import { KvError } from "../base/index.ts";
import { hansa } from "../proto/index.ts";
import { countAsked, openBytes, placeAsked, rangeAsked, settledBytes } from "./conflict-codec.ts";
import { ConflictStream } from "./conflict-stream.ts";
import { decoded } from "./decode.ts";
import type { Conflicts, FederatedDesks } from "./federated-desks.ts";
import { stream, unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const wire = hansa.v1;

/** Streams at once; one more is refused. */
const STREAMS_MAX = 1_000;

export function conflictTable(desks: FederatedDesks): ServiceTable {
  const open = new Set<ConflictStream>();
  return {
    "/hansa.v1.Conflicts/ListOpen": unary((bytes, call, reply) => {
      const asked = decoded(bytes, (reader) => wire.ListOpenRequest.decode(reader));
      const range = rangeAsked(asked.keys);
      conflictsOf(desks).open(range, countAsked(asked.limit), call, (answer) => {
        reply(answer.ok ? openBytes(answer.header, answer.value) : answer.error);
      });
    }),
    "/hansa.v1.Conflicts/ListSettled": unary((bytes, call, reply) => {
      const wish = decoded(bytes, (reader) => {
        const asked = wire.ListSettledRequest.decode(reader);
        return { ...placeAsked(asked), countMax: countAsked(asked.limit) };
      });
      const conflicts = conflictsOf(desks);
      conflicts.settled(wish, call, (answer) => {
        reply(answer.ok ? settledBytes(answer.header, answer.value, conflicts) : answer.error);
      });
    }),
    "/hansa.v1.Conflicts/Watch": stream((sink, call) => {
      if (open.size >= STREAMS_MAX) {
        const problem = `hansa: ${open.size} streams of conflicts are open`;
        throw new KvError("too-many-requests", "not-applied", problem);
      }
      const made = new ConflictStream(conflictsOf(desks), sink, call, () => open.delete(made));
      open.add(made);
      return made;
    }),
  };
}

/** @throws {KvError} `federation-refused` */
function conflictsOf({ conflicts }: FederatedDesks): Conflicts {
  if (conflicts !== undefined) return conflicts;
  const problem = "hansa: this region is in no federation";
  throw new KvError("federation-refused", "not-applied", problem);
}
