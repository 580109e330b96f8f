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
    const core = this.#core;
    const head = decodeHead(row);
    core.self = head.self;
    core.clock.restore(head.hlc, head.anchor);
    for (const origin of head.forked) core.forked.add(origin);
    for (const origin of head.disowned) core.disowned.add(origin);
    for (const origin of head.aside) core.retained.retention.setAside(origin);
    core.drawn = head.drawn;
    core.full = head.full;
    core.conflicts.restoreNext(head.conflictNext);
    core.ids.restore(head.idNext);
    core.standing = head.standing;
    this.#written = row;
  }
}
