// The directory of a simulated federation: the document, changed one command at a time by the product's own rules, and
// read by whoever reaches it. That it is a group of its own which agrees is proved elsewhere.
import {
  changeConfig,
  closedOrigin,
  encodeConfig,
  memberNamed,
  standingOf,
} from "../../../federation/index.ts";
import type {
  ConfigChange,
  ConfigCommand,
  FederationConfig,
  Identity,
  OriginId,
} from "../../../federation/index.ts";

export class Directory {
  #config: FederationConfig;
  #document: Uint8Array;
  #identities = 1_000;
  /** Of every epoch: under which policies a transaction was minted. */
  readonly #history = new Map<number, FederationConfig>();
  changeCount = 0;

  constructor(config: FederationConfig) {
    this.#config = config;
    this.#document = encodeConfig(config);
    this.#history.set(config.epoch, config);
  }

  get config(): FederationConfig {
    return this.#config;
  }

  get document(): Uint8Array {
    return this.#document;
  }

  configAt(epoch: number): FederationConfig | undefined {
    return this.#history.get(epoch);
  }

  change(command: ConfigCommand): ConfigChange {
    const change = changeConfig(this.#config, command);
    if (change.outcome !== "changed") return change;
    this.#config = change.config;
    this.#document = encodeConfig(change.config);
    this.#history.set(change.config.epoch, change.config);
    this.changeCount += 1;
    return change;
  }

  /** Of a new life of a region. */
  identity(): Identity {
    this.#identities += 1;
    return identityOf(this.#identities);
  }

  /** The origin of a member; undefined: it is none. */
  originOf(name: string): OriginId | undefined {
    return memberNamed(this.#config, name)?.origin;
  }

  /** Members that write, or will. */
  get staying(): readonly string[] {
    const names = this.#config.members.map(({ name }) => name);
    return names.filter((name) => standingOf(this.#config, name) !== "frozen");
  }

  /** Up to where a closed origin counts; undefined: it is open. */
  cutOf(origin: OriginId): number | undefined {
    return closedOrigin(this.#config, origin)?.cut;
  }

  /** No change of several steps is under way. */
  get isSettled(): boolean {
    const { freeze, members, policies, homes } = this.#config;
    return (
      freeze === undefined &&
      members.every(({ live }) => live) &&
      policies.every(({ progress }) => progress.stage === "open") &&
      homes.every(({ move }) => move === undefined)
    );
  }
}

export function identityOf(number: number): Identity {
  return number.toString(16).padStart(32, "0") as Identity;
}
