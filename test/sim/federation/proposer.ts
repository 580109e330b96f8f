// The way of proposals to a region's log by one of its members, which leads or takes itself for the leader: writes,
// changes of the federation, documents.
import type { MonotonicMs, WallMs } from "../../../base/index.ts";
import { decodeConfig, encodeChange } from "../../../federation/index.ts";
import type { FederationBug, FederationChange, Identity } from "../../../federation/index.ts";
import { FederationDocuments } from "../../../server/federation-documents.ts";
import type { FederationAnswer, Request } from "../../../store/index.ts";
import { UNKNOWN } from "./region-log.ts";
import type { Member, Proposed, RegionLog } from "./region-log.ts";

export const QUIET_JOURNAL = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export interface ProposerInit {
  /** Of the region. */
  readonly name: string;
  readonly log: RegionLog;
  /** Undefined: nobody is there to propose. */
  readonly by: Member | undefined;
  readonly nowMs: () => number;
  readonly wallMs: () => WallMs;
  readonly planted: FederationBug | undefined;
}

export class Proposer {
  readonly #init: ProposerInit;

  constructor(init: ProposerInit) {
    this.#init = init;
  }

  propose(request: Request, done: Proposed): void {
    const { log, by } = this.#init;
    if (by === undefined) done(UNKNOWN);
    else log.propose(request, by, done);
  }

  /** A change of the federation: `answer` undefined where it was refused or its fate is not known. */
  change(
    change: FederationChange,
    done: (answer: FederationAnswer | undefined) => void = () => undefined,
  ): void {
    this.propose({ kind: "federation", body: encodeChange(change) }, ({ response }) => {
      done(response?.kind === "federation" ? response.answer : undefined);
    });
  }

  configure(document: Uint8Array, done: () => void = () => undefined): void {
    const { name, by, nowMs, wallMs, planted } = this.#init;
    if (by === undefined) {
      done();
      return;
    }
    const documents = new FederationDocuments({
      region: name,
      state: by.federated,
      propose: (change, end) => this.change(change, (answer) => end(answer !== undefined)),
      clock: { monotonicMs: () => nowMs() as MonotonicMs, wallMs },
      journal: QUIET_JOURNAL,
      ...(planted && { planted }),
    });
    documents.configure({ epoch: decodeConfig(document).epoch, document }, done);
  }

  /** Its own data draws what it is to mint under; `done` if that is logged. */
  draw(incarnation: Identity, done: () => void): void {
    this.change({ change: "draw", incarnation }, (answer) => {
      if (answer !== undefined) done();
    });
  }
}
