// etcdctl's "fields" format: a `"Name" : value` line for each field, text quoted as Go quotes it. Names that only
// Hansa has stand behind etcdctl's.
import type {
  DeleteAnswer,
  DeleteResult,
  Header,
  KeyValue,
  MembersAnswer,
  PutAnswer,
  PutResult,
  RangeAnswer,
  RangeResult,
  ReadProof,
  StatusAnswer,
  WatchAnswer,
} from "../client/index.ts";
import { base64 } from "./output-json.ts";
import type { Output, PrintedTxn, TxnItem } from "./output.ts";
import { FIELDS_END, fieldLines } from "./view.ts";
import type { Field } from "./view.ts";

export class FieldsOutput implements Output {
  range(answer: RangeAnswer): Uint8Array {
    return fieldLines([
      ...headerFields(answer.header),
      ...rangeFields(answer),
      ...(answer.proof === undefined ? [] : proofFields(answer.proof)),
    ]);
  }

  put(answer: PutAnswer): Uint8Array {
    return fieldLines([...headerFields(answer.header), ...putFields(answer)]);
  }

  del(answer: DeleteAnswer): Uint8Array {
    return fieldLines([...headerFields(answer.header), ...deleteFields(answer)]);
  }

  txn(answer: PrintedTxn): Uint8Array {
    return fieldLines([
      ...headerFields(answer.header),
      ["Succeeded", answer.succeeded],
      ...answer.items.flatMap((item) => itemFields(item)),
    ]);
  }

  compact(header: Header, revision: number): Uint8Array {
    return fieldLines([...headerFields(header), ["CompactRevision", revision]]);
  }

  members({ header, members }: MembersAnswer): Uint8Array {
    return fieldLines([
      ...headerFields(header),
      ...members.flatMap((member): Field[] => [
        ["ID", member.id],
        ["Name", member.name],
        ...member.peerUrls.map((url): Field => ["PeerURL", url]),
        ...member.clientUrls.map((url): Field => ["ClientURL", url]),
        ["IsLearner", member.isLearner],
        FIELDS_END,
      ]),
    ]);
  }

  watch({ header, events, proof }: WatchAnswer): Uint8Array {
    return fieldLines([
      ...headerFields(header),
      ...events.flatMap(({ kind, kv, prevKv }): Field[] => [
        ["Type", kind === "delete" ? "DELETE" : "PUT"],
        ...(prevKv === undefined ? [] : pairFields("Prev", prevKv)),
        ...pairFields("", kv),
      ]),
      ...(proof === undefined ? [] : proofFields(proof)),
    ]);
  }

  statuses(answers: readonly StatusAnswer[]): Uint8Array {
    return fieldLines(answers.flatMap(statusFields));
  }
}

export function headerFields(header: Header): Field[] {
  const { causalToken, reach, home } = header;
  return [
    ["ClusterID", header.clusterId],
    ["MemberID", header.memberId],
    ["Revision", header.revision],
    ["RaftTerm", header.raftTerm],
    ...(causalToken === undefined ? [] : [["CausalToken", base64(causalToken)] satisfies Field]),
    ...(reach === undefined
      ? []
      : ([
          ["RegionsOutcome", reach.outcome],
          ["RegionsAsked", reach.asked],
          ["RegionsReached", reach.reached],
          ["RegionsSloppy", reach.sloppy],
          ["Regions", reach.names],
        ] satisfies Field[])),
    ...(home === undefined ? [] : [["Home", home] satisfies Field]),
  ];
}

function itemFields(item: TxnItem): Field[] {
  if (item.kind === "get") return rangeFields(item.range);
  return item.kind === "put" ? putFields(item.put) : deleteFields(item.del);
}

function rangeFields(range: RangeResult): Field[] {
  const pairs = range.kvs.flatMap((kv) => pairFields("", kv));
  return [...pairs, ["More", range.more], ["Count", range.count]];
}

function putFields({ prevKv }: PutResult): Field[] {
  return prevKv === undefined ? [] : pairFields("Prev", prevKv);
}

function deleteFields({ deleted, prevKvs }: DeleteResult): Field[] {
  return [["Deleted", deleted], ...prevKvs.flatMap((kv) => pairFields("Prev", kv))];
}

/** Quoted as text, whatever --hex says, as etcdctl has it. */
function pairFields(prefix: string, kv: KeyValue): Field[] {
  return [
    [`${prefix}Key`, kv.key],
    [`${prefix}CreateRevision`, kv.createRevision],
    [`${prefix}ModRevision`, kv.modRevision],
    [`${prefix}Version`, kv.version],
    [`${prefix}Value`, kv.value],
    [`${prefix}Lease`, kv.lease],
  ];
}

function statusFields(answer: StatusAnswer): Field[] {
  const { state } = answer;
  return [
    ...headerFields(answer.header),
    ["Version", answer.version],
    ["DBSize", answer.dbSizeBytes],
    ["Leader", answer.leader],
    ["IsLearner", answer.isLearner],
    ["RaftIndex", answer.raftIndex],
    ["RaftTerm", answer.header.raftTerm],
    ["RaftAppliedIndex", answer.raftAppliedIndex],
    ["Errors", answer.errors],
    ["Endpoint", answer.endpoint],
    ...(state === undefined
      ? []
      : ([
          ["Protocol", state.protocol],
          ["Role", state.role],
          ["DurableIndex", state.durableIndex],
          ["Voters", state.voterCount],
          ["Learners", state.learnerCount],
        ] satisfies Field[])),
    FIELDS_END,
  ];
}

function proofFields(proof: ReadProof): Field[] {
  return [
    ["ReadAsked", proof.asked],
    ["ReadUsed", proof.used],
    ["ReadMember", proof.memberId],
    ["ReadRole", proof.role],
    ["ReadRevision", proof.revision],
    ["ReadAppliedIndex", proof.appliedIndex],
    // Absent is unknown; 0 is a bound and stays.
    ...(proof.stalenessBoundMs === undefined
      ? []
      : [["ReadStalenessBoundMs", proof.stalenessBoundMs] satisfies Field]),
    ["ReadClockDriftMax", proof.clockDriftMax],
  ];
}
