// Reads out what this region keeps beyond the cuts of closed origins, and lets it go when its operator says so
// (federation 11). Any member has it.
import { KvError } from "../base/index.ts";
import { decodeTransaction, encodeChange, regionOf } from "../federation/index.ts";
import type { OriginId, RetainedRow, Salvage } from "../federation/index.ts";
import type { CallContext, Done, Header, Place, SalvagePage, Salvaging } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { FederatedRegion } from "./federated-region.ts";
import { loadRetained } from "./federation-rows.ts";
import { failureOf } from "./own-command.ts";
import type { Replica } from "./replica.ts";

export interface SalvageDeskInit {
  readonly replica: Pick<Replica, "submit" | "engine">;
  readonly state: FederatedRegion;
  readonly header: () => Header;
}

/** Of one page, unless one transaction is larger. */
const PAGE_COUNT_MAX = 256;
const PAGE_BYTES_MAX = 1024 * 1024;

export class SalvageDesk implements Salvaging {
  readonly #init: SalvageDeskInit;

  constructor(init: SalvageDeskInit) {
    this.#init = init;
  }

  regionOf(origin: OriginId): string {
    return regionOf(this.#init.state.config, origin) ?? String(origin);
  }

  list(from: Place, _: CallContext, done: Done<SalvagePage>): void {
    const { state, replica, header } = this.#init;
    const kept = state.rebirth.salvage.filter(({ origin, last }) => {
      return origin > from.origin || (origin === from.origin && last >= from.sequence);
    });
    const [one, other] = kept;
    if (one === undefined) {
      done({ ok: true, header: header(), value: { transactions: [] } });
      return;
    }
    const first = one.origin === from.origin ? Math.max(one.first, from.sequence) : one.first;
    const countMax = Math.min(PAGE_COUNT_MAX, one.last - first + 1);
    const wish = { origin: one.origin, from: first, countMax, bytesMax: PAGE_BYTES_MAX };
    loadRetained(
      (asked) => state.recent(asked),
      replica.engine,
      wish,
      (rows) => {
        if (rows === undefined || rows.length === 0) {
          const why = "hansa: what was to be read is not there any more: list again";
          done({ ok: false, error: new KvError("unavailable", "not-applied", why) });
        } else done({ ok: true, header: header(), value: pageOf(rows, one, other) });
      },
    );
  }

  /** In steps of bounded size. */
  discard(origin: OriginId, through: number, context: CallContext, done: Done<undefined>): void {
    const { replica, header } = this.#init;
    replica.submit({
      kind: "federation",
      caller: OWN_AUTHORITY,
      body: encodeChange({ change: "discard", origin, through }),
      deadlineAtMs: context.deadlineAtMs,
      done: (result) => {
        if (!result.ok) {
          done(result);
          return;
        }
        const { response } = result;
        const refused = failureOf(response);
        if (refused !== undefined) {
          done({ ok: false, error: new KvError("federation-refused", "not-applied", refused) });
        } else if (response.kind === "federation" && response.answer.more) {
          this.discard(origin, through, context, done);
        } else done({ ok: true, header: header(), value: undefined });
      },
    });
  }
}

/** `rows`: of `one`, at least one of them. */
function pageOf(
  rows: readonly RetainedRow[],
  one: Salvage,
  other: Salvage | undefined,
): SalvagePage {
  const transactions = rows.map(({ bytes }) => decodeTransaction(bytes).transaction);
  const last = rows.at(-1)?.sequence ?? one.last;
  if (last < one.last) return { transactions, next: { origin: one.origin, sequence: last + 1 } };
  if (other === undefined) return { transactions };
  return { transactions, next: { origin: other.origin, sequence: other.first } };
}
