// A replica without a log or peers, for what runs beside one: a command is applied to a machine as it is submitted,
// time goes on when the test says so, and the test says whether it leads and whom the table names.
import type { LogIndex, MemberId, MonotonicMs, NodeId } from "../../base/index.ts";
import type { Epoch, Status } from "../../consensus/index.ts";
import { storeCodec } from "../../rpc/index.ts";
import type { Command } from "../../server/commands.ts";
import type { Request } from "../../store/index.ts";
import { Host } from "../store/host.ts";

const EPOCH: Epoch = { config: 0, round: 1, node: 0 };

export class LoneReplica {
  readonly id: NodeId;
  readonly host = new Host();
  readonly snapshots = { progress: { sending: 0, receiving: false } };
  /** What was submitted, in order. */
  readonly submitted: Request[] = [];
  isLeader = true;
  nowMs = 0;
  readonly #members: ReadonlyMap<NodeId, MemberId>;

  constructor(id: number, members: readonly (readonly [node: number, id: bigint])[]) {
    this.id = id as NodeId;
    this.#members = new Map(members.map(([node, member]) => [node as NodeId, member as MemberId]));
  }

  get machine(): Host["machine"] {
    return this.host.machine;
  }

  now(): MonotonicMs {
    return this.nowMs as MonotonicMs;
  }

  idOf(node: NodeId): MemberId | undefined {
    return this.#members.get(node);
  }

  submit({ kind, body, done }: Command): void {
    const request = storeCodec.decodeRequest(kind, body);
    this.submitted.push(request);
    done({ ok: true, response: this.host.run(request) });
  }

  status(): Status {
    const incoming = [...this.#members.keys()];
    const nothing = 0 as LogIndex;
    const members = incoming.map((node) => ({
      node,
      id: this.#members.get(node) ?? (0n as MemberId),
      incarnation: 1n,
      name: `n${node}`,
      peerUrls: [],
      clientUrls: [],
      votesNext: false,
    }));
    return {
      role: this.isLeader ? "leader" : "follower",
      epoch: EPOCH,
      ...(this.isLeader ? { leader: this.id } : {}),
      committed: this.machine.applied,
      durable: this.machine.applied,
      applied: this.machine.applied,
      config: {
        index: nothing,
        incoming,
        learners: [],
        leaseMs: 1_000,
        roster: { nodeLast: this.id, members },
      },
    };
  }
}
