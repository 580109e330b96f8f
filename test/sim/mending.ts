// A member's log being mended by the others, as the server does it before anything else is opened: the real
// mender on the member's clock, and what is known of the log afterwards.
import type { BootNonce, MonotonicMs, NodeId } from "../../base/index.ts";
import type { PeerMessage } from "../../rpc/peer-message.ts";
import type { ProtocolName } from "../../server/cluster.ts";
import type { ReplicaLimits } from "../../server/limits.ts";
import { LogMender } from "../../server/log-mender.ts";
import type { Journal } from "../../server/ports.ts";
import type { DiskFailure } from "../../store/disk.ts";
import type { DamagedLog } from "../../store/log.ts";
import type { Process } from "./process.ts";
import { demand } from "./violation.ts";

export interface MendingInit {
  readonly id: NodeId;
  readonly incarnation: bigint;
  readonly process: Process;
  readonly protocol: ProtocolName;
  readonly limits: ReplicaLimits;
  readonly now: () => MonotonicMs;
  readonly peers: () => readonly NodeId[];
  readonly send: (to: NodeId, message: PeerMessage) => void;
  readonly journal: Journal;
}

export class Mending {
  readonly #init: MendingInit;
  #mender: LogMender | undefined;
  #anew = false;

  constructor(init: MendingInit) {
    this.#init = init;
  }

  begin(
    boot: BootNonce,
    damaged: DamagedLog,
    done: (failure: DiskFailure | undefined) => void,
  ): void {
    const { id, peers, journal } = this.#init;
    demand(peers().length > 0, "log-durability", () => `node ${id} is damaged and alone`);
    const mender = new LogMender({
      ...this.#init,
      boot,
      damaged,
      peers: peers(),
      done: (failure) => {
        this.end();
        if (failure !== undefined) journal.error("the log is not mended", { ...failure });
        done(failure);
      },
    });
    this.#mender = mender;
    this.#tick(mender);
    mender.begin();
  }

  /** Done, or its process has died: the log may have been written anew by then. */
  end(): void {
    this.#anew ||= this.#mender?.restored === false;
    this.#mender = undefined;
  }

  receive(message: PeerMessage): void {
    this.#mender?.receive(message);
  }

  /** Whether the log may be another's since it was last asked; asked when it is opened. */
  takeAnew(): boolean {
    const anew = this.#anew;
    this.#anew = false;
    return anew;
  }

  #tick(mender: LogMender): void {
    const { process, limits } = this.#init;
    process.schedule(limits.repairResendMs / 4, "mender tick", () => {
      if (this.#mender !== mender) return;
      mender.tick();
      this.#tick(mender);
    });
  }
}
