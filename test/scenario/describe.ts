// How transcripts spell what passes between nodes: any protocol's messages, without knowing them.
import type { LogIndex } from "../../base/index.ts";
import type {
  Entry,
  Envelope,
  Epoch,
  Membership,
  ProposalOutcome,
  ReadGrant,
  ReadResult,
  Status,
  StorageOp,
} from "../../consensus/index.ts";

const decoder = new TextDecoder();

/** `t3` for Raft, `config.round.node` for Paxos. */
export function describeEpoch({ config, round, node }: Epoch): string {
  return config === 0 && node === 0 ? `t${round}` : `${config}.${round}.${node}`;
}

function describeEntry(entry: Entry): string {
  const head = `${entry.index}:${describeEpoch(entry.epoch)}`;
  if (entry.kind === "command") return `${head} "${decoder.decode(entry.data)}"`;
  if (entry.kind === "config") return `${head} ${describeConfig(entry.config)}`;
  return `${head} noop`;
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.length === 0 ? "none" : entries.map(describeEntry).join(", ");
}

export function describeConfig(config: Membership): string {
  const { incoming, outgoing, learners, learnersNext = [] } = config;
  const joint = outgoing === undefined ? "" : ` outgoing ${outgoing.join(" ")}`;
  const taught = learners.length === 0 ? "" : ` learners ${learners.join(" ")}`;
  const next = learnersNext.length === 0 ? "" : ` learners-next ${learnersNext.join(" ")}`;
  return `config(${incoming.join(" ")}${joint}${taught}${next})`;
}

export function describeEnvelope({ from, to, epoch, body }: Envelope<{ kind: string }>): string {
  const fields = Object.entries(body)
    .filter(([name]) => name !== "kind")
    .map(([name, value]) => ` ${name}=${describeValue(value)}`);
  return `${from} -> ${to} ${body.kind} ${describeEpoch(epoch)}${fields.join("")}`;
}

export function describeOp(op: StorageOp): string {
  switch (op.op) {
    case "append":
      return `append ${describeEntries(op.entries)}`;
    case "put":
      return `put ${describeEntry(op.entry)}`;
    case "truncate-from":
      return `truncate from ${op.index}`;
    case "promise":
      return `promise ${describeEpoch(op.promised)} vote ${op.votedFor}`;
    case "commit-hint":
      return `commit hint ${op.index}`;
    case "install-snapshot":
      return `install snapshot ${op.meta.index}`;
    case "compact-to":
      return `compact to ${op.meta.index}`;
  }
}

/** Fresh instants are told as their age at `now`. */
export function describeRead(result: ReadResult, now: number): string {
  if (!result.ok) {
    const hint = result.leader === undefined ? "" : ` (leader ${result.leader})`;
    return `read ${result.id} refused: ${result.reason}${hint}`;
  }
  const { id, index, guarantee } = result;
  const how = describeMode(result);
  return `read ${id} granted: ${how}, index ${index}, ${guarantee}, age ${describeAge(result, now)}`;
}

export function describeMode({ asked, used }: ReadGrant): string {
  return asked === used ? asked : `${asked} as ${used}`;
}

export function describeAge({ freshAtMs }: ReadGrant, now: number): string {
  return freshAtMs === undefined ? "unknown" : `${now - freshAtMs} ms`;
}

export function describeOutcome({ index, epoch, fate }: ProposalOutcome): string {
  return `proposal ${index}:${describeEpoch(epoch)} ${fate}`;
}

export function describeStatus({ role, epoch, leader, ...rest }: Status): string {
  const led = leader === undefined ? "no leader" : `leader ${leader}`;
  const { committed, durable, applied } = rest;
  return `${role} ${describeEpoch(epoch)}, ${led}, committed ${committed}, durable ${durable}, applied ${applied}`;
}

export function describeIndexes(from: LogIndex, last: LogIndex): string {
  return from === last ? `${from}` : `${from}..${last}`;
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describeValue).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (isEntry(value)) return describeEntry(value);
  if ("boot" in value && "counter" in value)
    return `${String(value.boot)}/${String(value.counter)}`;
  const fields = Object.entries(value).map(([name, inner]) => `${name} ${describeValue(inner)}`);
  return `{${fields.join(" ")}}`;
}

function isEntry(value: object): value is Entry {
  return "index" in value && "epoch" in value && "kind" in value;
}
