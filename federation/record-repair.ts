// A record that is damaged here is replaced by another region's, whole and with its own dots, by an entry of the log
// (federation 17). What this region has applied beyond the copy is applied to it again, from what is retained, so that
// every member comes to the same record whatever stood there. A repair deletes nothing.
import { Digest } from "../store/index.ts";
import type { Refusal, RowSet } from "../store/index.ts";
import type { FederationChange } from "./change.ts";
import { sequence } from "./dot.ts";
import type { Dot } from "./dot.ts";
import { keptOf } from "./kept-record.ts";
import { refusedText } from "./local-writes.ts";
import { repairedRecord } from "./merkle-repair.ts";
import { isCompared } from "./record-step.ts";
import type { RegionCore } from "./region-core.ts";
import { decodeTransaction } from "./transaction-codec.ts";
import type { Transaction } from "./transaction.ts";
import { countOf } from "./vector.ts";
import type { Vector } from "./vector.ts";
import { compareStamps } from "./view.ts";

export type RepairChange = Extract<FederationChange, { readonly change: "repair" }>;

/** Transactions that one repair looks at; a copy that is further behind is fetched anew. */
const REPLAYED_MAX = 4096;

/** Names the rows of what was applied since the copy was made. */
export function needRepair(core: RegionCore, { copy }: RepairChange, rows: RowSet): void {
  for (const { origin, sequence: at } of dotsBeyond(core, copy.applied) ?? []) {
    core.retained.want(origin, at, rows);
  }
}

export function repairRecord(core: RegionCore, change: RepairChange): Refusal | undefined {
  const { key, copy } = change;
  const { applied, planted, records, rules, store } = core;
  if (rules.policyOf(key) === undefined) return refusedText("hansa: the key is not federated");
  if (!isCompared(copy.content) && planted !== "merkle-deletes") {
    return refusedText("hansa: a repair deletes nothing, and the copy is of no key");
  }
  const later = transactionsBeyond(core, copy.applied);
  if (later === undefined) {
    return refusedText("hansa: the copy is too old: what was applied since is not at hand");
  }
  const source = { region: change.from, record: copy.content, applied: copy.applied };
  const content = repairedRecord(key, source, { applied, later });
  if (content === undefined) {
    return refusedText("hansa: the copy has seen what is not applied here yet");
  }
  const shown = core.shownOf(key, content);
  store.begin();
  // Written anew even if it is equal: what it replaces may be damaged in one member alone.
  core.show(key, content, shown);
  records.set(key, keptOf(key, content, shown));
  records.commit(store.writes);
  core.leased.note(key);
  store.commit();
  core.note(new Digest().restart(core.standing).text(key));
  return undefined;
}

/** Undefined: more than one repair looks at, or of an origin of which another history is retained. */
function dotsBeyond({ applied, retained }: RegionCore, vector: Vector): readonly Dot[] | undefined {
  const dots: Dot[] = [];
  for (const [origin, last] of applied) {
    if (retained.retention.isAside(origin) && countOf(vector, origin) < last) return undefined;
    for (let at = countOf(vector, origin) + 1; at <= last; at += 1) {
      if (dots.push({ origin, sequence: sequence(at) }) > REPLAYED_MAX) return undefined;
    }
  }
  return dots;
}

/** Causes before effects: whoever applies a stamp mints only later ones. Undefined: some of them are not at hand. */
function transactionsBeyond(core: RegionCore, vector: Vector): readonly Transaction[] | undefined {
  const dots = dotsBeyond(core, vector);
  const transactions = dots?.flatMap(({ origin, sequence: at }): readonly Transaction[] => {
    const retained = core.retained.read(origin, at, core.during.rows);
    return retained === undefined ? [] : [decodeTransaction(retained.bytes).transaction];
  });
  if (dots === undefined || transactions?.length !== dots.length) return undefined;
  return [...transactions].sort((left, right) =>
    compareStamps({ hlc: left.hlc, dot: left }, { hlc: right.hlc, dot: right }),
  );
}
