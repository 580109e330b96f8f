// Who a member says it is, and what the other side of a peer stream must be before a word is believed.
import type { NodeId } from "../base/index.ts";
import { KvError } from "../base/index.ts";
import type { Hello } from "./peer-codec.ts";
import type { PeerMessage } from "./peer-message.ts";

/** Of the peers' protocol. */
const VERSION = 1;

export interface PeerIdentity {
  readonly clusterId: bigint;
  /** The consensus group that node ids belong to. */
  readonly group: number;
  readonly node: NodeId;
  /** Issued by the cluster: a member whose disk was lost comes back with none that its peers accept (R10). */
  readonly incarnation: bigint;
}

export function helloTo(self: PeerIdentity, to: NodeId): Hello {
  const { clusterId, group, node, incarnation } = self;
  return { version: VERSION, clusterId, group, from: node, to, incarnation };
}

/**
 * Why a hello is refused by `self`; undefined: it is what it should be. `expected` is the sender's
 * incarnation by the member table; undefined: no such member.
 */
export function faultOf(
  hello: Hello,
  self: PeerIdentity,
  expected: bigint | undefined,
): string | undefined {
  const hex = (id: bigint): string => id.toString(16);
  if (hello.version !== VERSION) {
    return `peer protocol ${hello.version}; this member speaks ${VERSION}`;
  }
  if (hello.clusterId !== self.clusterId) {
    return `cluster ${hex(hello.clusterId)}; this member belongs to ${hex(self.clusterId)}`;
  }
  if (hello.group !== self.group) return `group ${hello.group}; this replica is of ${self.group}`;
  if (hello.to !== self.node) return `meant for node ${hello.to}; this is node ${self.node}`;
  if (expected === undefined) return `node ${hello.from} is not a member`;
  if (hello.incarnation !== expected) {
    return `incarnation ${hex(hello.incarnation)} of node ${hello.from}; the cluster knows ${hex(expected)}`;
  }
  return undefined;
}

/** The refusal of a whole stream. */
export function refusedPeer(fault: string): KvError {
  return new KvError("invalid-argument", "not-applied", `hansa: peer refused: ${fault}`);
}

/** Whether a message may come from this sender to `self`: nobody speaks for another. */
export function isFrom(message: PeerMessage, hello: Hello, self: PeerIdentity): boolean {
  if (message.kind !== "consensus") return message.from === hello.from;
  const { from, to, incarnation } = message.envelope;
  return from === hello.from && to === self.node && incarnation === hello.incarnation;
}
