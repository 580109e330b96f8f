// A member whose log is damaged, from its boot until the log is whole: it neither votes nor acknowledges nor
// campaigns nor proposes, because it may have acknowledged what is damaged. It asks the others for exactly
// the entries that are lost, by name; where damage has swallowed names, or a leader's log lacks one, it
// copies a leader's whole log instead. Meanwhile it answers such questions itself from what is whole here,
// so that damage in different places on every member is mended too (scenarios 75, 76).
import { assert, logIndex } from "../base/index.ts";
import type { BootNonce, LogIndex, MonotonicMs, NodeId } from "../base/index.ts";
import { compareEpochs, sameEpoch } from "../consensus/index.ts";
import type { Entry, Envelope, Epoch, SnapshotMeta } from "../consensus/index.ts";
import type { ConsensusMessage, PeerMessage, RepairMessage, RepairSource } from "../rpc/index.ts";
import type {
  DamagedLog,
  DiskFailure,
  LogFoundation,
  LogMending,
  LostEntry,
} from "../store/index.ts";
import type { ProtocolName } from "./cluster.ts";
import type { ReplicaLimits } from "./limits.ts";
import type { Journal } from "./ports.ts";

export interface LogMenderInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  readonly boot: BootNonce;
  readonly protocol: ProtocolName;
  readonly damaged: DamagedLog;
  /** Everybody else who may have entries of this group; at least one. */
  readonly peers: readonly NodeId[];
  readonly limits: ReplicaLimits;
  readonly now: () => MonotonicMs;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  readonly journal: Journal;
  /** Once: the log is whole and can be opened, or the disk failed. */
  readonly done: (failure: DiskFailure | undefined) => void;
}

type RepairWanted = Extract<RepairMessage, { kind: "repair-wanted" }>;
type RepairGiven = Extract<RepairMessage, { kind: "repair-given" }>;

interface Asked {
  readonly counter: number;
  readonly atMs: MonotonicMs;
  readonly to: NodeId;
}

/** A leader whose log is copied. */
interface Copied {
  readonly leader: NodeId;
  readonly epoch: Epoch;
}

/** Between two lines about a mending that waits. */
const REPORT_EVERY_ASKS = 20;

export class LogMender {
  readonly #init: LogMenderInit;
  readonly #lost: readonly LostEntry[] | undefined;
  /** Of `#lost`: the first that is not written yet. */
  #lostAt = 0;
  /** Given and not written yet, by index. */
  readonly #given = new Map<number, Entry>();
  /** Names do not suffice: only a leader's log does. */
  #wantsCopy: boolean;
  #copied: Copied | undefined;
  /** It begins behind somebody's snapshot. */
  #raised = false;
  #mending: LogMending | undefined;
  /** The next index to write, and the last. */
  #cursor: LogIndex;
  #last: LogIndex;
  #asked: Asked | undefined;
  #askCount = 0;
  #answering = false;
  /** A disk operation is under way. */
  #busy = false;
  #ended = false;

  constructor(init: LogMenderInit) {
    const { damaged } = init;
    assert(init.peers.length > 0, "a log is mended from somebody");
    this.#init = init;
    this.#lost = damaged.lost;
    this.#wantsCopy = damaged.lost === undefined;
    this.#cursor = logIndex(damaged.foundation.meta.index + 1);
    this.#last = damaged.last;
  }

  /** Once done: the log is what it was, entry by entry; otherwise it is another's. */
  get restored(): boolean {
    return !this.#wantsCopy && !this.#raised;
  }

