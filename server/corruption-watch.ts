// Whether the members hold the same, asked all the time by whoever leads: marks of their states every few
// seconds, which cost nothing and tell a divergence at once, and the hash of all keys as often as the operator
// says. Whoever is found wrong is named in an alarm, from which on the cluster changes nothing more.
import type { KvError, MemberId, NodeId, Revision } from "../base/index.ts";
import { membersOf } from "../consensus/index.ts";
import { alarmBytes } from "../rpc/index.ts";
import type { KeysQuestion } from "../rpc/index.ts";
import { compareMarks } from "../store/index.ts";
import type { StateHash, StateMark } from "../store/index.ts";
import { verdictOf } from "./corruption-verdict.ts";
import type { Print } from "./corruption-verdict.ts";
import { failureOf, submitOwn } from "./own-command.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";

export interface CorruptionWatchInit {
  readonly replica: Pick<Replica, "id" | "now" | "status" | "machine" | "submit">;
  /** Both: `done` comes once; undefined: no answer, or none that can be compared. */
  readonly askMarks: (
    node: NodeId,
    done: (marks: readonly StateMark[] | undefined) => void,
  ) => void;
  readonly askHash: (
    node: NodeId,
    question: KeysQuestion,
    done: (hash: StateHash | undefined) => void,
  ) => void;
  /** Of this member's own keys. */
  readonly ownHash: (question: KeysQuestion, done: (result: StateHash | KvError) => void) => void;
  readonly idOf: (node: NodeId) => MemberId | undefined;
  readonly marksEveryMs: number;
  /** 0: never. */
  readonly hashEveryMs: number;
  readonly journal: Journal;
}

/** For metrics. */
export interface CorruptionCounts {
  readonly marksCompared: number;
  readonly hashesCompared: number;
  readonly mismatches: number;
}

interface Finding {
  readonly by: "marks" | "hash";
  /** Where they differ. */
  readonly at: number;
  readonly prints: readonly Print<NodeId>[];
}

export class CorruptionWatch {
  readonly #init: CorruptionWatchInit;
  #marksAtMs: number;
  #hashAtMs: number;
  #busy = false;
  readonly #counts = { marksCompared: 0, hashesCompared: 0, mismatches: 0 };

  constructor(init: CorruptionWatchInit) {
    this.#init = init;
    const now = init.replica.now();
    this.#marksAtMs = now + init.marksEveryMs;
    this.#hashAtMs = now + init.hashEveryMs;
  }

  get counts(): CorruptionCounts {
    return this.#counts;
  }

  /** To be called on every tick of the replica. */
  poll(): void {
    const { replica, marksEveryMs, hashEveryMs } = this.#init;
    const now = replica.now();
    const idle = this.#busy || replica.status().role !== "leader";
    if (idle || replica.machine.alarms.stands("corrupt")) return;
    if (hashEveryMs > 0 && now >= this.#hashAtMs) {
      this.#hashAtMs = now + hashEveryMs;
      this.#compareHashes();
    } else if (now >= this.#marksAtMs) {
      this.#marksAtMs = now + marksEveryMs;
      this.#compareMarks();
    }
  }

