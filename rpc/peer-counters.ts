// What passed between this member and one peer, as plain numbers for whoever exports metrics.

export interface PeerCounters {
  connected: boolean;
  connects: number;
  sentMessages: number;
  sentBytes: number;
  /** Messages that found no open stream or no room in the queue. */
  droppedMessages: number;
  receivedMessages: number;
  receivedBytes: number;
  /** Streams ended because the peer was not what it should be, or sent what is no message. */
  refusedStreams: number;
}

export function peerCounters(): PeerCounters {
  return {
    connected: false,
    connects: 0,
    sentMessages: 0,
    sentBytes: 0,
    droppedMessages: 0,
    receivedMessages: 0,
    receivedBytes: 0,
    refusedStreams: 0,
  };
}
