// A region's leader does what the federation's document asks of its region, one duty at a time: changes of its own log,
// then the report to the directory. What could not be done is tried again after a while; reports may be repeated.
import { KvError } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { dutiesOf, encodeChange, sequence } from "../federation/index.ts";
import type {
  FederationChange,
  OriginId,
  RegionDuty,
  RegionReport,
  ReportBook,
} from "../federation/index.ts";
import type { FederationAnswer } from "../store/index.ts";
import { Chores, lookEvery } from "./chores.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { FederationDirectory } from "./federation-directory.ts";
import { failureOf, submitOwn } from "./own-command.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";
import type { StoppedHandlers } from "./stopped-handlers.ts";

export interface FederationDutiesInit {
  readonly replica: Replica;
  readonly state: FederatedRegion;
  readonly reports: Pick<ReportBook, "all">;
  readonly handlers: { readonly stopped: Pick<StoppedHandlers, "all"> };
  readonly region: string;
  readonly directory: Pick<FederationDirectory, "change">;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
}

/** Between two looks, and the bound of one report. */
const LOOK_EVERY_MS = 500;
const REPORT_MS = 5_000;

export class FederationDuties {
  readonly #init: FederationDutiesInit;
  readonly #chores: Chores<RegionDuty["duty"]>;
  /** Until then nothing is done: what was reported shows in a later document, and what failed may go well by then. */
  #idleUntilMs = 0;

  constructor(init: FederationDutiesInit) {
    this.#init = init;
    const { journal, onBug } = init;
    this.#chores = new Chores({
      onRefused: (duty, reason) => {
        journal.warn("a duty of the federation is not done", { duty, reason });
      },
      onBug,
    });
  }

  /** @returns the way to end it; a duty under way ends by itself. */
  follow(): () => void {
    return lookEvery(LOOK_EVERY_MS, () => this.#look());
  }

  #look(): void {
    const { replica, state, region, reports, handlers } = this.#init;
    if (this.#chores.isBusy || replica.status().role !== "leader") return;
    if (replica.now() < this.#idleUntilMs) return;
    const { self, applied, config, rebirth } = state;
    const facts = {
      ...{ region, self, applied, reports: reports.all() },
      chainOf: (origin: OriginId) => state.chainOf(origin),
      isToBeReplaced: rebirth.strays.length > 0,
      stoppedHandlers: handlers.stopped.all,
    };
    const [duty] = dutiesOf(config, facts);
    if (duty === undefined) return;
    this.#chores.run(duty.duty, async () => {
      try {
        await this.#do(duty);
      } finally {
        this.#idleUntilMs = replica.now() + LOOK_EVERY_MS;
      }
    });
  }

  async #do(duty: RegionDuty): Promise<void> {
    switch (duty.duty) {
      case "report":
        await this.#report(duty.report);
        return;
      case "import":
      case "release":
        await this.#proposeAll(duty.duty, duty.prefix);
        await this.#report(duty.then);
        return;
      case "fence":
        await this.#fence(duty.prefix);
        return;
    }
  }

  async #proposeAll(change: "import" | "release", prefix: Key): Promise<void> {
    let after: Key | undefined;
    for (;;) {
      const step = await this.#propose({
        change,
        prefix,
        ...(after === undefined ? {} : { after }),
      });
      if (!step.more) return;
      after = step.after;
    }
  }

  async #fence(prefix: Key): Promise<void> {
    const { state, region } = this.#init;
    const { self, config } = state;
    if (self === undefined) return;
    const { own } = await this.#propose({ change: "mark", epoch: config.epoch });
    const fence = { origin: self, sequence: sequence(own) };
    await this.#report({ command: "home-fenced", region, prefix, fence });
  }

  async #report(report: RegionReport): Promise<void> {
    const { directory } = this.#init;
    const change = await directory.change(report, { deadlineMs: REPORT_MS });
    if (change.outcome === "refused") {
      throw new KvError("federation-refused", "not-applied", change.why);
    }
  }

  /** @throws {KvError} if it was refused, or its fate is not known. */
  #propose(change: FederationChange): Promise<FederationAnswer> {
    const body = encodeChange(change);
    return new Promise((resolve, reject) => {
      submitOwn(this.#init.replica, { kind: "federation", body }, (result) => {
        if (result instanceof KvError) reject(result);
        else if (result.kind === "federation") resolve(result.answer);
        else reject(new KvError("federation-refused", "not-applied", failureOf(result) ?? ""));
      });
    });
  }
}
