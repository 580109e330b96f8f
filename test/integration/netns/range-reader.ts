// A reader of all pairs at once, in every read mode, at every member, with and without a bound on age and a
// minimum revision. Each answer is judged by its own proof and against the other answers.
import { prefixEnd } from "../../../client/index.ts";
import { ON_MISS, READ_MODES, bytes } from "../../e2e/wire-client.ts";
import type { Range, WireClient } from "../../e2e/wire-client.ts";
import type { Chance } from "../../sim/chance.ts";
import type { Observations } from "./observations.ts";
import { PAIRS } from "./session-writer.ts";

const CALL_MS_MAX = 500;
const STALENESS_MS = [200, 1_000, 5_000] as const;

export type ReadModeName = keyof typeof READ_MODES;
export const MODES: readonly ReadModeName[] = [
  "quorum",
  "index",
  "lease",
  "follower",
  "learner",
  "local",
];
const LINEARIZABLE: ReadonlySet<ReadModeName> = new Set(["quorum", "index", "lease", "follower"]);

export interface RangeReaderOptions {
  readonly scope: string;
  /** Whom to read from at this moment, and how; nobody: it waits. */
  readonly members: () => readonly WireClient[];
  readonly modes: readonly ReadModeName[];
  readonly observations: Observations;
  readonly chance: Chance;
}

type Answer = Awaited<ReturnType<WireClient["range"]>>;

export class RangeReader {
  readonly #options: RangeReaderOptions;
  readonly answered: Record<ReadModeName, number> = {
    quorum: 0,
    index: 0,
    lease: 0,
    follower: 0,
    learner: 0,
    local: 0,
  };
  refused = 0;

  constructor(options: RangeReaderOptions) {
    this.#options = options;
  }

  async once(): Promise<void> {
    const { scope, observations, chance, modes } = this.#options;
    const members = this.#options.members();
    if (members.length === 0) return;
    const mode = chance.pick(modes);
    const member = chance.pick(members);
    const called = observations.call();
    const revisionAsked = chance.pick([0, called.floor]);
    const stalenessAskedMs = mode === "learner" ? chance.pick(STALENESS_MS) : undefined;
    const request: Range = {
      key: bytes(`${scope}/${PAIRS}`),
      range_end: prefixEnd(bytes(`${scope}/${PAIRS}`)),
      read_mode: READ_MODES[mode],
      on_miss: ON_MISS.fail,
      min_revision: revisionAsked,
      ...(stalenessAskedMs === undefined ? {} : { max_staleness_ms: stalenessAskedMs }),
    };
    let answer: Answer;
    try {
      answer = await member.range(request, CALL_MS_MAX);
    } catch {
      // A read that was refused, or that nobody answered, says nothing.
      this.refused += 1;
      return;
    }
    this.answered[mode] += 1;
    const bound = answer.proof?.staleness_bound_ms ?? undefined;
    observations.onRead(called, {
      what: `a ${mode} read at ${member.endpoint}`,
      linearizable: LINEARIZABLE.has(mode),
      revision: Number(answer.proof?.revision),
      revisionAsked,
      state: stateOf(answer),
      ...(bound === undefined ? {} : { stalenessBoundMs: Number(bound) }),
      ...(stalenessAskedMs === undefined ? {} : { stalenessAskedMs }),
    });
    this.#judgePairs(answer, `${mode} read at ${member.endpoint}`);
  }

  /** Of what one transaction wrote, an answer shows both or neither; and nothing newer than its revision. */
  #judgePairs(answer: Answer, what: string): void {
    const { observations } = this.#options;
    const rows = answer.kvs ?? [];
    const values = new Map(rows.map(({ key, value }) => [textOf(key), textOf(value)]));
    for (const [key, value] of values) {
      const other = key.endsWith("/left")
        ? key.replace(/left$/, "right")
        : key.replace(/right$/, "left");
      if (values.get(other) !== value) {
        observations.report(`${what}: ${key} is ${value}, ${other} is ${values.get(other)}`);
      }
    }
    const revision = Number(answer.header?.revision);
    const newest = Math.max(0, ...rows.map(({ mod_revision: at }) => Number(at)));
    const proven = Number(answer.proof?.revision);
    if (newest > revision || proven !== revision) {
      observations.report(`${what}: at ${revision}, proven ${proven}, with a row of ${newest}`);
    }
  }
}

function stateOf({ kvs }: Answer): string {
  return (kvs ?? [])
    .map(({ key, value, version, mod_revision: at }) => {
      return `${textOf(key)}=${textOf(value)}@${Number(at)}.${Number(version)}`;
    })
    .join(" ");
}

function textOf(value: Uint8Array | null | undefined): string {
  return Buffer.from(value ?? []).toString();
}
