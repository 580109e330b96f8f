// What a region shows of its state to who compares regions (federation 17): the live tree, what is under its leaves, and
// where values are stored.
import type { Key } from "../base/index.ts";
import type { Version } from "../store/index.ts";
import type { ComparedKey, MerkleQuestion } from "./merkle-comparison.ts";
import type { ComparedState } from "./merkle-questions.ts";
import type { MerkleTree } from "./merkle-tree.ts";
import type { RegionCore } from "./region-core.ts";
import type { Vector } from "./vector.ts";

export class RegionComparing implements ComparedState {
  readonly #core: RegionCore;

  constructor(core: RegionCore) {
    this.#core = core;
  }

  get applied(): Vector {
    return this.#core.applied;
  }

  get tree(): MerkleTree | undefined {
    return this.#core.records.tree;
  }

  /** Nothing where the key's prefix is leaving the federation. */
  compared(key: Key): ComparedKey {
    const { siblings, digest } = this.#core.records.of(key);
    const stage = this.#core.rules.policyOf(key)?.progress.stage;
    if (stage === undefined || stage === "closed") return { key, hash: undefined, dots: [] };
    return { key, hash: digest?.hash, dots: siblings.map(({ dot }) => dot) };
  }

  comparedIn({ level, indexes }: MerkleQuestion, countMax: number): readonly ComparedKey[] {
    const keys = this.#core.records.inLeaves(new Set(indexes), level, countMax);
    return keys.map((key) => this.compared(key));
  }

  /** In no order, and as they come to be and to be gone meanwhile. */
  everyKey(): Iterable<Key> {
    return this.#core.records.each();
  }

  /** The newest version of the key, which may hold its record's value. */
  versionOf(key: Key): Version | undefined {
    return this.#core.store.visible(key);
  }
}
