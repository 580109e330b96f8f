// A simulated region's leader takes another region's state where it lacks what nobody retains, or has what nobody is to
// have, as server/federation-bootstrap.ts does: read page by page at the donor while both go on, staged in its region's
// log, installed by one more entry. Whatever fails is begun anew.
import { present } from "../../../base/index.ts";
import {
  BootstrapChunks,
  GoneBook,
  compareHistories,
  covers,
  donorsOf,
  encodeChange,
  memberOf,
} from "../../../federation/index.ts";
import type {
  BootstrapChunk,
  BootstrapCut,
  BootstrapPage,
  Compared,
  FederationBug,
  OriginId,
  PullEffect,
  Vector,
} from "../../../federation/index.ts";
import { servedState } from "../../../server/federated-region.ts";
import type { Chance } from "../chance.ts";
import { retainedRows } from "./links.ts";
import type { Weather } from "./links.ts";
import type { Proposer } from "./proposer.ts";
import { hash } from "./region.ts";
import type { Member, Region } from "./region.ts";
import type { Timers } from "./region-log.ts";
import type { Story } from "./story.ts";

const LOOK_MS = 150;
const PAGE_MS_MAX = 15;
const RETRY_MS = 400;
/** What is lacked may be with a region that is about to be reached. */
const PATIENCE_MS = 600;
/** What a snapshot goes on from is kept for so long. */
const PINNED_MS = 5_000;

/** What goes on from snapshots that this leader has given. */
export class Pins {
  #pins: readonly { readonly of: OriginId; readonly vector: Vector; readonly untilMs: number }[] =
    [];

  add(of: OriginId, vector: Vector, nowMs: number): void {
    this.#pins = [...this.#pins, { of, vector, untilMs: nowMs + PINNED_MS }];
  }

  at(nowMs: number, { reports }: Member): readonly Vector[] {
    this.#pins = this.#pins.filter(({ of, vector, untilMs }) => {
      const report = reports.of(of);
      return nowMs < untilMs && !(report !== undefined && covers(report.vector, vector));
    });
    return this.#pins.map(({ vector }) => vector);
  }
}

export interface BootstrappingInit {
  readonly region: Region;
  readonly leader: Member;
  readonly regions: readonly Region[];
  readonly queue: Timers;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly story: Story;
  readonly pinsOf: (region: Region) => Pins | undefined;
  /** To whom there is a stream. */
  readonly neighbours: () => readonly OriginId[];
  readonly planted: FederationBug | undefined;
  readonly onInstalled: () => void;
  readonly onFault: (region: Region, fault: PullEffect) => void;
}

interface Attempt {
  readonly donor: Region;
  readonly server: Member;
  readonly cut: BootstrapCut;
  readonly chunks: BootstrapChunks;
}

export class Bootstrapping {
  readonly #init: BootstrappingInit;
  readonly #gone = new GoneBook();
  #attempt: Attempt | undefined;
  #neededSinceMs: number | undefined;
  #notBeforeMs = 0;
  #turn = 0;
  #stopped = false;

  constructor(init: BootstrappingInit) {
    this.#init = init;
    this.#lookSoon();
  }

  onGone({ origin, by, retainedFrom }: Extract<PullEffect, { readonly kind: "gone" }>): void {
    this.#gone.note(origin, by, retainedFrom);
  }

  onClosed(neighbour: OriginId): void {
    this.#gone.forget(neighbour);
  }

  stop(): void {
    this.#stopped = true;
    this.#fail();
  }

