// When a command may be proposed a second time: only once no entry can carry the first (R17). The core says
// so, by the epoch (Raft) or by the index alone (Paxos), and the driver knows no protocol.
import { beforeEach, describe, expect, test } from "@jest/globals";
import type { BootNonce, LogIndex, LogTimeMs, MonotonicMs, NodeId } from "../base/index.ts";
import { compareEpochs } from "../consensus/index.ts";
import type { Consensus, Entry, Epoch, ProposeResult, Status } from "../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../rpc/index.ts";
import { NOBODY } from "../store/index.ts";
import { CommandDesk } from "./commands.ts";
import type { CommandResult } from "./commands.ts";
import { REPLICA_LIMITS_DEFAULT } from "./limits.ts";

const SELF = 1 as NodeId;
const OTHER = 2 as NodeId;

function epochOf(round: number, node: NodeId | 0 = 0): Epoch {
  return { config: 0, round, node };
}

/** Takes every proposal while it leads; `behind` is its answer to canCommitBehind. */
class FakeCore {
  status: Status;
  behind: (committed: Entry, epoch: Epoch) => boolean = () => true;
  readonly proposed: LogIndex[] = [];

  constructor() {
    this.status = this.follow(epochOf(0), OTHER);
  }

  follow(epoch: Epoch, leader: NodeId): Status {
    const none = 0 as LogIndex;
    const config = { index: none, incoming: [SELF, OTHER], learners: [], leaseMs: 1 };
    const role = leader === SELF ? "leader" : "follower";
    this.status = { role, epoch, leader, committed: none, durable: none, applied: none, config };
    return this.status;
  }

  propose(): ProposeResult {
    const index = (this.proposed.length + 1) as LogIndex;
    this.proposed.push(index);
    return { ok: true, index, epoch: this.status.epoch };
  }

  get asConsensus(): Consensus<ConsensusMessage> {
    const used: Pick<Consensus<ConsensusMessage>, "status" | "propose" | "canCommitBehind"> = {
      status: () => this.status,
      propose: () => this.propose(),
      canCommitBehind: (committed, epoch) => this.behind(committed, epoch),
    };
    return used as Consensus<ConsensusMessage>;
  }
}

let core: FakeCore;
let sent: PeerMessage[];
let ended: CommandResult[];
let desk: CommandDesk;
let overloaded: boolean;

beforeEach(() => {
  overloaded = false;
  core = new FakeCore();
  sent = [];
  ended = [];
  desk = newDesk();
  core.follow(epochOf(1), SELF);
});

function newDesk(): CommandDesk {
  return new CommandDesk({
    id: SELF,
    boot: 7n as BootNonce,
    core: core.asConsensus,
    commandsWaitingMax: 10,
    now: () => 0 as MonotonicMs,
    logClock: { stamp: () => 0 as LogTimeMs, onApplied: () => undefined },
    overloaded: () => overloaded,
    send: (_to, message) => sent.push(message),
  });
}

function submit(): void {
  desk.submit({
    kind: "put",
    caller: NOBODY,
    body: new Uint8Array(),
    deadlineAtMs: 1000 as MonotonicMs,
    done: (result) => ended.push(result),
  });
}

function noop(index: number, epoch: Epoch): Entry {
  return { kind: "noop", index: index as LogIndex, epoch };
}

function placed(counter: number, index: number): Extract<PeerMessage, { kind: "placed" }> {
  const id = { boot: 7n as BootNonce, counter };
  return { kind: "placed", from: OTHER, id, index: index as LogIndex };
}

describe("a member whose apply is far behind", () => {
  test("refuses commands with etcd's words, its own and those of others", () => {
    overloaded = true;
    submit();
    const error = { code: "too-many-requests", message: "etcdserver: too many requests" };
    expect(ended).toMatchObject([{ ok: false, error: { ...error, outcome: "not-applied" } }]);
    const id = { boot: 9n as BootNonce, counter: 1 };
    const asked = { kind: "propose", from: OTHER, id, epoch: core.status.epoch } as const;
    const command = { request: "put", caller: NOBODY, body: new Uint8Array() } as const;
    desk.onPropose({ ...asked, ...command });
    expect(sent).toMatchObject([{ kind: "refused", reason: "uncommitted-full" }]);
    expect(REPLICA_LIMITS_DEFAULT.applyBacklogEntriesMax).toBe(5_000);
  });
});

