// The applied state that serves: a machine, its engine, and what applies entries to them. A snapshot stands
// beside it until the log says that it is in force; then it takes its place, and the one before goes (R15).
import { present } from "../base/index.ts";
import type { ConsensusOptions } from "../consensus/index.ts";
import type { Engine, EngineStore, Machine } from "../store/index.ts";
import type { DiskFailure } from "../store/index.ts";
import type { Applier } from "./applier.ts";
import type { EndOfTurn, Journal } from "./ports.ts";
import { RetirableEngine } from "./retirable-engine.ts";
import type { StagedState } from "./snapshot-receiver.ts";

export interface StateInForceInit {
  readonly generation: number;
  readonly engine: Engine;
  readonly machine: Machine;
  readonly engines: EngineStore;
  readonly createApplier: (engine: Engine, machine: Machine) => Applier;
  readonly endOfTurn: EndOfTurn;
  readonly journal: Journal;
  readonly options: Pick<ConsensusOptions, "planted">;
}

interface State {
  readonly generation: number;
  readonly engine: RetirableEngine;
  readonly machine: Machine;
  readonly applier: Applier;
}

export class StateInForce {
  readonly #init: StateInForceInit;
  #state: State;
  #staged: StagedState | undefined;

  constructor(init: StateInForceInit) {
    this.#init = init;
    this.#state = this.#begin(init);
  }

  get generation(): number {
    return this.#state.generation;
  }

  /** To be asked for afresh with every plan. */
  get engine(): Engine {
    return this.#state.engine;
  }

  get machine(): Machine {
    return this.#state.machine;
  }

  get applier(): Applier {
    return this.#state.applier;
  }

  /** The next write of the log says that it is in force. */
  stage(staged: StagedState): void {
    this.#staged = staged;
    if (this.#init.options.planted !== "snapshot-install-not-atomic") return;
    this.#init.engines.remove(this.#state.generation, () => undefined);
  }

  /** That write is durable. @returns the state that is in force. */
  flip(): StagedState {
    const staged = present(this.#staged, "the state that the log says is in force");
    const before = this.#state;
    this.#staged = undefined;
    before.applier.stop();
    this.#state = this.#begin(staged);
    before.engine.close((failure) => {
      if (failure !== undefined) this.#leftBehind(failure);
      else {
        this.#init.engines.remove(before.generation, (problem) => {
          if (problem !== undefined) this.#leftBehind(problem);
        });
      }
    });
    return staged;
  }

  #begin({
    generation,
    engine,
    machine,
  }: Pick<StateInForceInit, "generation" | "engine" | "machine">): State {
    const retirable = new RetirableEngine(engine, this.#init.endOfTurn);
    const applier = this.#init.createApplier(retirable, machine);
    return { generation, engine: retirable, machine, applier };
  }

  /** Nothing refers to it, and the next boot removes it. */
  #leftBehind(failure: DiskFailure): void {
    this.#init.journal.warn("the state before a snapshot is left behind", { ...failure });
  }
}
