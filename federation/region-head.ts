// The head row of a region's federation: what is small of its state, and how far each origin is applied, written once a
// batch if anything has moved (federation 2).
import { compareBytes } from "../base/index.ts";
import { ascending } from "./region-core.ts";
import type { RegionCore } from "./region-core.ts";
import { HEAD_ROW, decodeHead, encodeHead } from "./region-rows.ts";

export class RegionHead {
  readonly #core: RegionCore;
  #written: Uint8Array = new Uint8Array(0);
  #hasMoved = false;

  constructor(core: RegionCore) {
    this.#core = core;
  }

  /** Something of the federation was changed: most writes of a region have nothing to do with it. */
  moved(): void {
    this.#hasMoved = true;
  }

  write(): void {
    const core = this.#core;
    if (!this.#hasMoved || this.#isNothing) return;
    this.#hasMoved = false;
    core.writePositions();
    const { self, clock, drawn, full, standing } = core;
    const head = encodeHead({
      ...(self && { self }),
      hlc: clock.last,
      anchor: clock.anchor,
      forked: ascending(core.forked),
      disowned: ascending(core.disowned),
      drawn,
      aside: ascending(core.retained.retention.aside),
      full,
      conflictNext: core.conflicts.next,
      idNext: core.ids.next,
      standing,
    });
    if (compareBytes(head, this.#written) === 0) return;
    core.store.writes.put(HEAD_ROW, head);
    this.#written = head;
  }

  /** Of a region that is in no federation, and was in none: what was written before must not stay behind. */
  get #isNothing(): boolean {
    const { config, drawn } = this.#core;
    return config === undefined && drawn.length === 0 && this.#written.length === 0;
  }

  restore(row: Uint8Array): void {
    const {
      self,
      hlc,
      anchor,
      forked,
      disowned,
      drawn,
      aside,
      full,
      conflictNext,
      idNext,
      standing,
    } = decodeHead(row);
    const core = this.#core;
    core.self = self;
    core.clock.restore(hlc, anchor);
    for (const origin of forked) core.forked.add(origin);
    for (const origin of disowned) core.disowned.add(origin);
    for (const origin of aside) core.retained.retention.setAside(origin);
    core.drawn = drawn;
    core.full = full;
    core.conflicts.restoreNext(conflictNext);
    core.ids.restore(idNext);
    core.standing = standing;
    this.#written = row;
  }
}
