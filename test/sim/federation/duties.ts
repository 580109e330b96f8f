// What a simulated region's leader does of the document's asking, one duty at a time, as server/federation-duties.ts
// does: changes of its own log first, then the report, which the directory may get late, twice, or never.
import type { Key } from "../../../base/index.ts";
import { dutiesOf, sequence } from "../../../federation/index.ts";
import type {
  FederationBug,
  OriginId,
  RegionDuty,
  RegionReport,
} from "../../../federation/index.ts";
import type { Chance } from "../chance.ts";
import type { Directory } from "./directory.ts";
import type { Proposer } from "./proposer.ts";
import type { Member, Region } from "./region.ts";
import type { Timers } from "./region-log.ts";
import type { Story } from "./story.ts";

const REPORT_MS_MAX = 80;
const LOST_RATE = 0.1;
/** A report whose fate is not known is sent again. */
const REST_MS = 200;

export interface DutiesInit {
  readonly region: Region;
  readonly leader: Member;
  readonly directory: Directory;
  readonly queue: Timers;
  readonly chance: Chance;
  readonly story: Story;
  readonly planted: FederationBug | undefined;
}

export class Duties {
  readonly #init: DutiesInit;
  #idleUntilMs = 0;

  constructor(init: DutiesInit) {
    this.#init = init;
  }

  get #proposer(): Proposer {
    const { region, leader } = this.#init;
    return region.by(leader);
  }

  look(): void {
    const { region, leader, queue, planted } = this.#init;
    if (queue.nowMs < this.#idleUntilMs) return;
    const { self, applied, config } = leader.federated;
    const reports = leader.reports.all();
    const facts = {
      ...{ region: region.name, self, applied, reports },
      chainOf: (origin: OriginId) => leader.federated.chainOf(origin),
      isToBeReplaced: leader.federated.rebirth.strays.length > 0,
      ...(planted && { planted }),
    };
    const [duty] = dutiesOf(config, facts);
    if (duty === undefined) return;
    this.#idleUntilMs = queue.nowMs + REST_MS;
    this.#do(duty);
  }

  #do(duty: RegionDuty): void {
    switch (duty.duty) {
      case "report":
        this.#report(duty.report);
        return;
      case "import":
      case "release":
        this.#proposeAll(duty.duty, duty.prefix, undefined, duty.then);
        return;
      case "fence":
        this.#fence(duty.prefix);
        return;
    }
  }

  #proposeAll(
    change: "import" | "release",
    prefix: Key,
    after: Key | undefined,
    then: RegionReport,
  ): void {
    const step = { change, prefix, ...(after === undefined ? {} : { after }) };
    this.#proposer.change(step, (answer) => {
      if (answer === undefined) return;
      if (answer.more) this.#proposeAll(change, prefix, answer.after, then);
      else this.#report(then);
    });
  }

  #fence(prefix: Key): void {
    const { region, leader } = this.#init;
    const { self, config } = leader.federated;
    if (self === undefined) return;
    this.#proposer.change({ change: "mark", epoch: config.epoch }, (answer) => {
      if (answer === undefined) return;
      const fence = { origin: self, sequence: sequence(answer.own) };
      this.#report({ command: "home-fenced", region: region.name, prefix, fence });
    });
  }

  #report(report: RegionReport): void {
    const { region, directory, queue, chance, story } = this.#init;
    if (region.isCutFromDirectory || chance.hits(LOST_RATE)) return;
    queue.schedule(chance.between(1, REPORT_MS_MAX), "report", () => {
      const change = directory.change(report);
      if (change.outcome === "unchanged") return;
      const became = change.outcome === "refused" ? change.why : `epoch ${change.config.epoch}`;
      const what = "applied" in report ? JSON.stringify(report.applied) : "";
      story.tell(`${region.name} reports ${report.command} ${what}: ${became}`);
    });
  }
}
