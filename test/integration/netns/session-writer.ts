// A writer through the client library, which repeats each write under its session until it is answered: puts of
// a key that is its own, and of a pair of keys in one transaction. At the end the keys' versions say whether
// every acknowledged write took effect, and each at most once.
import { op } from "../../../client/index.ts";
import type { Client } from "../../../client/index.ts";
import type { Observations } from "./observations.ts";

/** Under which every pair lies, for those who read all of them. */
export const PAIRS = "pairs/";

export interface SessionWriterOptions {
  readonly name: string;
  /** Begins each of its keys. */
  readonly scope: string;
  readonly client: Client;
  readonly observations: Observations;
  readonly onAcknowledged: (calledAtMs: number) => void;
}

interface Tally {
  readonly keys: readonly string[];
  acknowledged: number;
  unknown: number;
  last: number;
}

export class SessionWriter {
  readonly #options: SessionWriterOptions;
  readonly #own: Tally;
  readonly #pair: Tally;
  #count = 0;

  constructor(options: SessionWriterOptions) {
    this.#options = options;
    const { scope, name } = options;
    const none = { acknowledged: 0, unknown: 0, last: 0 };
    const pair = `${scope}/${PAIRS}${name}`;
    this.#own = { keys: [`${scope}/own/${name}`], ...none };
    this.#pair = { keys: [`${pair}/left`, `${pair}/right`], ...none };
  }

  get acknowledged(): number {
    return this.#own.acknowledged + this.#pair.acknowledged;
  }

  get unknown(): number {
    return this.#own.unknown + this.#pair.unknown;
  }

  async once(): Promise<void> {
    const { client, observations, onAcknowledged } = this.#options;
    this.#count += 1;
    const tally = this.#count % 2 === 0 ? this.#pair : this.#own;
    const value = String(this.#count);
    const called = observations.call();
    try {
      const then = tally.keys.map((key) => op.put(key, value));
      const { revision } =
        tally === this.#own
          ? await client.put(tally.keys[0] ?? "", value)
          : await client.txn({ then });
      observations.onWritten(called, revision, true);
      tally.acknowledged += 1;
      tally.last = this.#count;
      onAcknowledged(called.atMs);
    } catch {
      // Its fate is judged at the end, by the keys' versions and values.
      tally.unknown += 1;
    }
  }

  async judge(): Promise<void> {
    for (const tally of [this.#own, this.#pair]) {
      for (const key of tally.keys) await this.#judgeKey(key, tally);
    }
  }

  /** A version counts the key's puts: fewer than acknowledged is loss, more than called is a repeat. */
  async #judgeKey(key: string, { acknowledged, unknown, last }: Tally): Promise<void> {
    const { client, observations } = this.#options;
    const { kv } = await client.get(key, { mode: "quorum" });
    const [version, value] = [kv?.version ?? 0, Number(kv?.text() ?? "0")];
    const report = (what: string): void => observations.report(`${key}: ${what}`);
    if (version < acknowledged) report(`${acknowledged} puts acknowledged, ${version} applied`);
    if (version > acknowledged + unknown) {
      report(`${acknowledged + unknown} puts called, ${version} applied`);
    }
    if (value < last) report(`holds ${value} after ${last} was acknowledged`);
  }
}
