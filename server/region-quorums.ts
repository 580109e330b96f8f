// Quorums across regions (federation 13): writes that wait until other regions report to have them, reads that ask
// other regions what they have and wait until it is here, and tokens that name what was seen. There is no second way
// of merging: what is lacked comes by the ordinary pull, and that is the read repair.
import { KvError } from "../base/index.ts";
import type { Key, MonotonicMs, Revision } from "../base/index.ts";
import {
  TokenError,
  causalTokenOf,
  countOf,
  decodeToken,
  encodeToken,
  joined,
  memberOf,
  placementsOver,
  covers,
  standingOfToken,
} from "../federation/index.ts";
import type { CausalToken, OriginId, Report, ReportBook, Vector } from "../federation/index.ts";
import type { CallContext, RegionRead, RegionReach, RegionWrite, Regions } from "../rpc/index.ts";
import { spanOf } from "../store/index.ts";
import type { KeyRange } from "../store/index.ts";
import type { FederatedRegion } from "./federated-region.ts";

/** Of the time that is left, what is kept for the answer to arrive. */
const ANSWER_SHARE = 0.1;
const ANSWER_MS_MAX = 200;
/** Calls that wait for other regions; one more is refused. */
const WAITING_MAX = 10_000;

/** Of the applied state. */
export type QuorumState = Pick<FederatedRegion, "applied" | "config" | "self" | "holds">;

export interface RegionQuorumsInit {
  readonly state: QuorumState;
  readonly reports: ReportBook;
  readonly leads: () => boolean;
  readonly now: () => MonotonicMs;
  /** Of this member's applied state. */
  readonly revision: () => Revision;
  /** Asks every neighbour that is reached, and through them the others of `wanted`; `done` for each that answers. */
  readonly ask: (wanted: Iterable<OriginId>, done: (report: Report) => void) => void;
}

/** Looked at whenever something changed; true: it has ended. */
type Look = () => boolean;

export class RegionQuorums implements Regions {
  readonly #init: RegionQuorumsInit;
  readonly #waiting = new Set<Look>();

  constructor(init: RegionQuorumsInit) {
    this.#init = init;
  }

  get leads(): boolean {
    return this.#init.leads();
  }

  holds(key: Key): boolean {
    return this.#init.state.holds(key);
  }

  /** The applied state has moved, regions have reported, or time has passed. */
  onNews(): void {
    for (const look of [...this.#waiting]) if (look()) this.#waiting.delete(look);
  }

  token(): Uint8Array {
    const { config, applied } = this.#init.state;
    return encodeToken(causalTokenOf(config, applied));
  }

  refusesRead({ range, token, readRegions }: RegionRead): KvError | undefined {
    const fault = this.#refusesCount(readRegions) ?? this.#refusesPlacement(range, readRegions);
    if (fault !== undefined || token === undefined || token.length === 0) return fault;
    const read = readToken(token);
    return read instanceof KvError ? read : undefined;
  }

  refusesWrite({ ranges, writeRegions }: RegionWrite): KvError | undefined {
    if (ranges.some(({ key }) => this.holds(key))) return this.#refusesCount(writeRegions);
    const problem = "write_regions is for keys of federated prefixes";
    return new KvError("invalid-argument", "not-applied", problem);
  }

  #refusesCount(asked: number): KvError | undefined {
    const { config, self } = this.#init.state;
    if (self === undefined) {
      return new KvError("federation-refused", "not-applied", "the region is not admitted yet");
    }
    const count = config.members.length;
    if (asked > count) {
      const problem = `${asked} regions are asked for; the federation has ${count}`;
      return new KvError("invalid-argument", "not-applied", problem);
    }
    if (this.#waiting.size < WAITING_MAX) return undefined;
    const problem = `${this.#waiting.size} calls wait for other regions`;
    return new KvError("too-many-requests", "not-applied", problem);
  }

  /** No stand-in answers for a region of the placement: a read of more would only end late. */
  #refusesPlacement(range: KeyRange, asked: number): KvError | undefined {
    const placements = placementsOver(this.#init.state.config, spanOf(range));
    const least = Math.min(...placements.map(({ size }) => size));
    if (asked <= Math.max(1, least)) return undefined;
    const keys = range.end === undefined ? "the key" : "some of the keys";
    const problem = `${asked} regions are asked for; ${least} have a say in ${keys}`;
    return new KvError("invalid-argument", "not-applied", problem);
  }

  beforeRead(
    asked: RegionRead,
    context: CallContext,
    done: (error: KvError | undefined) => void,
  ): void {
    const token = asked.token?.length ? readToken(asked.token) : undefined;
    if (token instanceof KvError) {
      done(token);
      return;
    }
    const quorum = this.#ask(asked);
    const answerBy = answerByOf(context, this.#init.now());
    this.#wait(context, () => {
      const fault = token && this.#faultOf(token);
      if (fault instanceof KvError) done(fault);
      else if (fault === undefined && quorum.isCovered()) done(undefined);
      else if (this.#init.now() >= answerBy) done(late(asked, quorum.answered()));
      else return false;
      return true;
    });
  }

  /** Undefined: the token is seen; "ahead": not yet. */
  #faultOf(token: CausalToken): KvError | "ahead" | undefined {
    const { config, applied } = this.#init.state;
    switch (standingOfToken(token, config, applied)) {
      case "seen":
        return undefined;
      case "ahead":
        return "ahead";
      case "lost": {
        const problem = "the causal token names writes beyond the cut of a region that was parted";
        return new KvError("causal-lost", "not-applied", problem);
      }
      case "foreign": {
        const problem = `the causal token is of federation ${token.federationId}; this is ${config.federationId}`;
        return new KvError("invalid-argument", "not-applied", problem);
      }
    }
  }

  /** What enough regions have, this one included; confirmed after the question. */
  #ask({ range, readRegions }: RegionRead): {
    readonly isCovered: () => boolean;
    readonly answered: () => number;
  } {
    const { state, ask } = this.#init;
    const { config, self } = state;
    const placements = placementsOver(config, spanOf(range));
    const answers = new Map<OriginId, Vector>();
    if (readRegions > 1) {
      const wanted = new Set(placements.flatMap((placement) => [...placement]));
      ask(wanted, ({ origin, vector }) => {
        if (wanted.has(origin) && origin !== self) answers.set(origin, vector);
        this.onNews();
      });
    }
    // What W regions of a placement acknowledged this one need not have, if it is none of them.
    const hasAnswered = (origin: OriginId): boolean => origin === self || answers.has(origin);
    const answeredIn = (placement: ReadonlySet<OriginId>): number =>
      [...placement].filter(hasAnswered).length;
    const answered = (): number => Math.min(...placements.map(answeredIn));
    const isCovered = (): boolean => {
      if (readRegions > 1 && answered() < readRegions) return false;
      return covers(state.applied, [...answers.values()].reduce(joined, new Map()));
    };
    return { isCovered, answered };
  }

