// A staged snapshot takes the place of what this region kept, in one entry and one revision (federation 10, 11): the
// donor's state at V, and on top of it every transaction beyond V that is retained here, its own suffix first of all.
// So nothing that was applied is taken back, but what of a closed origin nobody is to have (strays.ts): the salvage.
import { assert, compareBytes, present } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { Digest } from "../store/index.ts";
import type { RowSet } from "../store/index.ts";
import { bootstrapFault, runsBeyond } from "./bootstrap-fault.ts";
import type { Run } from "./bootstrap-fault.ts";
import { BootstrapError, PartsReader, vectorOf } from "./bootstrap-part.ts";
import type { BootstrapHead } from "./bootstrap-part.ts";
import { chainNext, linkOf } from "./chain.ts";
import { closedOrigin } from "./config-standing.ts";
import type { ConflictRecord } from "./conflict-record.ts";
import { dotText } from "./dot.ts";
import type { OriginId } from "./dot.ts";
import { sameWrites } from "./event-rule.ts";
import { sameHash128 } from "./hash128.ts";
import { NO_RECORD, keptOf } from "./kept-record.ts";
import type { KeptRecord } from "./kept-record.ts";
import { encodeKindState } from "./kind-state-codec.ts";
import { recordHash } from "./merkle-tree.ts";
import { needHistories, otherHistories } from "./other-histories.ts";
import { steppedRecord } from "./record-step.ts";
import type { RecordContent } from "./record-step.ts";
import type { RegionCore } from "./region-core.ts";
import type { Applied } from "./region-rows.ts";
import type { Retained } from "./retained-transactions.ts";
import { decodeTransaction } from "./transaction-codec.ts";
import type { Shipped } from "./transaction-codec.ts";
import type { Transaction } from "./transaction.ts";
import { countOf, hasDot } from "./vector.ts";

interface Replayed {
  readonly shipped: Shipped;
  readonly hash: Uint8Array;
}

/** Names the rows that `installBootstrap` reads. */
export function needBootstrap(core: RegionCore, rows: RowSet): void {
  const head = core.bootstrap.staged?.head;
  if (head === undefined || bootstrapFault(core) !== undefined) return;
  core.bootstrap.need(rows);
  needHistories(core, rows);
  for (const { origin, from, last } of runsBeyond(core, head.positions)) {
    // One before, where it is retained: its hash tells whether the donor's history of the origin is this one.
    const first = present(core.retained.retention.firstOf(origin), "a retained run's first");
    for (let at = Math.max(first, from - 1); at <= last; at += 1) {
      core.retained.want(origin, at, rows);
    }
  }
}

/** Its history of the origin is not the one that is applied here. */
class ForkError extends BootstrapError {
  readonly origin: OriginId;

  constructor(origin: OriginId) {
    super(`its history of origin ${origin} is not the one that is applied here`);
    this.origin = origin;
  }
}

/** Undefined: it is installed. Else why not, and nothing has changed but that a fork which it showed is known. */
export function installBootstrap(core: RegionCore, rows: RowSet): string | undefined {
  const head = core.bootstrap.staged?.head;
  const fault = bootstrapFault(core);
  if (head === undefined || fault !== undefined) return fault ?? "no snapshot is staged";
  try {
    const replayed = replayOf(core, head, rows);
    const content = new Map<Key, RecordContent>();
    const conflicts: ConflictRecord[] = [];
    const reader = new PartsReader();
    for (const chunk of core.bootstrap.chunks(rows)) {
      for (const part of reader.push(chunk)) {
        if (part.part === "records") {
          for (const [key, record] of part.records) content.set(key, record);
        } else if (part.part === "conflicts") conflicts.push(...part.conflicts);
      }
    }
    reader.end();
    for (const { shipped } of replayed) replay(core, content, shipped);
    const others = otherHistories(core, rows);
    for (const origin of others) core.retained.setAside(origin);
    showContent(core, content, new Set(others));
    replaceState(core, head, replayed, conflicts);
    return undefined;
  } catch (error) {
    if (error instanceof ForkError) core.noteFork(error.origin);
    if (error instanceof BootstrapError) return error.message;
    throw error;
  }
}

/** In an order in which they may be applied. @throws {BootstrapError} if the two histories do not fit together */
function replayOf(core: RegionCore, head: BootstrapHead, rows: RowSet): readonly Replayed[] {
  const reached = new Map<OriginId, number>(vectorOf(head.positions));
  const queues = runsBeyond(core, head.positions).map((run) => runOf(core, head, run, rows));
  const ordered: Replayed[] = [];
  for (let progress = true; progress;) {
    progress = false;
    for (const queue of queues) {
      for (let next = queue[0]; next !== undefined; next = queue[0]) {
        const { deps, origin, sequence } = next.shipped.transaction;
        if ([...deps].some(([other, count]) => (reached.get(other) ?? 0) < count)) break;
        queue.shift();
        reached.set(origin, sequence);
        ordered.push(next);
        progress = true;
      }
    }
  }
  const held = queues.flatMap(([next]) => (next === undefined ? [] : [next.shipped.transaction]));
  const stuck = held.find((transaction) => !dependsOnCut(core, transaction, held));
  if (stuck === undefined) return ordered;
  throw new BootstrapError(`${dotText(stuck)} depends on what is neither in it nor here`);
}

