// v3electionpb.Election: an election is a queue of keys (key-queue.ts); the values are what the candidates say of
// themselves. Whose LeaderKey is no longer the one that stands is told so, whatever he asks.
import { KvError, bytesOf, keyOf } from "../base/index.ts";
import type { LeaseId, Revision } from "../base/index.ts";
import { Writer, bigintOf, clampedNumberOf, v3electionpb } from "../proto/index.ts";
import type { etcdserverpb } from "../proto/index.ts";
import type { BackendCalls } from "./backend-calls.ts";
import type { Backend, CallContext, Header } from "./backend.ts";
import { decoded } from "./decode.ts";
import { ElectionObserver, leaderAnswerBytes } from "./election-observer.ts";
import { writeHeader } from "./header.ts";
import { madeAt, oldestIn, prefixOf } from "./key-queue.ts";
import type { Entered, KeyQueue, Place } from "./key-queue.ts";
import { answering } from "./promised-answer.ts";
import { stream, unary } from "./service.ts";
import type { Method, ServiceTable } from "./service.ts";

const wire = v3electionpb;

export interface ElectionOptions {
  readonly backend: Pick<Backend, "watches" | "header">;
  readonly calls: BackendCalls;
  readonly queue: KeyQueue;
}

export function electionTable(options: ElectionOptions): ServiceTable {
  const { calls, queue } = options;
  return {
    "/v3electionpb.Election/Campaign": campaign(calls, queue),
    "/v3electionpb.Election/Proclaim": unary((bytes, call, reply) => {
      const { leader, value } = decoded(bytes, (reader) => wire.ProclaimRequest.decode(reader));
      const { lease, ...place } = placeOf(leader);
      answering(reply, async () => headerOnly(await proclaim(calls, place, lease, value, call)));
    }),
    "/v3electionpb.Election/Leader": unary((bytes, call, reply) => {
      const { name } = decoded(bytes, (reader) => wire.LeaderRequest.decode(reader));
      answering(reply, async () => {
        const { header, kv } = await oldestIn(calls, prefixOf(name), call);
        if (kv === undefined) {
          throw new KvError("nobody-elected", "not-applied", "nobody stands");
        }
        return leaderAnswerBytes(header, kv);
      });
    }),
    "/v3electionpb.Election/Observe": stream(
      (sink, call) => new ElectionObserver(options, sink, call),
    ),
    "/v3electionpb.Election/Resign": unary((bytes, call, reply) => {
      const { leader } = decoded(bytes, (reader) => wire.ResignRequest.decode(reader));
      const place = placeOf(leader);
      answering(reply, async () => headerOnly(await queue.leave(place, call)));
    }),
  };
}

function campaign(calls: BackendCalls, queue: KeyQueue): Method {
  return unary((bytes, call, reply) => {
    const request = decoded(bytes, (reader) => wire.CampaignRequest.decode(reader));
    const { name, value } = request;
    const lease = bigintOf(request.lease) as LeaseId;
    // Who stood already, with another value, now says this one.
    const onEntered = async (place: Entered): Promise<void> => {
      if (place.isNew || Buffer.compare(place.valueBefore, value) === 0) return;
      await proclaim(calls, place, lease, value, call);
    };
    answering(reply, async () => {
      const asked = { name, lease, value, expired: "campaign-expired", onEntered } as const;
      const turn = await queue.take(asked, call);
      const writer = new Writer();
      writeHeader(writer, turn.header, turn.header.revision);
      const key = bytesOf(turn.key);
      const leader = { name, key, rev: turn.createRevision, lease: turn.lease };
      return wire.CampaignResponse.encode({ leader }, writer).finish(true);
    });
  });
}

/** @throws {KvError} `not-elected` when the place is no more */
async function proclaim(
  calls: BackendCalls,
  place: Place,
  lease: LeaseId,
  value: Uint8Array,
  call: CallContext,
): Promise<Header> {
  const put: etcdserverpb.IPutRequest = { key: bytesOf(place.key), value };
  // A key that names no lease keeps the one it has.
  if (lease === 0n) put.ignore_lease = true;
  else put.lease = lease;
  const { header, value: txn } = await calls.txn(
    { compare: [madeAt(place.key, place.createRevision)], success: [{ request_put: put }] },
    call,
  );
  if (!txn.succeeded) throw new KvError("not-elected", "not-applied", "the key is no more");
  return header;
}

/** @throws {KvError} `leader-key-missing` */
function placeOf(
  leader: v3electionpb.ILeaderKey | null | undefined,
): Place & { readonly lease: LeaseId } {
  if (leader === null || leader === undefined) {
    throw new KvError("leader-key-missing", "not-applied", "no leader key");
  }
  return {
    key: keyOf(leader.key ?? NO_BYTES),
    createRevision: clampedNumberOf(leader.rev ?? 0) as Revision,
    lease: bigintOf(leader.lease ?? 0) as LeaseId,
  };
}

const NO_BYTES = new Uint8Array(0);

function headerOnly(header: Header): Uint8Array {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  return writer.finish(true);
}
