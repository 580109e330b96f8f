// Watches of a real machine over a map, moved on at the end of each turn, as the replica's are.
import type { MemberId, Revision } from "../../../base/index.ts";
import type { ReadProof, Watches } from "../../../rpc/index.ts";
import { WatchHub } from "../../../store/index.ts";
import type {
  Request,
  Response,
  Watch,
  WatchChannel,
  WatchListener,
  WatchRequest,
} from "../../../store/index.ts";
import { Host } from "../../store/host.ts";

export class HostWatches implements Watches {
  readonly host = new Host();
  readonly #hub = new WatchHub(this.host.machine.changes);
  #advanced: (() => void)[] = [];

  /** Applies a command. */
  run(request: Request): void {
    this.apply(request);
  }

  /** The same, with its answer. */
  apply(request: Request): Response {
    const response = this.host.run(request);
    this.#schedule();
    return response;
  }

  get count(): number {
    return this.#hub.count;
  }

  get revision(): Revision {
    return this.#hub.revision;
  }

  get floor(): Revision {
    return this.#hub.floor;
  }

  open(request: WatchRequest, channel: WatchChannel, listener: WatchListener): Watch {
    this.#schedule();
    return this.#hub.open(request, channel, listener);
  }

  cancel(watch: Watch): void {
    this.#hub.cancel(watch);
    this.#schedule();
  }

  resume(channel: WatchChannel): void {
    this.#hub.resume(channel);
    this.#schedule();
  }

  toldUpTo(watch: Watch): Revision | undefined {
    return this.#hub.toldUpTo(watch);
  }

  whenAdvanced(run: () => void): void {
    this.#advanced.push(run);
  }

  proof(): ReadProof {
    return {
      asked: "default",
      used: "learner",
      memberId: 5n as MemberId,
      role: "learner",
      region: "eu",
      appliedIndex: this.host.machine.applied,
      revision: this.revision,
      stalenessBoundMs: 7,
      clockDriftMax: 0.01,
    };
  }

  #schedule(): void {
    setImmediate(() => {
      const { loads, more } = this.#hub.advance(100);
      for (const load of loads) this.#hub.supply(load, this.host.load(load.keys));
      if (more || loads.length > 0) this.#schedule();
      const waiting = this.#advanced;
      this.#advanced = [];
      for (const run of waiting) run();
    });
  }
}
