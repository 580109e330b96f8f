// The configurations of a group by global knowledge: which are committed, whether each was proposed as the
// rules of membership demand (R10, P8), and whether every member goes by the one that its log says.
import { present } from "../../base/index.ts";
import type { LogIndex, NodeId } from "../../base/index.ts";
import { EPOCH_ZERO, compareEpochs, configAt, isMember, isVoter } from "../../consensus/index.ts";
import type { Entry, Membership } from "../../consensus/index.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import { valueOf } from "./ballots.ts";
import type { LogMirror } from "./log-view.ts";
import { demand } from "./violation.ts";

/** A configuration that somebody appended first, judged once this turn's commits are known. */
interface Proposed {
  readonly node: NodeId;
  readonly entry: Extract<Entry, { kind: "config" }>;
  readonly before: Membership;
  /** At its proposer when it came to lead. */
  readonly committedAtElection: number;
}

/** What the judge of a proposal asks. */
export interface ConfigurationsInit {
  readonly protocol: ProtocolName;
  readonly founding: Membership;
  readonly committedLast: () => number;
  readonly committedAt: (index: number) => Entry | undefined;
  readonly durableAt: (node: NodeId) => LogMirror;
}

export class Configurations {
  readonly #init: ConfigurationsInit;
  readonly #committed: Membership[];
  readonly #proposed = new Set<string>();
  #due: Proposed[] = [];

  constructor(init: ConfigurationsInit) {
    this.#init = init;
    this.#committed = [init.founding];
  }

  /** The newest that is committed. */
  get latest(): Membership {
    return present(this.#committed.at(-1), "the founding configuration");
  }

  /** The newest committed one that does not stand behind `index`. */
  at(index: number): Membership {
    return configAt(this.#committed, index as LogIndex);
  }

  onCommitted(entry: Entry): void {
    if (entry.kind === "config") this.#committed.push(entry.config);
  }

  /** A later ballot's leader completes what an earlier one proposed: that is no proposal of its own (P4). */
  onProposed(proposed: Proposed): void {
    const value = this.#init.protocol === "paxos" ? valueOf(proposed.entry) : undefined;
    if (value !== undefined && this.#proposed.has(value)) return;
    if (value !== undefined) this.#proposed.add(value);
    this.#due.push(proposed);
  }

  /** After the commits of the turn in which they were proposed. */
  judgeProposed(): void {
    if (this.#due.length === 0) return;
    const due = this.#due;
    this.#due = [];
    for (const proposed of due) this.#judge(proposed);
  }

  #judge({ node, entry, before, committedAtElection }: Proposed): void {
    const { committedLast, committedAt, protocol } = this.#init;
    const { config, index, epoch } = entry;
    const who = `node ${node} proposes a configuration at ${index}`;
    demand(before.index <= committedLast(), "config-safety", () => {
      return `${who} while the one at ${before.index} is not committed (${committedLast()})`;
    });
    const newest = committedAt(committedLast())?.epoch ?? EPOCH_ZERO;
    demand(compareEpochs(newest, epoch) >= 0, "config-safety", () => {
      return `${who} in term ${epoch.round} before a commit of its own; the newest is of ${newest.round}`;
    });
    demand(protocol === "paxos" || isStep(before, config), "config-safety", () => {
      return `${who}: [${config.incoming.join()}] after [${before.incoming.join()}] without a joint one`;
    });
    if (before.outgoing !== undefined) return;
    for (const voter of config.incoming) {
      if (isVoter(before, voter)) continue;
      const held = this.#init.durableAt(voter).last;
      demand(held >= committedAtElection, "config-safety", () => {
        return `${who}: node ${voter} is to vote and holds ${held} entries; ${committedAtElection} were committed`;
      });
    }
  }

  /** `config`: what the core of `node` goes by; `log`: as its reader shows it. */
  demandInForce(node: NodeId, config: Membership, log: LogMirror): void {
    // Who joins begins with its own view of the cluster, until its log tells it of a configuration.
    if (config.index === 0 && !isMember(this.#init.founding, node)) return;
    const expected = this.#init.protocol === "raft" ? log.configs.at(-1) : undefined;
    const same =
      expected === undefined ? this.#isKnown(config, log) : sameMembers(config, expected);
    demand(same, "config-safety", () => {
      const indexes = log.configs.map(({ index }) => index).join();
      return `node ${node} goes by the configuration of ${config.index}; its log has those of [${indexes}]`;
    });
  }

  #isKnown(config: Membership, log: LogMirror): boolean {
    return log.configs.some((held) => sameMembers(held, config));
  }
}

/** One voter more or less; or into, or out of, a joint configuration (Thesis 4.1, 4.3). */
function isStep(before: Membership, after: Membership): boolean {
  if (before.outgoing !== undefined) {
    return after.outgoing === undefined && sameSet(before.incoming, after.incoming);
  }
  if (after.outgoing !== undefined) return sameSet(before.incoming, after.outgoing);
  const added = after.incoming.filter((node) => !before.incoming.includes(node));
  const removed = before.incoming.filter((node) => !after.incoming.includes(node));
  return added.length + removed.length <= 1;
}

function sameMembers(left: Membership, right: Membership): boolean {
  return (
    left === right ||
    (left.index === right.index &&
      sameSet(left.incoming, right.incoming) &&
      sameSet(left.outgoing ?? [], right.outgoing ?? []) &&
      sameSet(left.learners, right.learners))
  );
}

function sameSet(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((node) => right.includes(node));
}