  get #others(): readonly NodeId[] {
    const { replica } = this.#init;
    return membersOf(replica.status().config).filter((node) => node !== replica.id);
  }

  #compareMarks(): void {
    this.#busy = true;
    gather(this.#others, this.#init.askMarks, (answers) => {
      this.#busy = false;
      const own = this.#init.replica.machine.marks;
      const differing = answers.flatMap(({ answer }) => {
        const compared = compareMarks(own, answer);
        if (compared !== undefined) this.#counts.marksCompared += 1;
        return compared === undefined || compared.equal ? [] : [compared.applied];
      });
      const at = differing[0];
      if (at === undefined) return;
      const all = [{ node: this.#init.replica.id, answer: own }, ...answers];
      const prints = all.flatMap(({ node, answer }) => {
        const mark = answer.find(({ applied }) => applied === at);
        return mark === undefined ? [] : [{ member: node, print: String(mark.digest) }];
      });
      this.#onFinding({ by: "marks", at, prints });
    });
  }

  /**
   * All at one revision and as if compacted alike: members compact at the same entry, but are asked at different
   * moments.
   */
  #compareHashes(): void {
    const { revision, compacted } = this.#init.replica.machine;
    this.#busy = true;
    this.#hashesAt({ revision, compactRevision: compacted }, (own, answers) => {
      const furthest = Math.max(...[own, ...answers.map(({ answer }) => answer)].map(floorOf));
      if (furthest === own.compactRevision) this.#onHashes(own, answers);
      else {
        const again = { revision, compactRevision: furthest as Revision };
        this.#hashesAt(again, (ownAgain, answersAgain) => {
          this.#onHashes(ownAgain, answersAgain);
        });
      }
    });
  }

  #hashesAt(
    question: KeysQuestion,
    then: (own: StateHash, answers: readonly Answer<StateHash>[]) => void,
  ): void {
    const { ownHash, askHash, journal } = this.#init;
    ownHash(question, (own) => {
      if (!("hash" in own)) {
        this.#busy = false;
        journal.warn("the keys were not hashed, and not compared", { reason: own.message });
        return;
      }
      const ask = (node: NodeId, done: (hash: StateHash | undefined) => void): void => {
        askHash(node, question, done);
      };
      gather(this.#others, ask, (answers) => {
        then(own, answers);
      });
    });
  }

  #onHashes(own: StateHash, answers: readonly Answer<StateHash>[]): void {
    this.#busy = false;
    const comparable = answers.filter(
      ({ answer }) => answer.compactRevision === own.compactRevision,
    );
    this.#counts.hashesCompared += comparable.length;
    const all = [{ node: this.#init.replica.id, answer: own }, ...comparable];
    const prints = all.map(({ node, answer }) => ({ member: node, print: String(answer.hash) }));
    this.#onFinding({ by: "hash", at: own.revision, prints });
  }

  #onFinding({ by, at, prints }: Finding): void {
    const { replica, idOf, journal } = this.#init;
    const verdict = verdictOf(prints, this.#others.length + 1);
    if (verdict.kind === "equal") return;
    this.#counts.mismatches += 1;
    const nodes = verdict.kind === "corrupt" ? verdict.members : [];
    const members = nodes.map((node) => idOf(node) ?? (0n as MemberId));
    journal.error("members differ: the cluster is corrupt, and nothing is changed any more", {
      by,
      at,
      members,
      prints: prints.map(({ member, print }) => ({ node: member, print })),
      undecided: verdict.kind === "undecided",
    });
    for (const member of verdict.kind === "undecided" ? [0n as MemberId] : members) {
      const body = alarmBytes({ action: "activate", member, alarm: "corrupt" });
      submitOwn(replica, { kind: "alarm-finding", body }, (result) => {
        const reason = failureOf(result);
        if (reason !== undefined) journal.error("the alarm was not raised", { member, reason });
      });
    }
  }
}

interface Answer<T> {
  readonly node: NodeId;
  readonly answer: T;
}

function floorOf({ compactRevision }: StateHash): number {
  return compactRevision;
}

/** Asks all at once; those that do not answer are left out. */
function gather<T>(
  nodes: readonly NodeId[],
  ask: (node: NodeId, done: (answer: T | undefined) => void) => void,
  done: (answers: readonly Answer<T>[]) => void,
): void {
  const answers: Answer<T>[] = [];
  let open = nodes.length;
  if (open === 0) done(answers);
  for (const node of nodes) {
    ask(node, (answer) => {
      open -= 1;
      if (answer !== undefined) answers.push({ node, answer });
      if (open === 0) done(answers);
    });
  }
}