  afterWrite(asked: RegionWrite, context: CallContext, done: (reach: RegionReach) => void): void {
    const { state, reports, now } = this.#init;
    const { self, applied } = state;
    // Of this moment: the region may be given another origin while it waits.
    const written = self && { origin: self, sequence: countOf(applied, self) };
    const answerBy = answerByOf(context, now());
    this.#wait(context, () => {
      const holders = reports
        .all()
        .filter((report) => written !== undefined && this.#isHolder(report, written))
        .map(({ origin }) => origin);
      if (holders.length < asked.writeRegions && now() < answerBy) return false;
      done(this.#reachOf(asked, holders));
      return true;
    });
  }

  /**
   * Where there are homes, a word under a document that is not logged here does not count yet: by that document the home
   * may be moving without this region, and what others tell of it they may have told already (federation 12).
   */
  #isHolder(
    report: Report,
    written: { readonly origin: OriginId; readonly sequence: number },
  ): boolean {
    const { self, config, applied } = this.#init.state;
    const isOwn = report.origin === self;
    // Of an origin that a region had before it speaks nobody any more.
    if (memberOf(config, report.origin) === undefined) return false;
    if (!isOwn && config.homes.length > 0 && report.epoch > config.epoch) return false;
    return countOf(isOwn ? applied : report.vector, written.origin) >= written.sequence;
  }

  whenApplied(revision: Revision, context: CallContext, done: () => void): void {
    const answerBy = answerByOf(context, this.#init.now());
    this.#wait(context, () => {
      if (this.#init.revision() < revision && this.#init.now() < answerBy) return false;
      done();
      return true;
    });
  }

  #reachOf({ ranges, writeRegions }: RegionWrite, holders: readonly OriginId[]): RegionReach {
    const { config } = this.#init.state;
    const names = holders.flatMap((origin) => memberOf(config, origin)?.name ?? []);
    const counted = Math.min(writeRegions, holders.length);
    const lacks = (placement: ReadonlySet<OriginId>): boolean =>
      holders.filter((origin) => placement.has(origin)).length < counted;
    const sloppy = ranges.some(
      (range) => this.holds(range.key) && placementsOver(config, spanOf(range)).some(lacks),
    );
    return { asked: writeRegions, reached: holders.length, sloppy, names: names.sort() };
  }

  #wait({ signal }: CallContext, look: Look): void {
    if (look()) return;
    this.#waiting.add(() => signal.aborted || look());
  }
}

function answerByOf({ deadlineAtMs }: CallContext, now: MonotonicMs): number {
  return deadlineAtMs - Math.min(ANSWER_MS_MAX, ANSWER_SHARE * (deadlineAtMs - now));
}

function late({ readRegions }: RegionRead, answered: number): KvError {
  const problem =
    answered < readRegions
      ? `${answered} of ${readRegions} regions answered in time`
      : "what other regions have has not come in time";
  return new KvError("regions-not-reached", "not-applied", problem);
}

function readToken(bytes: Uint8Array): CausalToken | KvError {
  try {
    return decodeToken(bytes);
  } catch (cause) {
    if (!(cause instanceof TokenError)) throw cause;
    return new KvError("invalid-argument", "not-applied", `the causal token: ${cause.message}`);
  }
}
