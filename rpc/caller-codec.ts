// In whose name something is asked, between members.
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader, Writer } from "../proto/index.ts";
import { NAME_BYTES_MAX, NOBODY, OWN_AUTHORITY } from "../store/index.ts";
import type { Caller } from "../store/index.ts";

export function writeCaller(writer: Writer, field: number, caller: Caller): void {
  if (caller.kind === "nobody") return;
  writer.uint32((field << 3) | 2).fork();
  if (caller.kind === "server") writer.uint32(1 << 3).bool(true);
  else {
    writer.uint32((2 << 3) | 2).string(caller.name);
    writer.uint32(3 << 3).uint64(caller.authRevision);
  }
  writer.ldelim();
}

export function readCaller(reader: Reader): Caller {
  const wire = hansa.peer.v1.Caller.decode(reader, reader.len - reader.pos);
  if (wire.server) return OWN_AUTHORITY;
  if (wire.user === "") return NOBODY;
  if (wire.user.length > NAME_BYTES_MAX) throw new RangeError("a name that long is no user's");
  const authRevision = exactNumberOf(wire.auth_revision, "auth_revision");
  return { kind: "user", name: wire.user, authRevision };
}
