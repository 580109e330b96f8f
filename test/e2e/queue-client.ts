// The Lock and Election services of one endpoint, as they are on the wire.
import { v3electionpb, v3lockpb } from "../../proto/index.ts";
import { WireClient, bytes } from "./wire-client.ts";
import type { WireSecurity } from "./wire-client.ts";

const WAIT_MS_MAX = 30_000;

export class QueueClient {
  readonly #client: WireClient;

  constructor(endpoint: string, tls?: WireSecurity) {
    this.#client = new WireClient(endpoint, tls);
  }

  close(): void {
    this.#client.close();
  }

  lock(name: string, lease: bigint, deadlineMs = WAIT_MS_MAX) {
    const codec = { request: v3lockpb.LockRequest, answer: v3lockpb.LockResponse };
    const request = { name: bytes(name), lease };
    return this.#client.call("/v3lockpb.Lock/Lock", codec, request, deadlineMs);
  }

  unlock(key: Uint8Array | null | undefined) {
    const codec = { request: v3lockpb.UnlockRequest, answer: v3lockpb.UnlockResponse };
    const request = { key: key ?? bytes("") };
    return this.#client.call("/v3lockpb.Lock/Unlock", codec, request, WAIT_MS_MAX);
  }

  campaign(name: string, lease: bigint, value: string) {
    const codec = { request: v3electionpb.CampaignRequest, answer: v3electionpb.CampaignResponse };
    const request = { name: bytes(name), lease, value: bytes(value) };
    return this.#client.call("/v3electionpb.Election/Campaign", codec, request, WAIT_MS_MAX);
  }

  proclaim(leader: v3electionpb.ILeaderKey | undefined, value: string) {
    const codec = { request: v3electionpb.ProclaimRequest, answer: v3electionpb.ProclaimResponse };
    const request = { ...(leader === undefined ? {} : { leader }), value: bytes(value) };
    return this.#client.call("/v3electionpb.Election/Proclaim", codec, request, WAIT_MS_MAX);
  }

  leader(name: string) {
    const codec = { request: v3electionpb.LeaderRequest, answer: v3electionpb.LeaderResponse };
    const request = { name: bytes(name) };
    return this.#client.call("/v3electionpb.Election/Leader", codec, request, WAIT_MS_MAX);
  }

  resign(leader: v3electionpb.ILeaderKey | undefined) {
    const codec = { request: v3electionpb.ResignRequest, answer: v3electionpb.ResignResponse };
    const request = leader === undefined ? {} : { leader };
    return this.#client.call("/v3electionpb.Election/Resign", codec, request, WAIT_MS_MAX);
  }
}