describe("a command proposed in an epoch that has ended", () => {
  test("is not proposed again while the core says that it can still be committed", () => {
    submit();
    core.follow(epochOf(2, OTHER), OTHER);
    desk.onApplied(noop(1, epochOf(2, OTHER)), undefined);
    desk.retryParked();
    expect(desk.parkedCount).toBe(0);
    expect(sent).toEqual([]);
    desk.expire(1000 as MonotonicMs);
    expect(ended).toMatchObject([{ ok: false, error: { outcome: "unknown" } }]);
  });

  test("is proposed again once the core says that it cannot", () => {
    core.behind = (committed, epoch) => compareEpochs(epoch, committed.epoch) >= 0;
    submit();
    core.follow(epochOf(2), OTHER);
    desk.onApplied(noop(1, epochOf(2)), undefined);
    desk.retryParked();
    expect(sent).toMatchObject([{ kind: "propose", epoch: epochOf(2) }]);
    expect(ended).toEqual([]);
  });

  test("is proposed again when another entry took its index, and no other command is", () => {
    submit();
    submit();
    const epoch = core.status.epoch;
    core.follow(epochOf(2, OTHER), OTHER);
    desk.onOutcome({ index: 2 as LogIndex, epoch, fate: "lost" });
    desk.retryParked();
    expect(sent).toHaveLength(1);
    desk.onOutcome({ index: 1 as LogIndex, epoch, fate: "unknown" });
    expect(ended).toMatchObject([{ ok: false, error: { outcome: "unknown" } }]);
    expect(desk.waitingCount).toBe(1);
  });

  test("handed to the leader, it waits for its deadline if nobody can tell (Paxos)", () => {
    core.follow(epochOf(1, OTHER), OTHER);
    submit();
    core.follow(epochOf(2, OTHER), OTHER);
    desk.onApplied(noop(1, epochOf(2, OTHER)), undefined);
    desk.onOutcome({ index: 1 as LogIndex, epoch: epochOf(1, OTHER), fate: "lost" });
    desk.retryParked();
    expect(sent).toHaveLength(1);
    expect(desk.waitingCount).toBe(1);
  });

  test("handed to the leader, it is proposed again once another entry took the place it was given (Paxos)", () => {
    core.follow(epochOf(1, OTHER), OTHER);
    submit();
    submit();
    desk.onAnswer(placed(1, 4));
    desk.onAnswer(placed(2, 5));
    core.follow(epochOf(2, OTHER), OTHER);
    desk.onApplied(noop(4, epochOf(2, OTHER)), undefined);
    desk.retryParked();
    expect(sent).toHaveLength(3);
    expect(sent[2]).toMatchObject({
      kind: "propose",
      id: { counter: 3 },
      epoch: epochOf(2, OTHER),
    });
    desk.onApplied(noop(5, epochOf(2, OTHER)), undefined);
    expect(desk.parkedCount).toBe(1);
  });

  test("told of its place when that is applied already, it is proposed again at once", () => {
    core.follow(epochOf(1, OTHER), OTHER);
    submit();
    desk.onApplied(noop(4, epochOf(2, OTHER)), undefined);
    expect(desk.parkedCount).toBe(0);
    desk.onAnswer(placed(1, 4));
    expect(desk.parkedCount).toBe(1);
  });

  test("of an earlier boot, a place says nothing", () => {
    core.follow(epochOf(1, OTHER), OTHER);
    submit();
    desk.onApplied(noop(4, epochOf(2, OTHER)), undefined);
    desk.onAnswer({ ...placed(1, 4), id: { boot: 6n as BootNonce, counter: 1 } });
    expect(desk.parkedCount).toBe(0);
  });
});

describe("a command that another member hands over", () => {
  const handed = {
    kind: "propose",
    from: OTHER,
    id: { boot: 9n as BootNonce, counter: 1 },
    request: "put",
    caller: NOBODY,
    body: new Uint8Array(),
  } as const;

  test("is answered with its place where a later epoch may complete it (Paxos)", () => {
    core.follow(epochOf(1, SELF), SELF);
    desk.onPropose({ ...handed, epoch: epochOf(1, SELF) });
    expect(sent).toEqual([{ kind: "placed", from: SELF, id: handed.id, index: 1 }]);
  });

  test("is not refused where it may be a copy of one taken before a restart", () => {
    const restarted = newDesk();
    core.follow(epochOf(1), OTHER);
    restarted.onPropose({ ...handed, epoch: epochOf(1) });
    expect(sent).toEqual([]);
    restarted.onPropose({ ...handed, epoch: epochOf(2) });
    expect(sent).toMatchObject([{ kind: "refused", reason: "not-leader" }]);
  });

  test("is not where its epoch alone tells (Raft)", () => {
    desk.onPropose({ ...handed, epoch: epochOf(1) });
    expect(core.proposed).toEqual([1]);
    expect(sent).toEqual([]);
  });
});
