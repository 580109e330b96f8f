// Copies a prefix of one cluster to another: what stands at one revision, then every change after it, a transaction
// for each revision, so that what was written at once is seen at once there too. Leases are not copied.
import { op, prefixEnd } from "../client/index.ts";
import type { Client, Operation, WatchEvent } from "../client/index.ts";

/** Keys of one page of the first copy. */
const PAGE_KEYS = 1_000;

export interface MirrorPlan {
  readonly prefix: string;
  /** Stands instead of `prefix` at the destination. */
  readonly destPrefix: string;
  /** Operations in one transaction there; a revision with more goes in several. */
  readonly txnOperationsMax: number;
}

export interface MirrorReport {
  /** Keys written and deleted so far. */
  readonly onMirrored: (count: number) => void;
}

type Change = Operation<unknown>;

/**
 * Copies until `stop`.
 *
 * @throws {KvError} `compacted` when the destination fell behind what the source still has, and those of every call
 */
export async function mirror(
  source: Client,
  destination: Client,
  plan: MirrorPlan,
  report: MirrorReport,
  stop: AbortSignal,
): Promise<void> {
  const apply = async (changes: readonly Change[]): Promise<void> => {
    for (let from = 0; from < changes.length; from += plan.txnOperationsMax) {
      const part = changes.slice(from, from + plan.txnOperationsMax);
      await destination.txn({ then: part });
      report.onMirrored(part.length);
    }
  };
  const revision = await copyAll(source, plan, apply, stop);
  if (stop.aborted) return;
  const watcher = source.watch({ prefix: plan.prefix }, { startRevision: revision + 1 });
  const close = (): void => {
    watcher.close();
  };
  stop.addEventListener("abort", close, { once: true });
  try {
    for await (const { events } of watcher) {
      for (const changes of byRevision(plan, events)) await apply(changes);
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    stop.removeEventListener("abort", close);
    watcher.close();
  }
}

/** Page by page at one revision. @returns that revision */
async function copyAll(
  source: Client,
  plan: MirrorPlan,
  apply: (changes: readonly Change[]) => Promise<void>,
  stop: AbortSignal,
): Promise<number> {
  const first = await source.range(
    { prefix: plan.prefix },
    { limit: PAGE_KEYS, sortBy: "key", order: "ascend" },
  );
  const { revision } = first;
  let page = first;
  while (!stop.aborted) {
    await apply(page.kvs.map((kv) => op.put(placed(plan, kv.key), kv.value)));
    const last = page.kvs.at(-1);
    if (!page.more || last === undefined) break;
    const from = Buffer.concat([last.key, Uint8Array.of(0)]);
    page = await source.range(
      plan.prefix === "" ? { from } : { from, until: prefixEnd(Buffer.from(plan.prefix)) },
      { limit: PAGE_KEYS, sortBy: "key", order: "ascend", revision },
    );
  }
  return revision;
}

/** A list of changes for each revision, in order. */
function byRevision(plan: MirrorPlan, events: readonly WatchEvent[]): Change[][] {
  const groups: Change[][] = [];
  let revision = 0;
  for (const { kind, kv } of events) {
    if (kv.modRevision !== revision) groups.push([]);
    revision = kv.modRevision;
    const key = placed(plan, kv.key);
    groups.at(-1)?.push(kind === "put" ? op.put(key, kv.value) : op.delete(key));
  }
  return groups;
}

function placed(plan: MirrorPlan, key: Uint8Array): Uint8Array {
  return Buffer.concat([
    Buffer.from(plan.destPrefix),
    key.subarray(Buffer.byteLength(plan.prefix)),
  ]);
}
