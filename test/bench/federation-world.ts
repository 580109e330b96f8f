// Three regions as the demonstration starts them, processes and delay included, and the load on them with the CPU that
// each region used meanwhile.
import { join } from "node:path";
import { Client } from "../../client/index.ts";
import { foundFederation, startRegions } from "../../examples/federation/founding.ts";
import type { Region } from "../../examples/federation/founding.ts";
import { Processes, endpointsOf, planGroup } from "../../examples/federation/regions.ts";
import type { Group } from "../../examples/federation/regions.ts";
import { Child } from "../e2e/child.ts";
import { MAIN } from "../e2e/cluster.ts";
import { until } from "../e2e/until.ts";
import type { FederationLoadPlan, FederationLoadReport } from "./federation-load.ts";
import { RemoteWideArea } from "./remote-wide-area.ts";
import { machineMs, processorMs } from "./processor-time.ts";

const GENERATOR = join(__dirname, "..", "..", "dist", "test", "bench", "federation-load.js");
const START_MS_MAX = 120_000;

export const ONE_WAY_MS = 40;
export const REGIONS = ["ams", "fra", "iad"] as const;
/** Federated under `lww`. */
export const FEDERATED = "federated/";

export class FederationWorld {
  readonly wan: RemoteWideArea;
  readonly regions: readonly Region[];
  readonly #processes: Processes;
  readonly #generators: Child[] = [];

  private constructor(wan: RemoteWideArea, processes: Processes, regions: readonly Region[]) {
    this.wan = wan;
    this.#processes = processes;
    this.regions = regions;
  }

  /** Regions of so many members. */
  static async start(members = 3): Promise<FederationWorld> {
    const wan = new RemoteWideArea(ONE_WAY_MS);
    const processes = new Processes(wan, MAIN);
    const regions: Region[] = [];
    try {
      regions.push(...(await startRegions(processes, REGIONS, members)));
      await foundFederation(regions, FEDERATED);
      return new FederationWorld(wan, processes, regions);
    } catch (failure) {
      await new FederationWorld(wan, processes, regions).stop();
      throw failure;
    }
  }

  region(name: (typeof REGIONS)[number]): Region {
    const region = this.regions.find((one) => one.name === name);
    if (region === undefined) throw new Error(`no region ${name}`);
    return region;
  }

  /** Three members that know of no federation, in the same network. */
  async startLone(): Promise<Region> {
    const name = "lone";
    const group = await planGroup(name, [name, name, name]);
    await this.#processes.start(group, []);
    const client = new Client({ endpoints: endpointsOf(group) });
    try {
      await until("the lone region takes writes", START_MS_MAX, () => client.put("begun", name));
    } finally {
      await client.close();
    }
    return { name, group, client };
  }

  pidsOf(group: Group): number[] {
    return this.#processes.pidsOf(group);
  }

  /** Begins to write to these regions. */
  load(regions: readonly Region[], plan: Omit<FederationLoadPlan, "regions">): RunningLoad {
    const named = regions.map(({ name, group }) => ({ name, endpoints: endpointsOf(group) }));
    const whole: FederationLoadPlan = { ...plan, regions: named };
    const generator = new Child(process.execPath, [GENERATOR, JSON.stringify(whole)]);
    this.#generators.push(generator);
    const deadlineMs = plan.warmUpMs + plan.measureMs + START_MS_MAX;
    return new RunningLoad({ world: this, regions, generator, deadlineMs });
  }

  async stop(): Promise<void> {
    for (const generator of this.#generators) {
      generator.signal("SIGKILL");
      await generator.exited;
    }
    for (const { client } of this.regions) await client.close();
    await this.#processes.stop();
    await this.wan.close();
  }
}

export interface Measured extends FederationLoadReport {
  /** By region: CPU time over real time, 1 is one core. */
  readonly cores: ReadonlyMap<string, number>;
  /** Share of the time in which the machine's processors were busy, with whatever. */
  readonly busy: number;
  /** Share in which its host kept them from it. */
  readonly stolen: number;
}

interface RunningLoadInit {
  readonly world: FederationWorld;
  readonly regions: readonly Region[];
  readonly generator: Child;
  /** Of each of its steps. */
  readonly deadlineMs: number;
}

/** Load that ends after its time, or when it is told to. */
class RunningLoad {
  readonly #init: RunningLoadInit;
  readonly #cpuMs = new Map<string, number>();
  #machineMs = machineMs();

  constructor(init: RunningLoadInit) {
    this.#init = init;
  }

  /** The measured span has begun. */
  async begun(): Promise<void> {
    const { regions, generator, deadlineMs } = this.#init;
    await generator.line(/^begin$/, deadlineMs);
    for (const region of regions) this.#cpuMs.set(region.name, this.#cpuOf(region));
    this.#machineMs = machineMs();
  }

  /** Ends the span before its time. */
  end(): void {
    this.#init.generator.write("end\n");
  }

  /** Once the span has ended, and every write has. */
  async measured(): Promise<Measured> {
    const { regions, generator, deadlineMs } = this.#init;
    await generator.line(/^end$/, deadlineMs);
    const usedMs = regions.map(
      (region) => [region.name, this.#cpuOf(region) - (this.#cpuMs.get(region.name) ?? 0)] as const,
    );
    const now = machineMs();
    const shareOf = (part: "busy" | "stolen"): number =>
      (now[part] - this.#machineMs[part]) / (now.all - this.#machineMs.all);
    const [busy, stolen] = [shareOf("busy"), shareOf("stolen")];
    const line = await generator.line(/^\{/, deadlineMs);
    await generator.exited;
    const report = JSON.parse(line) as FederationLoadReport;
    const cores = new Map(usedMs.map(([name, ms]) => [name, ms / report.elapsedMs]));
    return { ...report, cores, busy, stolen };
  }

  #cpuOf({ group }: Region): number {
    return processorMs(this.#init.world.pidsOf(group));
  }
}
