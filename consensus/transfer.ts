// Handing leadership over (R13, Thesis 3.10): stop proposing, let the target catch up, tell it to campaign,
// and resume after an election timeout if it did not come to lead.
import type { LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import type { ProposeReject, ProposeResult } from "./contract.ts";
import type { ReplicaState } from "./replica-state.ts";

/** To itself it is done at once. A second transfer while one is under way is refused. */
export function beginTransfer(state: ReplicaState, node: NodeId): ProposeResult {
  const { leadership, id, leader, epoch, commit, config, now, options } = state;
  const refuse = (reason: ProposeReject): ProposeResult => ({
    ok: false,
    reason,
    ...(leader === 0 ? {} : { leader }),
  });
  if (leadership === undefined) return refuse(leader === 0 ? "no-leader" : "not-leader");
  const accepted = { ok: true, index: commit, epoch } as const;
  if (node === id) return accepted;
  if (!config.incoming.includes(node)) return refuse("bad-transferee");
  if (leadership.transfer?.to === node) return accepted;
  if (leadership.transfer !== undefined) return refuse("transferring");
  const untilMs = (now + options.electionTimeoutMs) as MonotonicMs;
  leadership.transfer = { to: node, untilMs, told: false };
  return accepted;
}

/** At a leader, at the end of a turn. `last`: what the target must hold to be elected. */
export function flushTransfer(state: ReplicaState, last: LogIndex): void {
  const { leading } = state;
  const { transfer } = leading;
  if (transfer === undefined || transfer.told) return;
  if ((leading.peers.get(transfer.to)?.match ?? 0) < last) return;
  transfer.told = true;
  leading.timeoutNowSent = true;
  state.emit(transfer.to, { kind: "timeout-now" });
}

/** The target does not lead in time, or is no voter any more: writes resume (scenario 85). */
export function expireTransfer(state: ReplicaState, now: MonotonicMs): void {
  const { leadership, config } = state;
  const transfer = leadership?.transfer;
  if (leadership === undefined || transfer === undefined) return;
  if (now < transfer.untilMs && config.incoming.includes(transfer.to)) return;
  leadership.transfer = undefined;
}
