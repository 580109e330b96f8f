// The directory as this region sees it: a document under one key of another Hansa group, changed by compare-and-set
// on its revision and followed by a watch (federation 14). The region works on from what it has logged while the
// directory is away; only changes wait for it.
import { setTimeout as pause } from "node:timers/promises";
import { KvError } from "../base/index.ts";
import { op, when } from "../client/index.ts";
import type { CallOptions, Client, Condition, Operation } from "../client/index.ts";
import { ConfigError, changeConfig, decodeConfig, encodeConfig } from "../federation/index.ts";
import type {
  ConfigChange,
  ConfigCommand,
  ConfigNews,
  FederationConfig,
} from "../federation/index.ts";
import type { Journal } from "./ports.ts";

/** Reserved in the directory group; who may change it may do everything to the federation. */
const DIRECTORY_KEY = "/hansa/federation";

/** Others change the document too: so often it is read and changed anew. */
const ATTEMPTS_MAX = 16;
/** Between two looks at a directory that does not answer. */
const RETRY_MS = 1_000;
/** Of one look of `follow`. */
const LOOK_MS = 5_000;

/** What goes with a change of the document, in one transaction with it. */
export interface Beside {
  /** The document as it is to be found; absent: whatever it is. */
  readonly isFor?: (config: FederationConfig) => boolean;
  readonly if: readonly Condition[];
  /** `config`: what the document is then. */
  readonly then: (config: FederationConfig) => readonly Operation<unknown>[];
}

const NOTHING_BESIDE: Beside = { if: [], then: () => [] };
const NOT_SO_BESIDE: ConfigChange = {
  outcome: "refused",
  why: "what it rests on is so no more",
};

/** Undefined `document`: there is no federation yet. */
interface Found {
  readonly document: Uint8Array | undefined;
  /** Of the key; 0: it is missing. */
  readonly modRevision: number;
  /** Of the directory's store, as it was read. */
  readonly revision: number;
}

export class FederationDirectory {
  readonly #client: Client;
  readonly #journal: Journal;

  /** The client becomes this object's own. */
  constructor(client: Client, journal: Journal) {
    this.#client = client;
    this.#journal = journal;
  }

  /**
   * Linearizable; undefined: there is no federation yet.
   *
   * @throws {KvError} those of every call, and `federation-refused` if this version cannot read the document.
   */
  async read(options: CallOptions): Promise<FederationConfig | undefined> {
    return configIn(await this.#find(options));
  }

  /**
   * Refused also where what is beside the document is not as it is to be.
   *
   * @throws {KvError} as `read`; `federation-refused` also if the document changed each time in between. With
   *   outcome `unknown` the command may be in force: read, or give it again.
   */
  async change(
    command: ConfigCommand,
    options: CallOptions,
    beside: Beside = NOTHING_BESIDE,
  ): Promise<ConfigChange> {
    let refusedAt: number | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const found = await this.#find(options);
      const config = configIn(found);
      // The document is what it was: so it was one of the conditions.
      const isRefused = found.modRevision === refusedAt;
      if (isRefused || (config && beside.isFor?.(config) === false)) return NOT_SO_BESIDE;
      const change = changeConfig(config, command);
      if (change.outcome !== "changed") return change;
      const { succeeded } = await this.#client.txn(
        {
          if: [when.modRevision(DIRECTORY_KEY, "=", found.modRevision), ...beside.if],
          then: [op.put(DIRECTORY_KEY, encodeConfig(change.config)), ...beside.then(change.config)],
        },
        options,
      );
      if (succeeded) return change;
      refusedAt = found.modRevision;
    }
    const why = `the configuration was changed by others ${ATTEMPTS_MAX} times; give the command again`;
    throw new KvError("federation-refused", "not-applied", why);
  }

  /**
   * Does something beside the document, which stays what it is.
   *
   * @returns whether it was done
   * @throws {KvError} as `change`
   */
  async changeBeside(beside: Beside, options: CallOptions): Promise<boolean> {
    const found = await this.#find(options);
    const config = configIn(found);
    if (config === undefined || beside.isFor?.(config) === false) return false;
    const isSame = when.modRevision(DIRECTORY_KEY, "=", found.modRevision);
    const then = beside.then(config);
    const { succeeded } = await this.#client.txn({ if: [isSame, ...beside.if], then }, options);
    return succeeded;
  }

  /** Of the same group: for what is kept there beside the document. */
  get client(): Pick<Client, "get" | "leases" | "put" | "range"> {
    return this.#client;
  }

  /**
   * Tells of the document that is there and of each that follows, until the returned function is called. What is
   * told are bytes: whoever takes them judges them.
   */
  follow(onNews: (news: ConfigNews) => void, onBug: (bug: unknown) => void): () => void {
    const abort = new AbortController();
    this.#following(onNews, abort.signal).catch((bug: unknown) => {
      if (!abort.signal.aborted) onBug(bug);
    });
    return () => {
      abort.abort();
    };
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #following(onNews: (news: ConfigNews) => void, signal: AbortSignal): Promise<void> {
    let answered = true;
    while (!signal.aborted) {
      try {
        const { document, revision } = await this.#find({ deadlineMs: LOOK_MS, signal });
        if (!answered) this.#journal.info("the federation's directory answers again", {});
        answered = true;
        if (document !== undefined) this.#tell(document, onNews);
        const watcher = this.#client.watch(DIRECTORY_KEY, { startRevision: revision + 1, signal });
        for await (const { events } of watcher) {
          for (const { kind, kv } of events) if (kind === "put") this.#tell(kv.value, onNews);
        }
      } catch (cause) {
        if (!(cause instanceof KvError)) throw cause;
        if (signal.aborted) return;
        if (answered) {
          const reason = cause.message;
          this.#journal.warn("the federation's directory does not answer", { reason });
        }
        answered = false;
        await pause(RETRY_MS, undefined, { signal });
      }
    }
  }

  #tell(document: Uint8Array, onNews: (news: ConfigNews) => void): void {
    try {
      onNews({ epoch: decodeConfig(document).epoch, document });
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      this.#journal.error("the directory's configuration is not taken", { reason: cause.message });
    }
  }

  async #find(options: CallOptions): Promise<Found> {
    const { kv, header } = await this.#client.get(DIRECTORY_KEY, options);
    const { revision } = header;
    if (kv === undefined) return { document: undefined, modRevision: 0, revision };
    return { document: kv.value, modRevision: kv.modRevision, revision };
  }
}

function configIn({ document }: Found): FederationConfig | undefined {
  if (document === undefined) return undefined;
  try {
    return decodeConfig(document);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const why = `the directory's document cannot be read by this version: ${cause.message}`;
    throw new KvError("federation-refused", "not-applied", why, { cause });
  }
}
