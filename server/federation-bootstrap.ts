// The leader of a region that lacks what nobody retains any more, or has what nobody is to have, takes another region's
// state (federation 10, 11): it chooses the donor, stages what comes in its region's log, a few entries at a time, and
// installs it by one more. What fails is begun anew, at another donor where there is one.
import { compareBytes } from "../base/index.ts";
import {
  BOOTSTRAP_LIMITS,
  BootstrapError,
  GoneBook,
  PartsReader,
  chainNext,
  donorsOf,
  greetingFault,
  memberOf,
} from "../federation/index.ts";
import type {
  BootstrapChunk,
  ExchangeHello,
  FederationChange,
  Hash,
  Member,
  OriginId,
  Position,
  PullEffect,
  ReportBook,
} from "../federation/index.ts";
import { BootstrapLink } from "../rpc/index.ts";
import type { PeerDialer, StatePart } from "../rpc/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { Clock, Journal } from "./ports.ts";

export interface FederationBootstrapInit {
  readonly self: OriginId;
  readonly state: FederatedRegion;
  readonly reports: ReportBook;
  readonly hash: Hash;
  readonly helloTo: (to: OriginId) => ExchangeHello | undefined;
  readonly dialer: PeerDialer;
  readonly secure: boolean;
  /** `applied`: whether it took effect; undefined: it was refused, or its fate is not known. */
  readonly propose: (change: FederationChange, done: (applied: boolean) => void) => void;
  /** Neighbours that can be reached. */
  readonly neighbours: () => readonly OriginId[];
  /** The donor's history of the origin is not the one here (federation 1). */
  readonly onForked: (ours: Position) => void;
  /** What was installed has all that neighbours had refused. */
  readonly onInstalled: () => void;
  readonly clock: Clock;
  readonly journal: Journal;
}

const LOOK_MS = 250;
/** What is lacked may be with a region that is about to be reached. */
const PATIENCE_MS = 3_000;
/** Without a part for so long an attempt is given up; and so long at least until the next one. */
const STALL_MS = 30_000;
const RETRY_MS = 2_000;
/** Each pause is twice the one before, up to this: every attempt is logged. */
const RETRY_MS_MAX = 5 * 60_000;
/** Entries of the region's log on their way; above it the donor is held up. */
const PROPOSED_MAX = 8;
const KEEPALIVE_MS = 2_000;
const KEEPALIVE_TIMEOUT_MS = 4_000;

interface Attempt {
  readonly donor: Member;
  /** Where this region's histories ended when it asked. */
  readonly stated: readonly Position[];
  link: BootstrapLink;
  /** Each checked as it comes, before it is logged. */
  readonly reader: PartsReader;
  greeted: boolean;
  id: Uint8Array;
  digest: Uint8Array;
  received: number;
  bytes: number;
  proposed: number;
  end: { readonly count: number; readonly digest: Uint8Array } | undefined;
  installing: boolean;
  movedAtMs: number;
}

export class FederationBootstrap {
  readonly #init: FederationBootstrapInit;
  readonly #gone = new GoneBook();
  readonly #timer: NodeJS.Timeout;
  #attempt: Attempt | undefined;
  #neededSinceMs: number | undefined;
  #notBeforeMs = -Infinity;
  #turn = 0;
  #failures = 0;
  #unstaging = false;
  #told = "";

