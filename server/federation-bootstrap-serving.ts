// Gives this region's federated state to another one, page by page, as fast as that takes it (federation 10, 11). By the
// leader alone: what goes on from the snapshot is pinned, so that nothing of it is dropped until the other has taken it.
import type { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import { BootstrapChunks, covers, compareHistories, memberOf } from "../federation/index.ts";
import type {
  BootstrapCut,
  BootstrapPage,
  ExchangeHello,
  Hash,
  HistoriesHere,
  OriginId,
  Position,
  ReportBook,
  Vector,
} from "../federation/index.ts";
import { notNow, stateServiceTable } from "../rpc/index.ts";
import type { Call, ServiceTable, StateOutlet, StateSession, TakeState } from "../rpc/index.ts";
import type { Engine } from "../store/index.ts";
import { servedState } from "./federated-region.ts";
import type { FederatedRegion } from "./federated-region.ts";
import { loadRetained } from "./federation-rows.ts";
import type { Clock, Journal } from "./ports.ts";

export interface FederationBootstrapServingInit {
  readonly state: FederatedRegion;
  readonly reports: Pick<ReportBook, "of">;
  readonly engine: () => Engine;
  /** This member leads, and has applied all that came before it led. */
  readonly leads: () => boolean;
  readonly helloTo: (to: OriginId) => ExchangeHello | undefined;
  /** The taker's history of the origin is not the one here (federation 1). */
  readonly onForked: (theirs: Position) => void;
  readonly hash: Hash;
  readonly clock: Clock;
  readonly journal: Journal;
}

/** At a time, to all regions. */
const GIVEN_MAX = 2;
/** Pages read before other work of this member has its turn. */
const PAGES_PER_TURN = 16;
/** From its beginning a snapshot is pinned for so long at most, and for so long after its end. */
const PINNED_MS_MAX = 30 * 60_000;
const PINNED_AFTER_MS = 2 * 60_000;

interface Pin {
  readonly of: OriginId;
  readonly vector: Vector;
  untilMs: MonotonicMs;
}

export class FederationBootstrapServing {
  readonly #init: FederationBootstrapServingInit;
  readonly #givings = new Set<Giving>();
  #pins: readonly Pin[] = [];

  constructor(init: FederationBootstrapServingInit) {
    this.#init = init;
  }

  /** `refusalOf`: why the speaker may not ask. */
  services(refusalOf: (hello: ExchangeHello, call: Call) => string | undefined): ServiceTable {
    return stateServiceTable({ refusalOf, open: (asked, outlet) => this.#open(asked, outlet) });
  }

  /** Snapshots that are on their way, or are being taken in: what goes on from them is kept. */
  get pinned(): readonly Vector[] {
    const { clock, reports } = this.#init;
    const now = clock.monotonicMs();
    this.#pins = this.#pins.filter(({ of, vector, untilMs }) => {
      const report = reports.of(of);
      return now < untilMs && !(report !== undefined && covers(report.vector, vector));
    });
    return this.#pins.map(({ vector }) => vector);
  }

  /** How many are on their way. */
  get count(): number {
    return this.#givings.size;
  }

  /** This member leads no more, or stops. */
  release(why: KvError): void {
    for (const giving of [...this.#givings]) giving.end(why);
    this.#pins = [];
  }

  #open({ hello, admitted, positions }: TakeState, outlet: StateOutlet): StateSession {
    const { state, leads, helloTo, clock, journal, hash, engine } = this.#init;
    if (!leads()) throw notNow("this member does not lead its region");
    if (this.#givings.size >= GIVEN_MAX) throw notNow(`${this.#givings.size} are on their way`);
    const bar = state.rebirth.barTo(admitted);
    if (bar !== undefined) throw notNow(bar);
    const to = hello.from.origin;
    const own = helloTo(to);
    const cut = own && state.rebirth.cut();
    if (own === undefined || cut === undefined) throw notNow("this region is no member");
    outlet.send({ kind: "hello", hello: own });
    const now = clock.monotonicMs();
    const pin: Pin = { of: to, vector: cut.vector, untilMs: (now + PINNED_MS_MAX) as MonotonicMs };
    this.#pins = [...this.#pins, pin];
    journal.info("a region's state is given to another", { origin: to });
    const giving = new Giving({ cut, outlet, engine, hash }, (outcome) => {
      this.#givings.delete(giving);
      const afterMs = outcome === "given" ? PINNED_AFTER_MS : 0;
      pin.untilMs = (clock.monotonicMs() + afterMs) as MonotonicMs;
      journal.info("a region's state has ended on its way", { origin: to, outcome });
    });
    this.#givings.add(giving);
    this.#compare(positions, giving, outlet);
    return { onDrain: () => giving.go(), onClose: () => giving.close("lost") };
  }

  /** Before anything is given: where it took the place of another history, nobody would ever learn of that. */
  #compare(stated: readonly Position[], giving: Giving, outlet: StateOutlet): void {
    const { state, engine, onForked, journal } = this.#init;
    const here: HistoriesHere = {
      served: servedState(state),
      isOpen: (origin) => memberOf(state.config, origin) !== undefined,
      load: (wish, done) => {
        loadRetained((asked) => state.recent(asked), engine(), wish, done);
      },
    };
    compareHistories(stated, here, (compared) => {
      if (giving.hasEnded) return;
      if (compared === undefined) {
        giving.end(notNow("what is retained here cannot be read"));
        return;
      }
      const { forks, unknown } = compared;
      if (forks.length > 0) {
        for (const theirs of forks) onForked(theirs);
        const origins = forks.map(({ origin }) => origin);
        outlet.send({ kind: "forks", origins });
        giving.end(notNow(`of origins ${origins.join()} there are two histories`));
        return;
      }
      if (unknown.length > 0) {
        // Dropped here, as every region or a majority had it: the taker's is held to be the same history.
        const origins = unknown.map(({ origin }) => origin).join();
        journal.info("a region's histories end before what is retained here", { origins });
      }
      giving.begin();
    });
  }
}

interface GivingInit {
  readonly cut: BootstrapCut;
  readonly outlet: StateOutlet;
  readonly engine: () => Engine;
  readonly hash: Hash;
}

/** One snapshot on its way. */
class Giving {
  readonly #init: GivingInit;
  readonly #onEnd: (outcome: string) => void;
  readonly #chunks: BootstrapChunks;
  /** Until it is begun. */
  #busy = true;
  #ended = false;

  constructor(init: GivingInit, onEnd: (outcome: string) => void) {
    this.#init = init;
    this.#onEnd = onEnd;
    this.#chunks = new BootstrapChunks(init.hash);
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  begin(): void {
    this.#again();
  }

  /** Reads on until the way is full, a value is missing, or others have their turn. */
  go(): void {
    let left = PAGES_PER_TURN;
    while (!this.#busy && !this.#ended) {
      if (left === 0) {
        this.#busy = true;
        setImmediate(() => this.#again());
        return;
      }
      left -= 1;
      if (!this.#next()) return;
    }
  }

  #again(): void {
    this.#busy = false;
    this.go();
  }

  /** False: the way is full, or this was the end. */
  #next(): boolean {
    const { cut, outlet, engine } = this.#init;
    const page = cut.next();
    if (page === undefined) {
      for (const chunk of this.#chunks.end()) outlet.send({ kind: "chunk", chunk });
      const { count, digest } = this.#chunks;
      outlet.send({ kind: "end", count, digest });
      outlet.end();
      this.close("given");
      return false;
    }
    if (page.missing.length === 0) return this.#give(page, []);
    this.#busy = true;
    engine().get(page.missing, (failure, values) => {
      this.#busy = false;
      if (this.#ended) return;
      if (failure !== undefined) this.end(notNow(failure.message));
      else if (this.#give(page, values)) this.go();
    });
    return true;
  }

  #give(page: BootstrapPage, values: readonly (Uint8Array | undefined)[]): boolean {
    const { cut, outlet } = this.#init;
    const part = cut.expired ? undefined : page.part(values);
    if (part === undefined) {
      this.end(notNow("a compaction has overtaken it"));
      return false;
    }
    let isOpen = true;
    for (const chunk of this.#chunks.push(part)) {
      isOpen = outlet.send({ kind: "chunk", chunk });
    }
    return isOpen;
  }

  end(why: KvError): void {
    if (this.#ended) return;
    this.#init.outlet.end(why);
    this.close(why.message);
  }

  close(outcome: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#init.cut.release();
    this.#onEnd(outcome);
  }
}
