// Commands of this node's clients, from submission to answer: proposed here when this node leads, handed to
// the leader otherwise, parked while there is none. Each ends exactly once. The answer comes from this
// node's own apply of the entry, found by the origin that the entry carries.
import { KvError, present } from "../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import { compareEpochs, sameEpoch } from "../consensus/index.ts";
import type {
  Consensus,
  Entry,
  Epoch,
  ProposalOutcome,
  ProposeReject,
  WireId,
} from "../consensus/index.ts";
import type { ConsensusMessage, PeerMessage } from "../rpc/index.ts";
import { commandOrigin, encodeCommand } from "../store/index.ts";
import type { Caller, RequestKind, Response } from "../store/index.ts";
import { ForwardWindow } from "./forward-window.ts";
import type { LogClock } from "./log-clock.ts";
import type { ReplicaCounters } from "./replica-counters.ts";

export type CommandResult =
  | { readonly ok: true; readonly response: Response }
  | { readonly ok: false; readonly error: KvError };

export interface Command {
  readonly kind: RequestKind;
  readonly caller: Caller;
  readonly body: Uint8Array;
  readonly deadlineAtMs: MonotonicMs;
  readonly done: (result: CommandResult) => void;
}

type Asked = Pick<Command, "kind" | "caller" | "body">;

interface Waiting extends Command {
  /** The epoch it was proposed in or sent for; undefined while parked. */
  epoch: Epoch | undefined;
  /** Of the entry that carries it, where it is known. */
  index: LogIndex | undefined;
}

export interface CommandDeskInit {
  readonly id: NodeId;
  readonly boot: BootNonce;
  readonly core: Consensus<ConsensusMessage>;
  readonly commandsWaitingMax: number;
  readonly now: () => MonotonicMs;
  readonly logClock: Pick<LogClock, "stamp" | "onApplied">;
  /** Whether apply is so far behind that further commands must be refused. */
  readonly overloaded: () => boolean;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  readonly counters?: ReplicaCounters | undefined;
}

export class CommandDesk {
  readonly #init: CommandDeskInit;
  readonly #waiting = new Map<number, Waiting>();
  readonly #parked = new Set<number>();
  readonly #forwarded = new ForwardWindow();
  /** What this node led in an earlier life was of this epoch or an earlier one. */
  readonly #epochAtBoot: Epoch;
  /** Handed to a leader, by the index at which it proposed them. */
  readonly #placed = new Map<LogIndex, number[]>();
  #counter = 0;
  #epochApplied: Epoch | undefined;
  #lastApplied = 0 as LogIndex;

  constructor(init: CommandDeskInit) {
    this.#init = init;
    this.#epochAtBoot = init.core.status().epoch;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  get parkedCount(): number {
    return this.#parked.size;
  }

  submit(command: Command): void {
    if (this.#waiting.size >= this.#init.commandsWaitingMax || this.#init.overloaded()) {
      this.#init.counters?.onFailed();
      command.done({
        ok: false,
        error: refusal("too-many-requests", "etcdserver: too many requests"),
      });
      return;
    }
    this.#place({ ...command, epoch: undefined, index: undefined });
  }

