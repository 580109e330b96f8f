// An operator's commands, taken by any member and carried to the directory; and the federation as it stands, from
// the directory or, while that is away, as this region has logged it.
import { createHash, randomBytes } from "node:crypto";
import { KvError } from "../base/index.ts";
import type { Key, MonotonicMs } from "../base/index.ts";
import type { CallOptions } from "../client/index.ts";
import type {
  ConfigCommand,
  FederationConfig,
  Identity,
  RegionName,
  Vector,
} from "../federation/index.ts";
import type {
  CallContext,
  Done,
  FederationChanged,
  FederationDesk as FederationDeskPort,
  FederationOrder,
  FederationView,
  Header,
} from "../rpc/index.ts";
import type { FederationDirectory } from "./federation-directory.ts";
import { tryHandler } from "./handler-tryout.ts";

/** What this member's region knows by itself. */
export interface RegionKnowledge {
  /** As it was logged; undefined: none yet. */
  readonly config: FederationConfig | undefined;
  readonly applied: Vector;
}

export interface FederationDeskInit {
  readonly directory: Pick<FederationDirectory, "read" | "change">;
  /** Of this member. */
  readonly region: RegionName;
  readonly known: () => RegionKnowledge;
  /** Logs an incarnation as this region's own. @throws {KvError} if it was not logged */
  readonly draw: (incarnation: Identity) => Promise<void>;
  /** A key of the prefix that is there and is not the federation's. */
  readonly residentUnder: (prefix: Key) => Key | undefined;
  readonly header: () => Header;
  readonly now: () => MonotonicMs;
  readonly onBug: (bug: unknown) => void;
}

/** Of a call's time, kept for the answer from what the region has logged. */
const VIEW_SHARE = 0.5;

export class FederationDesk implements FederationDeskPort {
  readonly #init: FederationDeskInit;
  #trying = false;

  constructor(init: FederationDeskInit) {
    this.#init = init;
  }

  change(order: FederationOrder, context: CallContext, done: Done<FederationChanged>): void {
    this.#answer(this.#changed(order, context), done);
  }

  view(context: CallContext, done: Done<FederationView>): void {
    this.#answer(this.#viewed(context), done);
  }

  async #changed(order: FederationOrder, context: CallContext): Promise<FederationChanged> {
    const { directory } = this.#init;
    if (order.order === "handler") await this.#tried(order);
    if (order.order === "join") await this.#checkResidents(order, context);
    const command = this.#commandOf(order);
    if ("incarnation" in command) await this.#init.draw(command.incarnation);
    const change = await directory.change(command, this.#optionsOf(context, 1));
    if (change.outcome === "refused") {
      throw new KvError("federation-refused", "not-applied", change.why);
    }
    return { changed: change.outcome === "changed", config: change.config };
  }

  /** What is under a federated prefix and is not the federation's would be lost from sight. */
  async #checkResidents(
    { imports }: { readonly imports: boolean },
    context: CallContext,
  ): Promise<void> {
    const { directory, residentUnder } = this.#init;
    const config = await directory.read(this.#optionsOf(context, VIEW_SHARE));
    for (const { prefix } of imports ? [] : (config?.policies ?? [])) {
      const resident = residentUnder(prefix);
      if (resident === undefined) continue;
      const why = `this region has ${JSON.stringify(resident)} and perhaps others under a federated prefix: delete them, or join with --import`;
      throw new KvError("federation-refused", "not-applied", why);
    }
  }

  /** What a region is to mint under is drawn by its own log, so that no other data takes it up. */
  #own(region: RegionName): RegionName {
    const { region: own } = this.#init;
    if (region === "" || region === own) return own;
    const why = `a member of region ${region} is to be asked, not one of ${own}: its own data draws its incarnation`;
    throw new KvError("federation-refused", "not-applied", why);
  }

  /** One at a time: a trial takes a processor for a while. */
  async #tried(order: Extract<FederationOrder, { readonly order: "handler" }>): Promise<void> {
    if (this.#trying) {
      const why = "another handler is on trial at this member: try again";
      throw new KvError("federation-refused", "not-applied", why);
    }
    this.#trying = true;
    try {
      const { now, onBug } = this.#init;
      await tryHandler(order, now, onBug);
    } finally {
      this.#trying = false;
    }
  }

  async #viewed(context: CallContext): Promise<FederationView> {
    const { directory, known } = this.#init;
    const { config: logged, applied } = known();
    const common = { applied, regionEpoch: logged?.epoch ?? 0 };
    try {
      const config = await directory.read(this.#optionsOf(context, VIEW_SHARE));
      if (config !== undefined) return { ...common, config, directoryAnswered: true };
    } catch (cause) {
      if (!(cause instanceof KvError) || logged === undefined) throw cause;
      return { ...common, config: logged, directoryAnswered: false };
    }
    const why = "there is no federation yet: `hansa federation init` founds one";
    throw new KvError("federation-refused", "not-applied", why);
  }

  #commandOf(order: FederationOrder): ConfigCommand {
    if (order.order === "command") return this.#completed(order.command);
    if (order.order === "handler") {
      const { name, source, runs } = order;
      const hash = createHash("sha256").update(source).digest("hex");
      return { command: "handler", name, hash, source, runs };
    }
    if (order.order === "endpoints") {
      const region = order.region === "" ? this.#init.region : order.region;
      return { command: "endpoints", region, endpoints: order.endpoints };
    }
    const region = this.#own(order.region);
    switch (order.order) {
      case "init":
        return {
          command: "init",
          federationId: drawn(),
          region,
          incarnation: drawn(),
          endpoints: order.endpoints,
        };
      case "join":
        return {
          command: "join",
          region,
          incarnation: drawn(),
          endpoints: order.endpoints,
          imports: order.imports,
        };
      case "reincarnate": {
        const { soleSurvivor } = order;
        return { command: "reincarnate", region, incarnation: drawn(), soleSurvivor };
      }
    }
  }

  /** What of a home's writes does not come late is what is known here: the region to be is to be asked. */
  #completed(command: ConfigCommand): ConfigCommand {
    if (command.command !== "home-move") return command;
    return { ...command, known: [...this.#init.known().applied] };
  }

  #optionsOf({ deadlineAtMs, signal }: CallContext, share: number): CallOptions {
    const leftMs = (deadlineAtMs - this.#init.now()) * share;
    return { deadlineMs: Math.max(1, Math.floor(leftMs)), signal };
  }

  #answer<T>(work: Promise<T>, done: Done<T>): void {
    work.then(
      (value) => {
        done({ ok: true, header: this.#init.header(), value });
      },
      (cause: unknown) => {
        if (cause instanceof KvError) done({ ok: false, error: cause });
        else this.#init.onBug(cause);
      },
    );
  }
}

/** 128 random bits: an identity is never another's. */
function drawn(): Identity {
  return randomBytes(16).toString("hex") as Identity;
}