  constructor(init: FederationBootstrapInit) {
    this.#init = init;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  /** From whom a state is being taken. */
  get donor(): string | undefined {
    return this.#attempt?.donor.name;
  }

  onGone({ origin, by, retainedFrom }: Extract<PullEffect, { readonly kind: "gone" }>): void {
    this.#gone.note(origin, by, retainedFrom);
  }

  onClosed(neighbour: OriginId): void {
    this.#gone.forget(neighbour);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#attempt?.link.close();
    this.#attempt = undefined;
  }

  #look(): void {
    const { clock } = this.#init;
    const now = clock.monotonicMs();
    if (this.#attempt !== undefined) {
      const { installing, movedAtMs } = this.#attempt;
      if (!installing && now - movedAtMs > STALL_MS) this.#fail("nothing comes any more");
      return;
    }
    const lacked = this.#lacked();
    const isStray = this.#init.state.rebirth.strays.length > 0;
    if (lacked.length === 0 && !isStray) {
      if (this.#neededSinceMs !== undefined) this.#needsNothing();
      this.#unstage();
      return;
    }
    this.#neededSinceMs ??= now;
    const patienceMs = isStray ? 0 : PATIENCE_MS;
    if (now < Math.max(this.#neededSinceMs + patienceMs, this.#notBeforeMs)) return;
    this.#begin(lacked);
  }

  #lacked(): readonly OriginId[] {
    const { state, reports, neighbours } = this.#init;
    const known = neighbours().flatMap((origin) => reports.of(origin) ?? []);
    return this.#gone.lacked(state.applied, known);
  }

  /** What an attempt left behind that nobody goes on with. */
  #unstage(): void {
    const { state, propose } = this.#init;
    if (state.rebirth.staged === undefined || this.#unstaging) return;
    this.#unstaging = true;
    propose({ change: "unstage" }, () => {
      this.#unstaging = false;
    });
  }

  #begin(lacked: readonly OriginId[]): void {
    const { self, state, reports, secure, dialer, helloTo, clock, journal } = this.#init;
    const { config } = state;
    const { standing } = state.rebirth;
    const donors = donorsOf({ config, self, standing, lacked, reports: reports.all() });
    const donor = donors[this.#turn % Math.max(1, donors.length)];
    const own = memberOf(config, self);
    const hello = donor && helloTo(donor.origin);
    if (donor === undefined || own === undefined || hello === undefined) {
      this.#tell(
        "no region is known that has what is lacked here, is live, and may give its state",
      );
      return;
    }
    const { endpoints } = donor;
    const endpoint =
      endpoints[Math.floor(this.#turn / Math.max(1, donors.length)) % endpoints.length];
    const url = `${secure ? "https" : "http"}://${endpoint ?? ""}`;
    journal.info("another region's state is taken", {
      from: donor.name,
      url,
      lacked: lacked.join(),
    });
    const { stated } = state.rebirth;
    const attempt: Attempt = {
      ...{ donor, stated },
      link: new BootstrapLink({
        ...{ url, dialer, asked: { hello, admitted: own.admitted, positions: stated } },
        keepaliveMs: KEEPALIVE_MS,
        keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
        onPart: (part) => this.#onPart(attempt, part),
        onLost: (reason) => {
          if (this.#attempt === attempt && attempt.end === undefined) this.#fail(reason);
        },
      }),
      ...{
        reader: new PartsReader(),
        greeted: false,
        received: 0,
        bytes: 0,
        proposed: 0,
        end: undefined,
      },
      ...{ id: new Uint8Array(0), digest: new Uint8Array(0), installing: false },
      movedAtMs: clock.monotonicMs(),
    };
    this.#attempt = attempt;
  }

  #onPart(attempt: Attempt, part: StatePart): void {
    const { state, self, clock } = this.#init;
    if (this.#attempt !== attempt) return;
    attempt.movedAtMs = clock.monotonicMs();
    switch (part.kind) {
      case "hello": {
        const { hello } = part;
        const other =
          hello.from.origin === attempt.donor.origin ? undefined : "another region answers";
        const fault = other ?? greetingFault(hello, state.config, self);
        if (fault !== undefined) this.#fail(fault);
        attempt.greeted = true;
        return;
      }
      case "chunk": {
        const fault = attempt.greeted ? this.#faultIn(attempt, part.chunk) : "it did not greet";
        if (fault === undefined) this.#stage(attempt, part.chunk);
        else this.#fail(fault);
        return;
      }
      case "forks":
        this.#onForks(attempt, part.origins);
        return;
      case "end":
        attempt.end = part;
        if (part.count !== attempt.received || compareBytes(part.digest, attempt.digest) !== 0) {
          this.#fail("its end is not that of what came");
        } else this.#install(attempt);
        return;
    }
  }

  /** Both sides freeze them: nobody's state takes the other's place until it is known which history counts. */
  #onForks({ stated, greeted }: Attempt, origins: readonly OriginId[]): void {
    const forks = stated.filter(({ origin }) => origins.includes(origin));
    if (!greeted || forks.length < origins.length) {
      this.#fail(`it tells of histories that were not stated: of origins ${origins.join()}`);
      return;
    }
    for (const ours of forks) this.#init.onForked(ours);
    this.#fail(`its histories of origins ${origins.join()} are not those that are applied here`);
  }

  #faultIn(attempt: Attempt, { id, number, bytes }: BootstrapChunk): string | undefined {
    const { hash } = this.#init;
    if (number !== attempt.received) return `chunk ${number} came, expected ${attempt.received}`;
    attempt.digest = number === 0 ? hash(bytes) : chainNext(hash, attempt.digest, bytes);
    if (number === 0) attempt.id = attempt.digest;
    if (compareBytes(id, attempt.id) !== 0) return "the chunks are of several snapshots";
    attempt.received += 1;
    attempt.bytes += bytes.length;
    if (attempt.bytes > BOOTSTRAP_LIMITS.bytesMax) {
      return `it has more than ${BOOTSTRAP_LIMITS.bytesMax} bytes`;
    }
    try {
      const [first] = attempt.reader.push(bytes);
      if (number === 0 && first?.part !== "head") return "it has no head";
      return undefined;
    } catch (cause) {
      if (!(cause instanceof BootstrapError)) throw cause;
      return cause.message;
    }
  }

  #stage(attempt: Attempt, chunk: BootstrapChunk): void {
    attempt.proposed += 1;
    if (attempt.proposed >= PROPOSED_MAX) attempt.link.pause();
    this.#init.propose({ change: "bootstrap", chunk }, (applied) => {
      if (this.#attempt !== attempt) return;
      attempt.proposed -= 1;
      attempt.movedAtMs = this.#init.clock.monotonicMs();
      // The head is in the first chunk: what stands against it is known before the rest has come.
      const fault = applied ? undefined : "a part of it was not logged";
      const found = fault ?? (chunk.number === 0 ? this.#stagedFault() : undefined);
      if (found !== undefined) this.#fail(found);
      else if (attempt.end !== undefined) this.#install(attempt);
      else if (attempt.proposed < PROPOSED_MAX / 2) attempt.link.resume();
    });
  }

  /** Once all of it is staged. */
  #install(attempt: Attempt): void {
    const { propose, journal } = this.#init;
    const { end, id, donor } = attempt;
    if (end === undefined || attempt.proposed > 0 || attempt.installing) return;
    attempt.link.close();
    const fault = this.#stagedFault();
    if (fault !== undefined) {
      this.#fail(fault);
      return;
    }
    attempt.installing = true;
    const { count, digest } = end;
    propose({ change: "install", id, count, digest }, (applied) => {
      if (this.#attempt !== attempt) return;
      if (!applied) {
        this.#fail("it was not installed");
        return;
      }
      this.#attempt = undefined;
      journal.info("another region's state is installed", { from: donor.name, chunks: count });
      this.#needsNothing();
    });
  }

  #stagedFault(): string | undefined {
    const { state, clock } = this.#init;
    return state.rebirth.faultAt(clock.wallMs());
  }

  /** Any more: also where it was installed so slowly that nobody waited for the end. */
  #needsNothing(): void {
    this.#neededSinceMs = undefined;
    this.#failures = 0;
    this.#told = "";
    this.#init.onInstalled();
  }

  #fail(reason: string): void {
    const { clock } = this.#init;
    this.#attempt?.link.close();
    this.#attempt = undefined;
    this.#turn += 1;
    const pauseMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#notBeforeMs = clock.monotonicMs() + pauseMs;
    this.#tell(reason);
  }

  /** Once, until something else is to be told. */
  #tell(reason: string): void {
    if (this.#told !== reason) {
      this.#init.journal.warn("another region's state is not taken yet", { reason });
    }
    this.#told = reason;
  }
}