/** Then nobody is ever to apply it: it is left out with what was cut, and so is what follows it. `heads`: the first so far. */
function dependsOnCut(
  { config }: RegionCore,
  { deps }: Transaction,
  heads: readonly Transaction[],
): boolean {
  assert(config !== undefined, "a snapshot is of a federation");
  return [...deps].some(([origin, count]) => {
    const cut = closedOrigin(config, origin)?.cut ?? Infinity;
    return count > cut || heads.some((one) => one.origin === origin && one.sequence <= count);
  });
}

function runOf(core: RegionCore, head: BootstrapHead, run: Run, rows: RowSet): Replayed[] {
  const { origin, from, last } = run;
  const retained = (at: number): Retained =>
    present(core.retained.read(origin, at, rows), "a retained row");
  const theirs = head.positions.get(origin);
  const first = present(core.retained.retention.firstOf(origin), "a retained run's first");
  const isKnown = theirs !== undefined && first < from;
  if (isKnown && compareBytes(retained(from - 1).hash, theirs.hash) !== 0)
    throw new ForkError(origin);
  const replayed: Replayed[] = [];
  let chain = theirs?.hash ?? present(core.seedOf(origin), "the seed of an origin that is applied");
  for (let at = from; at <= last; at += 1) {
    const { hash, bytes } = retained(at);
    const shipped = decodeTransaction(bytes);
    if (compareBytes(shipped.link, linkOf(chain)) !== 0) throw new ForkError(origin);
    chain = chainNext(core.hash, chain, bytes);
    if (compareBytes(chain, hash) !== 0) throw new ForkError(origin);
    replayed.push({ shipped, hash });
  }
  return replayed;
}

function replay(
  core: RegionCore,
  content: Map<Key, RecordContent>,
  { transaction }: Shipped,
): void {
  for (const operation of transaction.operations) {
    const before = content.get(operation.key) ?? NO_RECORD;
    content.set(operation.key, steppedRecord(before, transaction, operation, core.planted));
  }
}

function replaceState(
  core: RegionCore,
  head: BootstrapHead,
  replayed: readonly Replayed[],
  conflicts: readonly ConflictRecord[],
): void {
  const before = core.applied;
  const positions = new Map<OriginId, Applied>(head.positions);
  for (const { shipped, hash } of replayed) {
    const { origin, sequence } = shipped.transaction;
    positions.set(origin, { sequence, hash });
  }
  core.clock.saw(head.hlc);
  // Of what was applied here before, this region has the records already.
  for (const record of conflicts) {
    if (!hasDot(before, record.dot)) core.conflicts.add(record, core.during.index);
  }
  core.replacePositions(positions);
  core.leased.lookAtAll(core.during.now);
  if (core.planted === "rebootstrap-drops-own-suffix") core.retained.dropBeyond(positions);
  for (const [origin, { sequence: at }] of positions) {
    const isLeftOut = at < countOf(before, origin);
    const isOpen = closedOrigin(present(core.config, "a document"), origin) === undefined;
    core.retained.dropUnless(origin, isLeftOut && isOpen ? Infinity : at);
  }
  core.settleForks();
  core.bootstrap.clear();
  core.chunks.clear();
  core.note(new Digest().restart(core.standing).count(head.donor).count(head.standing));
}

/**
 * One revision: each key that is kept otherwise than before, with what it shows. `doubted`: origins of which another history
 * was here, perhaps, with other writes under the same dots.
 */
function showContent(
  core: RegionCore,
  content: ReadonlyMap<Key, RecordContent>,
  doubted: ReadonlySet<OriginId>,
): void {
  const { store, records } = core;
  store.begin();
  for (const key of records.keys()) {
    if (!content.has(key) && isFederated(core, key)) {
      store.show(key, undefined);
      records.set(key, NO_RECORD);
    }
  }
  for (const [key, after] of content) {
    const before = records.of(key);
    const isDoubted = after.siblings.some(({ dot }) => doubted.has(dot.origin));
    if (sameContent(before, after) && !(isDoubted && differs(key, before, after))) continue;
    const shown = core.shownOf(key, after);
    core.show(key, after, shown);
    records.set(key, keptOf(key, after, shown));
  }
  records.commit(store.writes);
  store.commit();
}

/** A prefix that has left the federation shows what it showed, and what is kept of it is let go by its own steps. */
function isFederated(core: RegionCore, key: Key): boolean {
  const policy = core.rules.policyOf(key);
  return policy !== undefined && policy.progress.stage !== "closed";
}

/** By what it was hashed to: its value may be left to a version. */
function differs(key: Key, { digest }: KeptRecord, after: RecordContent): boolean {
  const hash = recordHash(key, after);
  if (digest === undefined || hash === undefined) return digest !== undefined || hash !== undefined;
  return !sameHash128(digest.hash, hash);
}

/** Of one history equal dots are equal writes. */
function sameContent(left: RecordContent, right: RecordContent): boolean {
  if (!sameWrites(left.siblings, right.siblings)) return false;
  if (left.kinds.length !== right.kinds.length) return false;
  return left.kinds.every((state, at) => {
    const other = right.kinds[at];
    return (
      other !== undefined && compareBytes(encodeKindState(state), encodeKindState(other)) === 0
    );
  });
}
