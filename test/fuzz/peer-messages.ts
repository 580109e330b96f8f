// Every message that peers can send, drawn at random: for round trips, and as the seed of hostile bytes.
import fc from "fast-check";
import type { BootNonce, LogIndex, MemberId, NodeId } from "../../base/index.ts";
import type {
  Entry,
  Epoch,
  Membership,
  ProposeReject,
  Roster,
  WireId,
} from "../../consensus/index.ts";
import { etcdserverpb, hansa } from "../../proto/index.ts";
import type { ConsensusMessage, PeerMessage } from "../../rpc/index.ts";
import { authChangeBytes } from "../../rpc/auth-change-codec.ts";
import { NOBODY, OWN_AUTHORITY } from "../../store/index.ts";
import type { Caller, RequestKind } from "../../store/index.ts";

const count = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());
const index = count.map((value) => value as LogIndex);
const node = fc.integer({ min: 1, max: 2 ** 40 }).map((value) => value as NodeId);
const nodes = fc.uniqueArray(node, { maxLength: 4 });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const wireId: fc.Arbitrary<WireId> = fc.record({
  boot: u64.map((value) => value as BootNonce),
  counter: count,
});
const epoch: fc.Arbitrary<Epoch> = fc.record({
  config: count,
  round: count,
  node: fc.oneof(fc.constant(0 as const), node),
});
const texts = fc.array(fc.string({ maxLength: 20 }), { maxLength: 2 });
const roster: fc.Arbitrary<Roster> = fc.record({
  nodeLast: node,
  members: fc.array(
    fc.record({
      node,
      id: u64.map((value) => value as MemberId),
      incarnation: u64,
      name: fc.string({ maxLength: 20 }),
      peerUrls: texts,
      clientUrls: texts,
      votesNext: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
});
const membership: fc.Arbitrary<Membership> = fc
  .record({
    roster: fc.option(roster, { nil: undefined }),
    index,
    incoming: fc.uniqueArray(node, { minLength: 1, maxLength: 4 }),
    learners: nodes,
    outgoing: fc.uniqueArray(node, { minLength: 1, maxLength: 4 }),
    learnersNext: fc.uniqueArray(node, { minLength: 1, maxLength: 2 }),
    leaseMs: fc.double({ min: 0.5, max: 1e6, noNaN: true }),
    joint: fc.boolean(),
  })
  .map(({ joint, outgoing, learnersNext, roster: table, ...simple }) => ({
    ...simple,
    ...(joint ? { outgoing, learnersNext } : undefined),
    ...(table === undefined ? undefined : { roster: table }),
  }));
const content = fc.oneof(
  fc.constant({ kind: "noop" as const }),
  fc.record({ kind: fc.constant("command" as const), data: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ kind: fc.constant("config" as const), config: membership }),
);

/** Consecutive from `first`. */
function entriesFrom(first: number): fc.Arbitrary<readonly Entry[]> {
  return fc.array(fc.tuple(epoch, content), { maxLength: 5 }).map((drawn) =>
    drawn.map(([entryEpoch, rest], at) => ({
      index: (first + at) as LogIndex,
      epoch: entryEpoch,
      ...rest,
    })),
  );
}

const appendEntries = fc.nat({ max: 2 ** 50 }).chain((prevIndex) =>
  fc.record({
    kind: fc.constant("append-entries" as const),
    prevIndex: fc.constant(prevIndex as LogIndex),
    prevTerm: count,
    entries: entriesFrom(prevIndex + 1),
    commit: index,
  }),
);
const consecutive = fc.integer({ min: 1, max: 2 ** 50 }).chain(entriesFrom);
const echo = fc.record({ stamp: wireId, index });
const granted = fc.boolean();

/** By kind, so that a kind without an arbitrary does not compile. */
const BODIES: {
  readonly [K in ConsensusMessage["kind"]]: fc.Arbitrary<Extract<ConsensusMessage, { kind: K }>>;
} = {
  "request-vote": fc.record({
    kind: fc.constant("request-vote" as const),
    lastIndex: index,
    lastTerm: count,
    transferTerm: count,
  }),
  vote: fc.record({ kind: fc.constant("vote" as const), granted }),
  "pre-vote": fc.record({
    kind: fc.constant("pre-vote" as const),
    poll: wireId,
    term: count,
    lastIndex: index,
    lastTerm: count,
  }),
  "pre-vote-answer": fc.record({
    kind: fc.constant("pre-vote-answer" as const),
    poll: wireId,
    granted,
  }),
  "append-entries": appendEntries,
  "append-ack": fc.record({ kind: fc.constant("append-ack" as const), match: index }),
  "append-reject": fc.record({
    kind: fc.constant("append-reject" as const),
    prevIndex: index,
    hintIndex: index,
    hintTerm: count,
  }),
  heartbeat: fc.record(
    { kind: fc.constant("heartbeat" as const), round: wireId, commit: index, echo },
    { requiredKeys: ["kind", "round", "commit"] },
  ),
  "heartbeat-ack": fc.record({
    kind: fc.constant("heartbeat-ack" as const),
    round: wireId,
    stamp: wireId,
  }),
  "commit-notice": fc.record({ kind: fc.constant("commit-notice" as const), commit: index }),
  "freshness-echo": fc.record({ kind: fc.constant("freshness-echo" as const), echo }),
  "read-index": fc.record({
    kind: fc.constant("read-index" as const),
    id: wireId,
    by: fc.constantFrom("round" as const, "barrier" as const),
  }),
  "read-index-answer": fc.record({
    kind: fc.constant("read-index-answer" as const),
    id: wireId,
    index,
  }),
  "timeout-now": fc.record({ kind: fc.constant("timeout-now" as const) }),
  "stale-epoch": fc.record({ kind: fc.constant("stale-epoch" as const) }),
  "leader-halted": fc.record({ kind: fc.constant("leader-halted" as const) }),
  prepare: fc.record(
    { kind: fc.constant("prepare" as const), from: index, leave: epoch },
    { requiredKeys: ["kind", "from"] },
  ),
  received: fc.record({
    kind: fc.constant("received" as const),
    from: index,
    until: index,
    chosen: index,
  }),
  "prepare-poll": fc.record({
    kind: fc.constant("prepare-poll" as const),
    poll: wireId,
    ballot: epoch,
  }),
  "prepare-poll-answer": fc.record({
    kind: fc.constant("prepare-poll-answer" as const),
    poll: wireId,
    granted,
  }),
  promise: consecutive.chain((entries) =>
    fc.record({
      kind: fc.constant("promise" as const),
      chosen: index,
      compactedTo: index,
      entries: fc.constant(entries.filter((_, at) => at % 2 === 0)),
    }),
  ),
  accept: fc.record({
    kind: fc.constant("accept" as const),
    entries: consecutive,
    chosen: index,
  }),
  accepted: fc.record({ kind: fc.constant("accepted" as const), from: index, until: index }),
  learn: fc.record({ kind: fc.constant("learn" as const), from: index }),
  chosen: fc.record({
    kind: fc.constant("chosen" as const),
    entries: consecutive,
    chosen: index,
  }),
  "read-slot": fc.record({ kind: fc.constant("read-slot" as const), id: wireId }),
  "read-slot-answer": fc.record({
    kind: fc.constant("read-slot-answer" as const),
    id: wireId,
    slot: index,
  }),
  fill: fc.record({ kind: fc.constant("fill" as const), through: index }),
};

const caller: fc.Arbitrary<Caller> = fc.oneof(
  fc.constantFrom(NOBODY, OWN_AUTHORITY),
  fc.record({ kind: fc.constant("user" as const), name: fc.constant("ann"), authRevision: index }),
);

/** A readable body for each kind of request. */
const REQUESTS: Readonly<Record<RequestKind, Uint8Array>> = {
  put: etcdserverpb.PutRequest.encode({ key: Uint8Array.of(1), value: Uint8Array.of(2) }).finish(),
  "delete-range": etcdserverpb.DeleteRangeRequest.encode({ key: Uint8Array.of(1) }).finish(),
  txn: etcdserverpb.TxnRequest.encode({ success: [{ request_put: {} }] }).finish(),
  compaction: etcdserverpb.CompactionRequest.encode({ revision: 5 }).finish(),
  "session-open": hansa.v1.SessionOpenRequest.encode({ ttl_ms: 5 }).finish(),
  "session-close": hansa.v1.SessionCloseRequest.encode({ session: 5 }).finish(),
  "lease-grant": etcdserverpb.LeaseGrantRequest.encode({ ID: 5, TTL: 5 }).finish(),
  "lease-revoke": etcdserverpb.LeaseRevokeRequest.encode({ ID: 5 }).finish(),
  "lease-renew": hansa.store.v1.LeaseRenewal.encode({ ids: [5] }).finish(),
  "lease-expire": new Uint8Array(0),
  auth: authChangeBytes({ kind: "user-grant", user: "ann", role: "reader" }),
  alarm: Uint8Array.of(8, 1, 16, 7, 24, 1),
  "alarm-finding": Uint8Array.of(8, 2, 16, 7, 24, 2),
  federation: Uint8Array.of(1, 2, 3),
};

const mark = fc.record({ index, epoch, config: membership });
const repairSource = fc.record({
  epoch,
  meta: mark,
  last: index,
  committed: index,
});
const repair: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({
    kind: fc.constant("repair-wanted" as const),
    from: node,
    id: wireId,
    names: fc.array(fc.record({ index, epoch }), { maxLength: 4 }),
    promised: epoch,
    logFrom: index,
  }),
  consecutive.chain((entries) =>
    fc.record(
      {
        kind: fc.constant("repair-given" as const),
        from: node,
        id: wireId,
        entries: fc.constant(entries),
        floor: mark,
        source: repairSource,
      },
      { requiredKeys: ["kind", "from", "id", "entries"] },
    ),
  ),
);

export const peerMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  { weight: 1, arbitrary: repair },
  { weight: 6, arbitrary: fc.oneof(...Object.values(BODIES)).chain(consensus) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...(Object.keys(REQUESTS) as RequestKind[])).chain((request) =>
      fc.record({
        kind: fc.constant("propose" as const),
        from: node,
        id: wireId,
        epoch,
        request: fc.constant(request),
        caller,
        body: fc.constant(Uint8Array.from(REQUESTS[request])),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("placed" as const), from: node, id: wireId, index }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        kind: fc.constant("refused" as const),
        from: node,
        id: wireId,
        reason: fc.constantFrom<ProposeReject>("not-leader", "uncommitted-full", "halted"),
        leader: node,
      },
      { requiredKeys: ["kind", "from", "id", "reason"] },
    ),
  },
);

function consensus(body: ConsensusMessage): fc.Arbitrary<PeerMessage> {
  return fc.record({
    kind: fc.constant("consensus" as const),
    envelope: fc.record({
      from: node,
      to: node,
      incarnation: u64,
      epoch,
      body: fc.constant(body),
    }),
  });
}
