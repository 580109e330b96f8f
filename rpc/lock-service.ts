// v3lockpb.Lock: a lock is a queue of keys (key-queue.ts), held for as long as the key that is answered exists.
import { bytesOf, keyOf } from "../base/index.ts";
import type { LeaseId } from "../base/index.ts";
import { Writer, bigintOf, v3lockpb } from "../proto/index.ts";
import type { BackendCalls } from "./backend-calls.ts";
import { decoded } from "./decode.ts";
import { writeHeader } from "./header.ts";
import type { KeyQueue } from "./key-queue.ts";
import { answering } from "./promised-answer.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const NO_BYTES = new Uint8Array(0);

export function lockTable(queue: KeyQueue, calls: BackendCalls): ServiceTable {
  return {
    "/v3lockpb.Lock/Lock": unary((bytes, call, reply) => {
      const request = decoded(bytes, (reader) => v3lockpb.LockRequest.decode(reader));
      const { name } = request;
      const lease = bigintOf(request.lease) as LeaseId;
      answering(reply, async () => {
        const asked = { name, lease, value: NO_BYTES, expired: "lock-expired" } as const;
        const { header, key, createRevision } = await queue.take(asked, call);
        const writer = new Writer();
        writeHeader(writer, header, header.revision);
        const answer = { key: bytesOf(key), create_revision: createRevision };
        return v3lockpb.LockResponse.encode(answer, writer).finish(true);
      });
    }),
    "/v3lockpb.Lock/Unlock": unary((bytes, call, reply) => {
      const { key } = decoded(bytes, (reader) => v3lockpb.UnlockRequest.decode(reader));
      answering(reply, async () => {
        const header = await calls.deleteKey(keyOf(key), call);
        const writer = new Writer();
        writeHeader(writer, header, header.revision);
        return writer.finish(true);
      });
    }),
  };
}
