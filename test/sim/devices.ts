// One machine's disk and the engines on it, as the world damages, heals and replaces them.
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import { SimDisk } from "./sim-disk.ts";
import type { CrashLoss, DiskFaults } from "./sim-disk.ts";
import { SimEngine } from "./sim-engine.ts";
import { SimEngines } from "./sim-engines.ts";
import type { Swarm } from "./swarm.ts";

export class Devices {
  readonly #name: string;
  readonly #events: EventQueue;
  readonly #chance: Chance;
  readonly #swarm: Swarm;
  #engineFaults: DiskFaults;
  #gapRate: number;
  #disk: SimDisk;
  #engines: SimEngines;
  /** Of the state in force (R15). */
  generation = 0;

  constructor(name: string, events: EventQueue, chance: Chance, swarm: Swarm) {
    this.#name = name;
    this.#events = events;
    this.#chance = chance;
    this.#swarm = swarm;
    this.#engineFaults = swarm.engine;
    this.#gapRate = swarm.gapRate;
    this.#disk = this.#newDisk();
    this.#engines = this.#newEngines();
  }

  #newDisk(): SimDisk {
    return new SimDisk(this.#name, this.#events, this.#chance.stream(), this.#swarm.disk);
  }

  #newEngines(): SimEngines {
    return new SimEngines(
      () =>
        new SimEngine(
          this.#name,
          this.#events,
          this.#chance.stream(),
          this.#engineFaults,
          this.#gapRate,
        ),
    );
  }

  get disk(): SimDisk {
    return this.#disk;
  }

  get engines(): SimEngines {
    return this.#engines;
  }

  /** Of the state in force. */
  get engine(): SimEngine {
    return this.#engines.of(this.generation);
  }

  /** When the last operation issued so far on any of them completes, in true time. */
  get busyUntilMs(): number {
    const engines = [...this.#engines.all].map(({ busyUntilMs }) => busyUntilMs);
    return Math.max(this.#disk.busyUntilMs, ...engines);
  }

  setFaults(disk: DiskFaults, engine: DiskFaults, gapRate: number): void {
    this.#disk.setFaults(disk);
    this.#engineFaults = engine;
    this.#gapRate = gapRate;
    for (const each of this.#engines.all) each.setFaults(engine, gapRate);
  }

  processDied(): void {
    this.#disk.processDied();
    for (const engine of this.#engines.all) engine.processDied();
  }

  /**
   * `mayGap`: the engine's recovery may skip a batch, as over a damaged block.
   *
   * @returns whether it can have done so.
   */
  powerLost(loss: CrashLoss, mayGap: boolean): boolean {
    this.#disk.powerLost(loss);
    const gapRate = mayGap ? this.#gapRate : 0;
    for (const engine of this.#engines.all) {
      engine.setFaults(this.#engineFaults, gapRate);
      engine.powerLost();
      engine.setFaults(this.#engineFaults, this.#gapRate);
    }
    return gapRate > 0;
  }

  /** Empty ones take their place. */
  replace(): void {
    this.#disk = this.#newDisk();
    this.#engines = this.#newEngines();
    this.generation = 0;
  }
}
