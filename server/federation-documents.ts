// Documents of the federation's configuration on their way into the region's log, from wherever they come; and under which
// origin the region mints from there on (federation 1, 14).
import { ConfigError, countOf, decodeConfig, memberNamed } from "../federation/index.ts";
import type {
  ConfigNews,
  FederationBug,
  FederationChange,
  FederationConfig,
  OriginId,
} from "../federation/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import type { Clock, Journal } from "./ports.ts";

export interface FederationDocumentsInit {
  /** Of this member's region. */
  readonly region: string;
  readonly state: FederatedRegion;
  readonly propose: (change: FederationChange, done: (applied: boolean) => void) => void;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Only tests and the simulator set it. */
  readonly planted?: FederationBug;
}

/** For whoever reads the journal of a region that was wiped. */
const OTHERS = { remedy: "reincarnate this region, asked of one of its own members" } as const;

export class FederationDocuments {
  readonly #init: FederationDocumentsInit;
  #taking = false;

  constructor(init: FederationDocumentsInit) {
    this.#init = init;
  }

  /** Proposes a document of a later epoch, from wherever it comes; `done` once it is applied or is not. */
  configure(news: ConfigNews, done: () => void): void {
    const { state, region, clock, journal } = this.#init;
    const config = this.#read(news);
    if (config === undefined || config.epoch <= state.config.epoch) {
      done();
      return;
    }
    const self = this.#selfIn(config);
    const { document } = news;
    const change = { change: "configure", document, wallMs: clock.wallMs(), ...self } as const;
    this.#init.propose(change, (applied) => {
      if (applied) journal.info("federation configured", { epoch: config.epoch });
      const isMember = memberNamed(config, region) !== undefined;
      if (isMember && self === undefined && state.self === undefined)
        journal.error("this region's origin was given to other data", { ...OTHERS });
      done();
    });
  }

  /**
   * Of an origin that has minted nobody knows here whether this is still its history (federation 1, trap 1); and one that
   * was given to other data of this region's name is not this one's: it was wiped.
   */
  #selfIn(config: FederationConfig): { readonly self: OriginId } | undefined {
    const { region, state, planted } = this.#init;
    const { applied, rebirth } = state;
    const member = memberNamed(config, region);
    if (member === undefined) return undefined;
    const { origin: self, incarnation } = member;
    const isFresh = rebirth.drew(incarnation) && countOf(applied, self) === 0;
    return isFresh || planted === "dot-reused-after-restore" ? { self } : undefined;
  }

  /** By who leads: the document in force may have been logged just before the incarnation that it names was. */
  look(): void {
    const { state, clock } = this.#init;
    const { config, document } = state;
    if (this.#taking || state.self !== undefined || document.epoch === 0) return;
    const self = this.#selfIn(config);
    if (self === undefined) return;
    this.#taking = true;
    const again = { change: "configure", document: document.document, ...self } as const;
    this.#init.propose({ ...again, wallMs: clock.wallMs() }, () => {
      this.#taking = false;
    });
  }

  /** Undefined: it is none, or another federation's; told to the operator. */
  #read({ epoch, document }: ConfigNews): FederationConfig | undefined {
    const { state, journal } = this.#init;
    const { config } = state;
    try {
      const read = decodeConfig(document);
      const isOther = config.epoch > 0 && read.federationId !== config.federationId;
      if (!isOther && read.epoch === epoch) return read;
      const reason = isOther
        ? `it is of federation ${read.federationId}`
        : `it is of epoch ${read.epoch}`;
      journal.error("a configuration is not taken", { epoch, reason });
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      journal.error("a configuration is not taken", { epoch, reason: cause.message });
    }
    return undefined;
  }

  /** A file is its operator's word that the incarnation in it is this data's. */
  adopt(file: ConfigNews): void {
    const { region, state } = this.#init;
    const member = memberNamed(this.#read(file) ?? state.config, region);
    const configure = (): void => this.configure(file, () => undefined);
    if (member === undefined || state.rebirth.drew(member.incarnation)) configure();
    else this.#init.propose({ change: "draw", incarnation: member.incarnation }, configure);
  }
}
