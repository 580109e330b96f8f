// A snapshot taken of one region and handed to another as entries of its log, as their leaders would.
import { assert } from "../../base/index.ts";
import { BootstrapChunks } from "../../federation/index.ts";
import type { BootstrapChunk, BootstrapCut, FederationChange } from "../../federation/index.ts";
import type { FederationAnswer, Refusal } from "../../store/index.ts";
import { hash } from "./region.ts";
import type { Region } from "./region.ts";

export interface Snapshot {
  readonly chunks: readonly BootstrapChunk[];
  readonly install: Extract<FederationChange, { readonly change: "install" }>;
}

export function cutOf(donor: Region): BootstrapCut {
  const cut = donor.state.rebirth.cut();
  assert(cut !== undefined, "a member's state can be given");
  return cut;
}

/** Read to its end; the donor may have gone on since it was cut. */
export function read(donor: Region, cut: BootstrapCut): Snapshot {
  const cutter = new BootstrapChunks(hash);
  const chunks: BootstrapChunk[] = [];
  for (let page = cut.next(); page !== undefined; page = cut.next()) {
    const part = page.part(donor.host.load(page.missing));
    assert(part !== undefined, "what a cut holds is there");
    chunks.push(...cutter.push(part));
  }
  chunks.push(...cutter.end());
  cut.release();
  const [first] = chunks;
  assert(first !== undefined, "a snapshot has its head");
  const { count, digest } = cutter;
  return { chunks, install: { change: "install", id: first.id, count, digest } };
}

export function stage(to: Region, { chunks }: Snapshot): void {
  for (const chunk of chunks) {
    const staged = to.change({ change: "bootstrap", chunk });
    assert(!("kind" in staged), "a chunk in its order is staged");
  }
}

export function bootstrap(to: Region, donor: Region): FederationAnswer | Refusal {
  const snapshot = read(donor, cutOf(donor));
  stage(to, snapshot);
  return to.change(snapshot.install);
}

/** What regions with equal vectors have in common: keys of tombstones alone are purged at different times. */
export function contentOf(region: Region): unknown {
  return region.state.keys().flatMap((key) => {
    const { kinds } = region.state.recordOf(key);
    const siblings = region.siblings(key);
    const isBuried = kinds.length === 0 && siblings.every((one) => one.endsWith(" gone"));
    return isBuried ? [] : [{ key, siblings, kinds, shown: region.get(key) }];
  });
}
