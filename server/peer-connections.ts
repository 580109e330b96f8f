// The connections to the other members of the group, composed: to whom, what comes of a message, and what the
// operator is told. The member table says later who comes and goes.
import { randomBytes } from "node:crypto";
import { Mulberry32 } from "../base/index.ts";
import type { NodeId } from "../base/index.ts";
import { PEER_LIMITS_DEFAULT, PeerTransport } from "../rpc/index.ts";
import type {
  PeerAddress,
  PeerDialer,
  PeerEvent,
  PeerMessage,
  ServiceTable,
} from "../rpc/index.ts";
import { systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import type { Bootstrap, MemberSeed } from "./cluster.ts";
import { GROUP } from "./group.ts";
import type { ServerJournal } from "./journal.ts";
import type { PeerRoundTrips } from "./peer-round-trips.ts";
import type { Replica } from "./replica.ts";

export interface PeerConnectionsInit {
  readonly bootstrap: Bootstrap;
  /** What clients are served with here: calls that peers hand on end in it. */
  readonly services: ServiceTable;
  readonly dialer: PeerDialer;
  /** Filled once the replica stands; before that, while its log is mended, by who mends it. */
  readonly live: {
    readonly replica?: Replica;
    readonly mender?: ((message: PeerMessage) => void) | undefined;
  };
  readonly roundTrips: PeerRoundTrips;
  readonly journal: ServerJournal;
  readonly closers: Closers;
}

/** Begins to connect at once. */
export function openPeers(init: PeerConnectionsInit): PeerTransport {
  const { bootstrap, services, dialer, live, roundTrips, journal, closers } = init;
  const { self, clusterId, members } = bootstrap;
  const transport = new PeerTransport({
    self: { clusterId, group: GROUP, node: self.node, incarnation: self.incarnation },
    peers: peersOf(members, self.node),
    clientServices: services,
    dialer,
    limits: PEER_LIMITS_DEFAULT,
    monotonicMs: () => systemClock.monotonicMs(),
    random: new Mulberry32(randomBytes(4).readUInt32BE()),
    onMessages: (from, messages) => {
      roundTrips.onMessages(from, messages);
      // What comes before the replica stands is lost like any message; its sender sends again.
      for (const message of messages) {
        live.mender?.(message);
        live.replica?.receive(message);
      }
    },
    onUnreachable: (peer) => {
      live.replica?.unreachable(peer);
    },
    onEvent: peerReporter(journal, bootstrap),
  });
  closers.add("peers", (done) => {
    transport.close();
    done(undefined);
  });
  return transport;
}

/** Where everybody but `self` is to be found. */
export function peersOf(
  members: readonly Pick<MemberSeed, "node" | "peerUrls" | "incarnation">[],
  self: NodeId,
): Map<NodeId, PeerAddress> {
  const others = members.filter(({ node }) => node !== self);
  return new Map(
    others.map(({ node, peerUrls, incarnation }) => [node, { addresses: peerUrls, incarnation }]),
  );
}

/** A peer that was never there is no loss: at the first start of a cluster somebody is first. */
function peerReporter(journal: ServerJournal, bootstrap: Bootstrap): (event: PeerEvent) => void {
  const connected = new Set<NodeId>();
  return (event) => {
    const { kind, peer } = event;
    const seed = bootstrap.members.find((member) => member.node === peer);
    const about = { peer, peerName: seed?.name ?? "", group: GROUP };
    switch (kind) {
      case "connected":
        connected.add(peer);
        journal.info("peer connected", about);
        break;
      case "lost":
        if (connected.has(peer)) journal.warn("peer lost", { ...about, reason: event.reason });
        else journal.info("peer not there yet", { ...about, reason: event.reason });
        break;
      case "refused":
        journal.error("peer refused", { ...about, reason: event.reason });
        break;
    }
  };
}
