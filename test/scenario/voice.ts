// How a transcript tells what the nodes do. WIRE tells every message and every write, for conversations of one
// protocol. FACTS tells what both protocols must agree on: who leads, what is applied, how reads and proposals end.
// Those are told by node, because the order in which nodes get there is the protocol's.
import type { LogIndex, NodeId } from "../../base/index.ts";
import type {
  Entry,
  Envelope,
  Membership,
  ProposalOutcome,
  ReadResult,
  Status,
  StorageOp,
} from "../../consensus/index.ts";
import {
  describeAge,
  describeConfig,
  describeEntries,
  describeEnvelope,
  describeEpoch,
  describeIndexes,
  describeMode,
  describeOp,
  describeOutcome,
  describeRead,
  describeStatus,
} from "./describe.ts";
import type { MemoryLog } from "./memory-log.ts";

/** Each says one thing that `node` does; undefined is not worth telling. */
export interface Voice {
  readonly byNode: boolean;
  /** Whether the change is worth telling. */
  differs(before: Status, after: Status): boolean;
  role(status: Status): string;
  /** With what the node has applied. */
  status(status: Status, applied: readonly Entry[]): string;
  config(config: Membership): string;
  message(envelope: Envelope<{ kind: string }>): string | undefined;
  flight(number: number, envelope: Envelope<{ kind: string }>): string;
  persists(ops: readonly StorageOp[]): string | undefined;
  applies(entries: readonly Entry[]): string | undefined;
  changesOver(index: LogIndex, applied: readonly Entry[]): string;
  wantsSnapshot(to: NodeId, index: LogIndex): string;
  loads(from: LogIndex, until: LogIndex): string | undefined;
  /** `text`: what was proposed. */
  outcome(outcome: ProposalOutcome, text: string): string;
  read(result: ReadResult, now: number, applied: readonly Entry[]): string;
  entries(entries: readonly Entry[]): string;
  disk(disk: MemoryLog): string;
}

export const WIRE: Voice = {
  byNode: false,
  differs: (before, after) =>
    before.role !== after.role ||
    before.epoch.round !== after.epoch.round ||
    before.leader !== after.leader,
  role: (status) => `is ${describeStatus(status)}`,
  status: (status) => `is ${describeStatus(status)}`,
  config: (config) => `${describeConfig(config)} of ${config.index}`,
  message: describeEnvelope,
  flight: (number, envelope) => `#${number} ${describeEnvelope(envelope)}`,
  persists: (ops) => `persists ${ops.map(describeOp).join("; ")}`,
  applies: (entries) => {
    const [first] = entries;
    const last = entries.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return `applies ${describeIndexes(first.index, last.index)}`;
  },
  changesOver: (index) => `changes over to the state at ${index}`,
  wantsSnapshot: (to, index) => `wants a snapshot at ${index} sent to ${to}`,
  loads: (from, until) => `loads ${from} until ${until}`,
  outcome: (outcome) => describeOutcome(outcome),
  read: (result, now) => describeRead(result, now),
  entries: describeEntries,
  disk: (disk) => {
    const promise = `promise ${describeEpoch(disk.promised)} vote ${disk.votedFor}`;
    return `${promise}, commit hint ${disk.commitHint}, ${describeEntries(disk.entries())}`;
  },
};

const decoder = new TextDecoder();

/** What messages of both protocols are for; of the others the name is the same in both. */
const PURPOSES: Readonly<Record<string, string>> = {
  "pre-vote": "poll",
  "prepare-poll": "poll",
  "pre-vote-answer": "poll-answer",
  "prepare-poll-answer": "poll-answer",
  "request-vote": "candidacy",
  prepare: "candidacy",
  vote: "backing",
  promise: "backing",
  "append-entries": "entries",
  accept: "entries",
  "append-ack": "entries-ack",
  accepted: "entries-ack",
};

export function purposeOf(kind: string): string {
  return PURPOSES[kind] ?? kind;
}

export const FACTS: Voice = {
  byNode: true,
  differs: (before, after) => describePart(before) !== describePart(after),
  role: describePart,
  status: (status, applied) => `${describePart(status)}, has applied ${textsOf(applied)}`,
  config: describeConfig,
  message: () => undefined,
  flight: (_number, { from, to, body }) => `${from} -> ${to} ${purposeOf(body.kind)}`,
  persists: () => undefined,
  applies: (entries) => {
    const texts = textsOf(entries);
    return texts === NOTHING ? undefined : `applies ${texts}`;
  },
  changesOver: (_index, applied) => `changes over to a state of ${textsOf(applied)}`,
  wantsSnapshot: (to) => `wants a snapshot sent to ${to}`,
  loads: () => "reads its own log",
  outcome: ({ fate }, text) => `proposal of ${text} ${fate}`,
  read: (result, now, applied) => {
    if (!result.ok) return describeRead(result, now);
    const { id, guarantee } = result;
    const seen = `sees ${textsOf(applied)}, age ${describeAge(result, now)}`;
    return `read ${id} granted: ${describeMode(result)}, ${guarantee}, ${seen}`;
  },
  entries: valuesOf,
  disk: (disk) => {
    const whom = disk.votedFor === 0 ? "nobody" : disk.votedFor;
    return `epoch ${disk.promised.round} promised to ${whom}, ${valuesOf(disk.entries())}`;
  },
};

const NOTHING = "nothing";

function describePart({ role, leader }: Status): string {
  if (role === "follower") return `follows ${leader ?? "nobody"}`;
  if (role === "learner") return `learns from ${leader ?? "nobody"}`;
  return { leader: "leads", candidate: "campaigns", halted: "is halted" }[role];
}

/** The commands alone: no-ops and configurations are the protocol's. */
function textsOf(entries: readonly Entry[]): string {
  const texts = entries.flatMap((entry) =>
    entry.kind === "command" ? [decoder.decode(entry.data)] : [],
  );
  return texts.length === 0 ? NOTHING : texts.join(" ");
}

function valuesOf(entries: readonly Entry[]): string {
  const values = entries.map((entry) => {
    const { kind, index } = entry;
    return `${index}:${kind === "command" ? decoder.decode(entry.data) : kind}`;
  });
  return values.length === 0 ? NOTHING : values.join(" ");
}

/** `node` 0: of no node. */
export interface Line {
  readonly node: number;
  readonly text: string;
}

export function tell({ node, text }: Line): string {
  return node === 0 ? text : `${node} ${text}`;
}

/** What one node applies in several steps is told in one. */
export function tellByNode(lines: readonly Line[]): readonly string[] {
  const told: Line[] = [];
  for (const line of [...lines].sort((left, right) => left.node - right.node)) {
    const before = told.at(-1);
    const goesOn =
      before?.node === line.node &&
      before.text.startsWith(APPLIES) &&
      line.text.startsWith(APPLIES);
    if (!goesOn) told.push(line);
    else told.splice(-1, 1, { ...line, text: `${before.text} ${line.text.slice(APPLIES.length)}` });
  }
  return told.map(tell);
}

const APPLIES = "applies ";