  get #proposer(): Proposer {
    const { region, leader } = this.#init;
    return region.by(leader);
  }

  #lookSoon(): void {
    this.#init.queue.schedule(LOOK_MS, "bootstrap", () => {
      if (this.#stopped) return;
      this.#look();
      this.#lookSoon();
    });
  }

  #look(): void {
    const { leader, queue, neighbours } = this.#init;
    if (this.#attempt !== undefined || queue.nowMs < this.#notBeforeMs) return;
    const { applied, rebirth } = leader.federated;
    const known = neighbours().flatMap((origin) => leader.reports.of(origin) ?? []);
    const lacked = this.#gone.lacked(applied, known);
    const isStray = rebirth.strays.length > 0;
    if (lacked.length === 0 && !isStray) {
      this.#neededSinceMs = undefined;
      if (rebirth.staged !== undefined) this.#proposer.change({ change: "unstage" });
      return;
    }
    this.#neededSinceMs ??= queue.nowMs;
    const patienceMs = isStray ? 0 : PATIENCE_MS;
    if (queue.nowMs >= this.#neededSinceMs + patienceMs) this.#begin(lacked);
  }

  #begin(lacked: readonly OriginId[]): void {
    const { region, leader, regions, weather, queue, pinsOf, planted } = this.#init;
    const { config, self, rebirth } = leader.federated;
    const own = self === undefined ? undefined : memberOf(config, self);
    if (self === undefined || own === undefined) return;
    const { standing } = rebirth;
    const reports = leader.reports.all();
    const question = { config, self, standing, lacked, reports };
    const donors = donorsOf({ ...question, ...(planted && { planted }) });
    const named = donors[this.#turn % Math.max(1, donors.length)];
    this.#turn += 1;
    const donor = regions.find(({ name }) => name === named?.name);
    const server = donor?.leader;
    if (donor === undefined || server === undefined || weather.isCut(region, donor)) return;
    const theirs = server.federated.rebirth;
    const cut = theirs.barTo(own.admitted) === undefined ? theirs.cut() : undefined;
    if (cut === undefined) return;
    if (this.#areForked(donor, server)) {
      cut.release();
      this.#notBeforeMs = queue.nowMs + RETRY_MS;
      return;
    }
    pinsOf(donor)?.add(self, cut.vector, queue.nowMs);
    this.#attempt = { donor, server, cut, chunks: new BootstrapChunks(hash) };
    this.#readSoon(this.#attempt, []);
  }

  /** The donor compares histories before it gives anything; both learn of two. */
  #areForked(donor: Region, server: Member): boolean {
    const { region, leader, planted, onFault } = this.#init;
    const { federated } = server;
    let compared: Compared | undefined;
    compareHistories(
      leader.federated.rebirth.stated,
      {
        served: servedState(federated),
        isOpen: (origin) => memberOf(federated.config, origin) !== undefined,
        load: (wish, done) => done(retainedRows(server, wish)),
        planted,
      },
      (found) => {
        compared = found;
      },
    );
    const { forks } = present(compared, "what was compared in this turn");
    for (const { origin, sequence } of forks) {
      onFault(donor, { kind: "forked", origin, sequence, by: leader.federated.self ?? origin });
      onFault(region, { kind: "forked", origin, sequence, by: federated.self ?? origin });
    }
    return forks.length > 0;
  }

  #readSoon(attempt: Attempt, sent: readonly BootstrapChunk[]): void {
    const { queue, chance, region, weather } = this.#init;
    queue.schedule(chance.between(1, PAGE_MS_MAX), "page", () => {
      if (this.#attempt !== attempt) return;
      const { donor, server, cut, chunks } = attempt;
      if (!server.up || donor.leader !== server || weather.isCut(region, donor)) {
        this.#fail();
        return;
      }
      const page = cut.next();
      const part = page && partOf(server, cut, page);
      if (page === undefined) this.#stage(attempt, [...sent, ...chunks.end()], 0);
      else if (part === undefined) this.#fail();
      else this.#readSoon(attempt, [...sent, ...chunks.push(part)]);
    });
  }

  /** One after the other, then the entry that puts it in the place of what was. */
  #stage(attempt: Attempt, chunks: readonly BootstrapChunk[], at: number): void {
    const { region, leader, onInstalled, story } = this.#init;
    if (this.#attempt !== attempt) return;
    const chunk = chunks[at];
    if (chunk !== undefined) {
      this.#proposer.change({ change: "bootstrap", chunk }, (answer) => {
        if (answer === undefined) this.#fail();
        else this.#stage(attempt, chunks, at + 1);
      });
      return;
    }
    const fault = leader.federated.rebirth.faultAt(region.wallMs);
    if (fault !== undefined) {
      story.tell(`${region.name} does not take the state of ${attempt.donor.name}: ${fault}`);
      this.#fail();
      return;
    }
    const { count, digest } = attempt.chunks;
    const id = chunks[0]?.id ?? new Uint8Array(0);
    const install = encodeChange({ change: "install", id, count, digest });
    this.#proposer.propose({ kind: "federation", body: install }, ({ response: answer }) => {
      this.#fail();
      const why = answer?.kind === "refused" ? answer.message : "";
      story.tell(`${region.name} takes the state of ${attempt.donor.name}: ${why || "done"}`);
      if (answer?.kind !== "federation") return;
      this.#notBeforeMs = 0;
      this.#neededSinceMs = undefined;
      onInstalled();
    });
  }

  /** The attempt is over, whatever came of it. */
  #fail(): void {
    this.#attempt?.cut.release();
    this.#attempt = undefined;
    this.#notBeforeMs = this.#init.queue.nowMs + RETRY_MS;
  }
}

function partOf({ host }: Member, cut: BootstrapCut, page: BootstrapPage): Uint8Array | undefined {
  return cut.expired ? undefined : page.part(host.load(page.missing));
}