  begin(): void {
    const { damaged, journal } = this.#init;
    const lost = this.#lost?.length;
    journal.error("the log is damaged: this member does not vote until it is mended", {
      ...(lost === undefined ? {} : { entriesLost: lost }),
      index: damaged.last,
    });
    if (this.#wantsCopy) this.#ask();
    else this.#begin(damaged.foundation);
  }

  receive(message: PeerMessage): void {
    if (this.#ended) return;
    if (message.kind === "repair-wanted") this.#answer(message);
    if (message.kind === "repair-given") this.#onGiven(message);
    if (message.kind === "consensus") this.#disown(message.envelope);
  }

  /**
   * A leader of an epoch before the promise here is told, as any member would tell it: its log may lack what
   * was acknowledged since, so that only the log of its successor can be copied.
   */
  #disown({ from, epoch, body }: Envelope<ConsensusMessage>): void {
    const { id, incarnation, damaged, send } = this.#init;
    const { promised } = damaged.foundation;
    if (body.kind !== "heartbeat" || epoch.config !== promised.config) return;
    if (compareEpochs(epoch, promised) >= 0) return;
    const told = { from: id, to: from, incarnation, epoch: promised };
    send(from, { kind: "consensus", envelope: { ...told, body: { kind: "stale-epoch" } } });
  }

  /** To be called several times a second. */
  tick(): void {
    const asked = this.#asked;
    if (this.#ended || asked === undefined) return;
    const { limits, now } = this.#init;
    if (now() - asked.atMs >= limits.repairResendMs) this.#ask();
  }

  /** From what is whole here, in runs: the asker asks again for what is behind a run's end. */
  #answer({ from, id, names }: RepairWanted): void {
    const { damaged, limits, send } = this.#init;
    const [first] = names;
    if (this.#answering || first === undefined) return;
    this.#answering = true;
    const until = logIndex(first.index + limits.repairEntriesMax);
    damaged.read(first.index, until, limits.repairBytesMax, (failure, read) => {
      this.#answering = false;
      if (this.#ended) return;
      // A place that cannot be read is one more that is damaged: it is the next boot's to find.
      const entries = failure === undefined ? read.filter((entry) => isNamed(names, entry)) : [];
      send(from, { kind: "repair-given", from: this.#init.id, id, entries });
    });
  }

  /** The next question goes to the next member. */
  #ask(): void {
    const { id, boot, peers, damaged, now, send, limits, journal } = this.#init;
    const copied = this.#copied;
    const to = copied?.leader ?? peers[this.#askCount % peers.length];
    assert(to !== undefined, "there is somebody to ask");
    this.#askCount += 1;
    this.#asked = { counter: this.#askCount, atMs: now(), to };
    if (this.#askCount % REPORT_EVERY_ASKS === 0) {
      const what = this.#wantsCopy ? "a leader's log" : "an entry";
      journal.warn(`the log is damaged: still asking for ${what}`, {
        from: to,
        index: this.#cursor,
      });
    }
    const lost = this.#wantsCopy ? [] : (this.#lost ?? []);
    const names = lost
      .slice(this.#lostAt, this.#lostAt + limits.repairEntriesMax)
      .filter(({ index }) => !this.#given.has(index));
    const promised = copied?.epoch ?? damaged.foundation.promised;
    const question = { names, promised, logFrom: this.#cursor };
    const wireId = { boot, counter: this.#askCount };
    send(to, { kind: "repair-wanted", from: id, id: wireId, ...question });
  }

  #onGiven(given: RepairGiven): void {
    const asked = this.#asked;
    const { boot, damaged } = this.#init;
    if (given.id.boot !== boot || given.id.counter !== asked?.counter) return;
    if (this.#busy || given.from !== asked.to) return;
    this.#asked = undefined;
    if (this.#copied !== undefined) {
      this.#onCopied(this.#copied, given);
      return;
    }
    for (const entry of this.#wantsCopy ? [] : given.entries) {
      if (damaged.isLost(entry)) this.#given.set(entry.index, entry);
    }
    const { floor } = given;
    if (this.#given.has(this.#cursor)) this.#advance();
    else if (!this.#wantsCopy && floor !== undefined && floor.index >= this.#cursor) {
      this.#raiseFloor(floor);
    } else if (given.source !== undefined) this.#copyFrom(given.from, given.source);
    else this.#askLater();
  }

  /** Nobody has answered in vain at once: the question goes on at the next tick. */
  #askLater(): void {
    const { limits, now, peers } = this.#init;
    const to = peers[0];
    assert(to !== undefined, "there is somebody to ask");
    // The first round goes from member to member without a pause.
    if (this.#askCount < peers.length) this.#ask();
    else {
      const atMs = (now() - limits.repairResendMs / 2) as MonotonicMs;
      this.#asked = { counter: -1, atMs, to };
    }
  }

  /**
   * The leader's log through its last index holds all that this member can have acknowledged: it has not
   * voted since its log was damaged, so whatever was committed is in the log of any leader of an epoch that
   * is at least its own promise, and what it acknowledged in that very epoch is the leader's own.
   */
  #copyFrom(leader: NodeId, source: RepairSource): void {
    const { damaged, journal } = this.#init;
    const { foundation } = damaged;
    const { epoch, meta, last, committed } = source;
    if (compareEpochs(epoch, foundation.promised) < 0) {
      this.#askLater();
      return;
    }
    journal.warn("the log is damaged beyond its names: a leader's is copied", {
      from: leader,
      last,
    });
    this.#wantsCopy = true;
    this.#copied = { leader, epoch };
    this.#given.clear();
    this.#cursor = logIndex(meta.index + 1);
    this.#last = last;
    const same = sameEpoch(epoch, foundation.promised);
    this.#begin({
      meta,
      promised: epoch,
      votedFor: same ? foundation.votedFor : 0,
      commitHint: Math.max(foundation.commitHint, committed) as LogIndex,
    });
  }

  /**
   * What is lost is committed, and in somebody's state alone: the log goes on behind that state, which the
   * leader sends where the state here does not reach. As in an install, what conflicts with it goes (R15).
   */
  #raiseFloor(meta: SnapshotMeta): void {
    const { damaged, protocol, journal } = this.#init;
    const { foundation } = damaged;
    const held = damaged.epochAt(meta.index);
    // Slots are accepted each for itself; entries follow the one before them.
    const follows = protocol === "paxos" || (held !== undefined && sameEpoch(held, meta.epoch));
    const raised = compareEpochs(meta.epoch, foundation.promised) > 0;
    journal.warn("what the log lost is in snapshots only", { index: meta.index });
    this.#raised = true;
    this.#given.clear();
    this.#cursor = logIndex(meta.index + 1);
    this.#last = follows ? damaged.last : meta.index;
    const next = (this.#lost ?? []).findIndex(({ index }) => index > meta.index);
    this.#lostAt = next < 0 ? (this.#lost ?? []).length : next;
    this.#begin({
      meta,
      promised: raised ? meta.epoch : foundation.promised,
      votedFor: raised ? 0 : foundation.votedFor,
      commitHint: Math.max(foundation.commitHint, meta.index) as LogIndex,
    });
  }

  #onCopied(copied: Copied, { from, entries, source }: RepairGiven): void {
    const first = entries[0];
    const follows =
      source !== undefined &&
      from === copied.leader &&
      sameEpoch(source.epoch, copied.epoch) &&
      source.meta.index < this.#cursor;
    if (!follows) {
      // It leads no more, or has cut its log: from the beginning, with whoever leads.
      this.#copied = undefined;
      this.#mending = undefined;
      this.#ask();
    } else if (first?.index !== this.#cursor) {
      this.#askLater();
    } else {
      this.#write(entries.filter(({ index }) => index <= this.#last));
    }
  }

  #begin(foundation: LogFoundation): void {
    this.#busy = true;
    this.#mending = undefined;
    this.#init.damaged.mend(foundation, (failure, mending) => {
      this.#busy = false;
      this.#mending = mending;
      if (!this.#failed(failure)) this.#advance();
    });
  }

  /** The next thing to write, from here or from what was given, until there is none. */
  #advance(): void {
    const { damaged, limits } = this.#init;
    if (this.#cursor > this.#last) {
      this.#finish();
      return;
    }
    const given = this.#given.get(this.#cursor);
    if (given !== undefined) {
      this.#given.delete(this.#cursor);
      this.#lostAt += 1;
      this.#write([given]);
      return;
    }
    const lost = this.#lost?.[this.#lostAt];
    if (this.#copied !== undefined || lost?.index === this.#cursor) {
      this.#ask();
      return;
    }
    const until = lost?.index ?? logIndex(this.#last + 1);
    this.#busy = true;
    damaged.read(this.#cursor, until, limits.repairBytesMax, (failure, entries) => {
      this.#busy = false;
      if (this.#failed(failure)) return;
      if (entries.length > 0) this.#write(entries);
      else {
        // Slots that never held anything.
        this.#cursor = until;
        this.#advance();
      }
    });
  }

  #write(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    assert(last !== undefined && this.#mending !== undefined, "entries go into a log begun");
    this.#busy = true;
    this.#mending.add(entries, (failure) => {
      this.#busy = false;
      if (this.#failed(failure)) return;
      this.#cursor = logIndex(last.index + 1);
      this.#advance();
    });
  }

  #finish(): void {
    assert(this.#mending !== undefined, "what ends was begun");
    this.#busy = true;
    this.#mending.finish((failure) => {
      if (this.#failed(failure)) return;
      this.#ended = true;
      const entriesLost = this.#lost?.length;
      this.#init.journal.info("the log is mended", {
        ...(entriesLost === undefined ? {} : { entriesLost }),
        copied: this.#copied !== undefined,
        index: this.#last,
      });
      this.#init.done(undefined);
    });
  }

  #failed(failure: DiskFailure | undefined): boolean {
    if (failure === undefined || this.#ended) return this.#ended;
    this.#ended = true;
    this.#init.done(failure);
    return true;
  }
}

function isNamed(names: RepairWanted["names"], entry: Entry): boolean {
  return names.some(({ index, epoch }) => index === entry.index && sameEpoch(epoch, entry.epoch));
}
