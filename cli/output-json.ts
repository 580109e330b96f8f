// JSON, one object a command: the wire's field names, zero fields left out, bytes as base64. Revisions and
// counts are numbers, as etcdctl prints them; ids use all 64 bits and are strings, because a JSON number is a
// double to most readers.
import type {
  DeleteAnswer,
  DeleteResult,
  Header,
  KeyValue,
  MemberState,
  MembersAnswer,
  PutAnswer,
  PutResult,
  RangeAnswer,
  RangeResult,
  ReadProof,
  RegionReach,
  StatusAnswer,
  WatchAnswer,
  WatchEvent,
} from "../client/index.ts";
import type { Output, PrintedTxn, TxnItem } from "./output.ts";

export type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

export class JsonOutput implements Output {
  range(answer: RangeAnswer): Uint8Array {
    return encoded({
      header: headerJson(answer.header),
      ...rangeJson(answer),
      ...(answer.proof === undefined ? {} : { proof: proofJson(answer.proof) }),
    });
  }

  put(answer: PutAnswer): Uint8Array {
    return encoded({ header: headerJson(answer.header), ...putJson(answer) });
  }

  del(answer: DeleteAnswer): Uint8Array {
    return encoded({ header: headerJson(answer.header), ...deleteJson(answer) });
  }

  txn(answer: PrintedTxn): Uint8Array {
    return encoded({
      header: headerJson(answer.header),
      ...nonZero({ succeeded: answer.succeeded, responses: answer.items.map(itemJson) }),
    });
  }

  compact(header: Header): Uint8Array {
    return encoded({ header: headerJson(header) });
  }

  members({ header, members }: MembersAnswer): Uint8Array {
    return encoded({
      header: headerJson(header),
      members: members.map((member) =>
        nonZero({
          ID: String(member.id),
          name: member.name,
          peerURLs: member.peerUrls,
          clientURLs: member.clientUrls,
          isLearner: member.isLearner,
        }),
      ),
    });
  }

  watch({ header, events, proof }: WatchAnswer): Uint8Array {
    return encoded({
      header: headerJson(header),
      ...nonZero({ events: events.map(eventJson) }),
      ...(proof === undefined ? {} : { proof: proofJson(proof) }),
    });
  }

  statuses(answers: readonly StatusAnswer[]): Uint8Array {
    return encoded(
      answers.map((answer) => ({
        Endpoint: answer.endpoint,
        Status: {
          header: headerJson(answer.header),
          ...nonZero({
            version: answer.version,
            dbSize: answer.dbSizeBytes,
            leader: idJson(answer.leader),
            raftIndex: answer.raftIndex,
            raftTerm: answer.header.raftTerm,
            raftAppliedIndex: answer.raftAppliedIndex,
            errors: answer.errors,
            dbSizeInUse: answer.dbSizeInUseBytes,
            isLearner: answer.isLearner,
          }),
          ...(answer.state === undefined ? {} : { state: stateJson(answer.state) }),
        },
      })),
    );
  }
}

export function headerJson(header: Header): Json {
  return nonZero({
    cluster_id: idJson(header.clusterId),
    member_id: idJson(header.memberId),
    revision: header.revision,
    raft_term: header.raftTerm,
    region: header.region,
    causal_token: header.causalToken === undefined ? "" : base64(header.causalToken),
    ...(header.reach === undefined ? {} : { regions: reachJson(header.reach) }),
    home: header.home ?? "",
  });
}

function reachJson({ outcome, asked, reached, sloppy, names }: RegionReach): Json {
  return { outcome, asked, reached, ...nonZero({ sloppy }), names: [...names] };
}

function proofJson(proof: ReadProof): Json {
  return {
    asked: proof.asked,
    used: proof.used,
    member_id: String(proof.memberId),
    role: proof.role,
    ...nonZero({ region: proof.region }),
    applied_index: proof.appliedIndex,
    revision: proof.revision,
    // Absent is unknown; 0 is a bound and stays.
    ...(proof.stalenessBoundMs === undefined ? {} : { staleness_bound_ms: proof.stalenessBoundMs }),
    clock_drift_max: proof.clockDriftMax,
  };
}

/** Whole, zeros included: what is not there is said. */
function stateJson(state: MemberState): Json {
  return {
    protocol: state.protocol,
    role: state.role,
    epoch: state.epoch,
    durable_index: state.durableIndex,
    config_index: state.configIndex,
    voters: state.voterCount,
    learners: state.learnerCount,
    changing: state.changing,
    transferee: idJson(state.transferee),
    snapshots_sent: state.snapshotsSent,
    snapshot_received: state.snapshotReceived,
    awaited_index: state.awaitedIndex,
  };
}

function rangeJson(range: RangeResult): Readonly<Record<string, Json>> {
  return nonZero({ kvs: range.kvs.map(pairJson), more: range.more, count: range.count });
}

function putJson(put: PutResult): Readonly<Record<string, Json>> {
  return put.prevKv === undefined ? {} : { prev_kv: pairJson(put.prevKv) };
}

function deleteJson(del: DeleteResult): Readonly<Record<string, Json>> {
  return nonZero({ deleted: del.deleted, prev_kvs: del.prevKvs.map(pairJson) });
}

function itemJson(item: TxnItem): Json {
  if (item.kind === "get") return { response_range: rangeJson(item.range) };
  if (item.kind === "put") return { response_put: putJson(item.put) };
  return { response_delete_range: deleteJson(item.del) };
}

function eventJson({ kind, kv, prevKv }: WatchEvent): Json {
  return {
    ...nonZero({ type: kind === "delete" ? "DELETE" : "" }),
    kv: pairJson(kv),
    ...(prevKv === undefined ? {} : { prev_kv: pairJson(prevKv) }),
  };
}

function pairJson(kv: KeyValue): Json {
  return nonZero({
    key: base64(kv.key),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: base64(kv.value),
    lease: idJson(kv.lease),
  });
}

/** "" for 0, so that an id that is not there is left out. */
function idJson(id: bigint): string {
  return id === 0n ? "" : String(id);
}

/** Without what proto3 leaves out: 0, false, "" and empty lists. */
export function nonZero(fields: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  const isZero = (value: Json): boolean =>
    value === 0 || value === false || value === "" || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isZero(value)));
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function encoded(value: Json): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