  /** Gives the command a fresh id and the way that is open to it at this moment. */
  #place(command: Waiting): void {
    this.#counter += 1;
    const counter = this.#counter;
    this.#waiting.set(counter, command);
    command.index = undefined;
    const { core, id, boot, now, send } = this.#init;
    const status = core.status();
    if (status.role === "leader") {
      const data = this.#frame(command, id, { boot, counter }, status.epoch);
      const result = core.propose(data, now());
      if (result.ok) {
        command.epoch = result.epoch;
        command.index = result.index;
      } else this.#onRefused(counter, result.reason);
    } else if (status.leader !== undefined) {
      command.epoch = status.epoch;
      const wireId = { boot, counter };
      const { kind: request, caller, body } = command;
      send(status.leader, {
        kind: "propose",
        from: id,
        id: wireId,
        epoch: status.epoch,
        request,
        caller,
        body,
      });
    } else {
      command.epoch = undefined;
      this.#parked.add(counter);
    }
  }

  #frame({ kind, caller, body }: Asked, node: NodeId, id: WireId, epoch: Epoch): Uint8Array {
    return encodeCommand({
      kind,
      caller,
      stamp: { epoch, logTimeMs: this.#init.logClock.stamp(epoch) },
      origin: { node, ...id },
      body,
    });
  }

  /**
   * A proposal that another node hands to this one as the leader of `epoch`. Of an epoch that it may have
   * led before it was restarted it says nothing: the message may be a copy of one that it took then, and a
   * refusal would have the command written twice. The sender learns the fate from what is committed (R17).
   */
  onPropose(message: Extract<PeerMessage, { kind: "propose" }>): void {
    if (compareEpochs(message.epoch, this.#epochAtBoot) <= 0) return;
    if (!this.#forwarded.admit(message.from, message.id)) return;
    const { core, id, now, send } = this.#init;
    const status = core.status();
    const refuse = (reason: ProposeReject): void => {
      const leader = status.leader === undefined ? {} : { leader: status.leader };
      send(message.from, { kind: "refused", from: id, id: message.id, reason, ...leader });
    };
    if (status.role !== "leader" || !sameEpoch(status.epoch, message.epoch)) {
      refuse("not-leader");
    } else if (this.#init.overloaded()) {
      refuse("uncommitted-full");
    } else {
      const { request: kind, caller, body } = message;
      const data = this.#frame({ kind, caller, body }, message.from, message.id, status.epoch);
      const result = core.propose(data, now());
      if (!result.ok) refuse(result.reason);
      // A ballot, which names its proposer, may be completed by a later one: only the index tells (P4).
      else if (status.epoch.node !== 0) {
        send(message.from, { kind: "placed", from: id, id: message.id, index: result.index });
      }
    }
  }

  /** What the leader says of a command that was handed to it. */
  onAnswer(message: Extract<PeerMessage, { kind: "refused" | "placed" }>): void {
    const { boot, counter } = message.id;
    if (boot !== this.#init.boot) return;
    if (message.kind === "refused") this.#onRefused(counter, message.reason);
    else this.#onPlaced(counter, message.index);
  }

  #onPlaced(counter: number, index: LogIndex): void {
    const command = this.#waiting.get(counter);
    if (command?.epoch === undefined) return;
    command.index = index;
    this.#placed.set(index, [...(this.#placed.get(index) ?? []), counter]);
    if (index <= this.#lastApplied) this.#replacePlaced(index);
  }

  /** What is applied at `index` is not what was placed there, or that would have ended: it is lost (R17). */
  #replacePlaced(index: LogIndex): void {
    const counters = this.#placed.get(index);
    if (counters === undefined) return;
    this.#placed.delete(index);
    for (const counter of counters) {
      const command = this.#waiting.get(counter);
      if (command?.epoch !== undefined && command.index === index) this.#park(counter, command);
    }
  }

  /** A refused command is in no log: it may be placed again under a fresh id. */
  #onRefused(counter: number, reason: ProposeReject): void {
    const command = this.#waiting.get(counter);
    if (command === undefined) return;
    switch (reason) {
      case "uncommitted-full":
        this.#end(counter, {
          ok: false,
          error: refusal("too-many-requests", "etcdserver: too many requests"),
        });
        break;
      case "halted":
        this.#end(counter, {
          ok: false,
          error: refusal("server-stopped", "etcdserver: server stopped"),
        });
        break;
      case "not-leader":
      case "no-leader":
      case "transferring":
      case "config-pending":
      case "config-stale":
      case "no-commit-in-epoch":
      case "learner-behind":
      case "bad-transferee":
      case "too-many-voters":
      case "quorums-do-not-meet":
      case "sealed":
        this.#park(counter, command);
    }
  }

  /** Ends the command that `entry` carries if it is ours, and finds those that can no longer commit. */
  onApplied(entry: Entry, response: Response | undefined): void {
    this.#init.counters?.applied.onApplied(response);
    if (entry.kind === "command") {
      this.#init.logClock.onApplied();
      const origin = commandOrigin(entry.data);
      if (
        origin.node === this.#init.id &&
        origin.boot === this.#init.boot &&
        this.#waiting.has(origin.counter)
      ) {
        this.#end(origin.counter, {
          ok: true,
          response: present(response, "the response to a command"),
        });
      }
    }
    this.#lastApplied = entry.index;
    this.#replacePlaced(entry.index);
    if (this.#epochApplied !== undefined && sameEpoch(this.#epochApplied, entry.epoch)) return;
    this.#epochApplied = entry.epoch;
    this.#replaceLost(entry);
  }

  /**
   * A command that has not been met up to `committed`, and of whose epoch nothing more can be committed,
   * is in no entry and never will be (R17): it is placed again. Only the core knows what its protocol allows.
   */
  #replaceLost(committed: Entry): void {
    for (const [counter, command] of this.#waiting) {
      if (command.epoch === undefined) continue;
      if (!this.#init.core.canCommitBehind(committed, command.epoch)) this.#park(counter, command);
    }
  }

  /**
   * A proposal made here whose index another entry took is lost for good, and placed again; of one that is
   * `unknown` this node can no longer tell. What is committed shows in apply.
   */
  onOutcome({ fate, epoch, index }: ProposalOutcome): void {
    if (fate === "committed") return;
    for (const [counter, command] of this.#waiting) {
      const mine = command.index === undefined ? fate === "unknown" : command.index === index;
      if (!mine || command.epoch === undefined || !sameEpoch(command.epoch, epoch)) continue;
      if (fate === "lost") {
        this.#park(counter, command);
        continue;
      }
      const error = new KvError("leader-changed", "unknown", "etcdserver: leader changed");
      this.#end(counter, { ok: false, error });
    }
  }

  /** It is in no log: it waits to be placed again under a fresh id. */
  #park(counter: number, command: Waiting): void {
    command.epoch = undefined;
    command.index = undefined;
    this.#parked.add(counter);
  }

  /** A snapshot took the place of entries that are never met here: what was sent may be in one of them. */
  onStateReplaced(): void {
    this.#init.logClock.onApplied();
    this.#placed.clear();
    for (const [counter, command] of this.#waiting) {
      if (command.epoch === undefined) continue;
      const error = new KvError("leader-changed", "unknown", "etcdserver: leader changed");
      this.#end(counter, { ok: false, error });
    }
  }

  /** Places parked commands once there is a leader to place them with. */
  retryParked(): void {
    if (this.#parked.size === 0) return;
    const status = this.#init.core.status();
    if (status.role !== "leader" && status.leader === undefined) return;
    const counters = [...this.#parked];
    this.#parked.clear();
    for (const counter of counters) {
      const command = present(this.#waiting.get(counter), "a parked command");
      this.#waiting.delete(counter);
      this.#place(command);
    }
  }

  expire(now: MonotonicMs): void {
    for (const [counter, command] of this.#waiting) {
      if (command.deadlineAtMs > now) continue;
      this.#end(counter, {
        ok: false,
        error:
          command.epoch === undefined
            ? new KvError("no-leader", "not-applied", "etcdserver: no leader")
            : new KvError("timed-out", "unknown", "etcdserver: request timed out"),
      });
    }
  }

  /** Ends everything: parked commands were never sent, the others may yet commit. */
  stop(): void {
    for (const [counter, command] of this.#waiting) {
      const outcome = command.epoch === undefined ? "not-applied" : "unknown";
      const error = new KvError("server-stopped", outcome, "etcdserver: server stopped");
      this.#end(counter, { ok: false, error });
    }
  }

  #end(counter: number, result: CommandResult): void {
    const command = present(this.#waiting.get(counter), "the command that ends");
    this.#waiting.delete(counter);
    this.#parked.delete(counter);
    if (!result.ok) this.#init.counters?.onFailed();
    command.done(result);
  }
}

function refusal(code: "too-many-requests" | "server-stopped", message: string): KvError {
  return new KvError(code, "not-applied", message);
}
