// State machine safety (Raft Fig. 3), followed at every member: the same entry at each index, the same
// revision and answer behind it, equal hashes of the state at equal applied index, and no entry that never
// came to be committed.
import { keyOf } from "../../base/index.ts";
import type { NodeId, Revision } from "../../base/index.ts";
import type { Entry } from "../../consensus/index.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import { commandOrigin } from "../../store/command.ts";
import type { KeptResponse, Response } from "../../store/response.ts";
import type { Oracle, OracleStep } from "./oracle.ts";
import { Violation, demand } from "./violation.ts";

/** Answers of this many entries that are not committed yet are kept to be compared later. */
const EARLY_APPLIES_MAX = 10_000;

export interface Applied {
  readonly node: NodeId;
  readonly entry: Entry;
  readonly revision: Revision;
  readonly response: Response | undefined;
}

export class AppliedStates {
  /** Absent where nothing simpler tells what a state must be: members are then compared with each other alone. */
  readonly #oracle: Oracle | undefined;
  readonly #committedAt: (index: number) => Entry | undefined;
  /** Raft: an index and a term name one entry. Paxos: one value may be held in different ballots. */
  readonly #isSame: (left: Entry, right: Entry) => boolean;
  readonly #answers = new Map<number, string>();
  readonly #hashes = new Map<number, number>();
  readonly #revisions = new Map<number, Revision>();
  readonly #origins = new Map<string, number>();
  #early: Applied[] = [];

  constructor(
    oracle: Oracle | undefined,
    committedAt: (index: number) => Entry | undefined,
    isSame: (left: Entry, right: Entry) => boolean,
  ) {
    this.#oracle = oracle;
    this.#committedAt = committedAt;
    this.#isSame = isSame;
  }

  onApplied(applied: Applied): void {
    const { node, entry, revision } = applied;
    const committed = this.#committedAt(entry.index);
    if (committed === undefined) {
      // A learner that runs ahead is caught when it answers somebody: "committed-visible".
      demand(this.#early.length < EARLY_APPLIES_MAX, "committed-visible", () => {
        return `node ${node} is ${EARLY_APPLIES_MAX} entries ahead of what is committed`;
      });
      this.#early.push(applied);
      return;
    }
    demand(this.#isSame(committed, entry), "state-machine-safety", () => {
      const terms = `${entry.epoch.round}, committed is ${committed.epoch.round}`;
      return `node ${node} applied entry ${entry.index} of term ${terms}`;
    });
    const step = this.#oracle?.step(entry.index);
    const check = step === undefined ? "state-machine-safety" : checkOf(step);
    const expected = step?.revision ?? this.#firstRevision(entry.index, revision);
    demand(revision === expected, check, () => {
      const effect = `${step?.effect ?? "any"} entry ${entry.index}`;
      return `node ${node} is at revision ${revision} after ${effect}, not ${expected}`;
    });
    this.#compareAnswer(applied, step, check);
  }

  #firstRevision(index: number, revision: Revision): Revision {
    const first = this.#revisions.get(index) ?? revision;
    this.#revisions.set(index, first);
    return first;
  }

  /** More is committed: what was applied ahead of it can be compared. */
  onCommitted(): void {
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = [];
    for (const applied of early) this.onApplied(applied);
  }

  #compareAnswer(
    { node, entry, response }: Applied,
    step: OracleStep | undefined,
    check: ReturnType<typeof checkOf>,
  ): void {
    const mismatch = step && answerMismatch(response, step);
    demand(mismatch === undefined, check, () => `node ${node}, entry ${entry.index}: ${mismatch}`);
    // The bytes that a session keeps: fields beside them are how an answer was come by.
    const print = response === undefined ? "" : printOf(response);
    const known = this.#answers.get(entry.index) ?? print;
    this.#answers.set(entry.index, known);
    demand(known === print, check, () => {
      return `node ${node} answers entry ${entry.index} otherwise than its peers`;
    });
    const answeredAt = step?.answeredAt;
    const original = answeredAt === undefined ? undefined : this.#answers.get(answeredAt);
    demand(original === undefined || original === print, "exactly-once", () => {
      return `node ${node} answers the retry at ${entry.index} otherwise than ${answeredAt}`;
    });
  }

  /** One submission of one client call is in the log once, however often its messages came. */
  demandOnce(entry: Entry): void {
    if (entry.kind !== "command") return;
    const { node, boot, counter } = commandOrigin(entry.data);
    const origin = `${node}.${boot}.${counter}`;
    const before = this.#origins.get(origin);
    demand(before === undefined, "exactly-once", () => {
      return `submission ${counter} of node ${node} is committed at ${before} and at ${entry.index}`;
    });
    this.#origins.set(origin, entry.index);
  }

  /** State hashes at equal applied index are equal. */
  onState(node: NodeId, applied: number, revision: Revision, hash: number): void {
    if (applied > 0 && this.#committedAt(applied) === undefined) return;
    const expected = this.#oracle?.revisionAt(applied) ?? this.#firstRevision(applied, revision);
    demand(revision === expected, "state-machine-safety", () => {
      return `node ${node} holds revision ${revision} at ${applied}, not ${expected}`;
    });
    const known = this.#hashes.get(applied) ?? hash;
    this.#hashes.set(applied, known);
    demand(known === hash, "state-machine-safety", () => {
      return `node ${node} hashes its state at ${applied} to ${hash}, its peers to ${known}`;
    });
  }

  /** No early apply is left over once everything is quiet. */
  demandSettled(): void {
    const early = this.#early[0];
    if (early === undefined) return;
    const text = `node ${early.node} applied entry ${early.entry.index}, which never committed`;
    throw new Violation("state-machine-safety", text);
  }
}

/** What is broken when a member is elsewhere than the history behind this step. */
function checkOf(step: OracleStep): "exactly-once" | "lease-keys" | "state-machine-safety" {
  if (step.requestId !== undefined) return "exactly-once";
  return step.leases === undefined ? "state-machine-safety" : "lease-keys";
}

function answerMismatch(response: Response | undefined, step: OracleStep): string | undefined {
  if (step.entry.kind !== "command") {
    return response === undefined ? undefined : "an answer to an entry that asks nothing";
  }
  if (response === undefined) return "a command without an answer";
  if (step.effect === "duplicate") return undefined;
  const refused = response.kind === "refused";
  if (refused !== (step.effect === "refused")) return `answered ${response.kind}: ${step.effect}`;
  if (response.kind === "txn" && response.txn.succeeded !== step.outcome) {
    return `the transaction's outcome is not ${step.outcome}`;
  }
  if (response.kind === "delete-range" && response.deleteRange.deleted !== step.outcome) {
    return `deleted ${response.deleteRange.deleted}, not ${step.outcome}`;
  }
  if (response.kind === "lease-renew") {
    const alive = response.ttlsMs.filter((ttlMs) => ttlMs > 0).length;
    return alive === step.outcome ? undefined : `renewed ${alive} leases, not ${step.outcome}`;
  }
  if (response.kind === "lease-expire" && response.count !== step.outcome) {
    return `ended ${response.count} leases, not ${step.outcome}`;
  }
  return undefined;
}

/** Leases, alarms and changes of a federation are in no session: what they answer is plain data. */
function printOf(response: Response): string {
  if (isKept(response)) return keyOf(storeCodec.encodeResponse(response));
  return JSON.stringify(response, (_, field: unknown) =>
    typeof field === "bigint" ? String(field) : field,
  );
}

function isKept(response: Response): response is KeptResponse {
  const { kind } = response;
  return !kind.startsWith("lease-") && kind !== "alarm" && kind !== "federation";
}
