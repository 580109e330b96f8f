// What `hansa lease` prints: etcdctl's lines and fields, JSON with the wire's names, a table of the list.
import type { Answer, LeaseAnswer, LeaseListAnswer, LeaseStateAnswer } from "../client/index.ts";
import { headerFields } from "./output-fields.ts";
import { base64, headerJson, nonZero } from "./output-json.ts";
import { shown } from "./output-simple.ts";
import type { Field, View } from "./view.ts";

export function grantedView({ header, id, ttlS }: LeaseAnswer): View {
  return {
    simple: [`lease ${leaseText(id)} granted with TTL(${ttlS}s)\n`],
    json: { header: headerJson(header), ID: String(id), TTL: ttlS },
    fields: [...headerFields(header), ["ID", id], ["TTL", ttlS]],
  };
}

export function revokedView(id: bigint, { header }: Answer): View {
  return {
    simple: [`lease ${leaseText(id)} revoked\n`],
    json: { header: headerJson(header) },
    fields: headerFields(header),
  };
}

/** `withKeys`: they were asked for. */
export function leaseStateView(
  { header, id, leftS, grantedTtlS, keys }: LeaseStateAnswer,
  { withKeys, hex }: { readonly withKeys: boolean; readonly hex: boolean },
): View {
  // 0 is a time that is up, and stays.
  const ttlS = leftS ?? -1;
  const told = `lease ${leaseText(id)} granted with TTL(${grantedTtlS}s), remaining(${ttlS}s)`;
  const names = keys.flatMap((key, at) => [at === 0 ? "" : " ", shown(key, hex)]);
  return {
    simple:
      leftS === undefined
        ? [`lease ${leaseText(id)} already expired\n`]
        : [told, ...(withKeys ? [", attached keys([", ...names, "])"] : []), "\n"],
    json: {
      header: headerJson(header),
      ID: String(id),
      TTL: ttlS,
      ...nonZero({ grantedTTL: grantedTtlS, keys: keys.map(base64) }),
    },
    fields: [
      ...headerFields(header),
      ["ID", id],
      ["TTL", ttlS],
      ["GrantedTTL", grantedTtlS],
      ...keys.map((key): Field => ["Key", key]),
    ],
  };
}

export function leaseListView({ header, ids }: LeaseListAnswer): View {
  return {
    simple: [`found ${ids.length} leases\n`, ...ids.map((id) => `${leaseText(id)}\n`)],
    table: { head: ["LEASE"], rows: ids.map((id) => [leaseText(id)]) },
    json: {
      header: headerJson(header),
      ...nonZero({ leases: ids.map((id) => ({ ID: String(id) })) }),
    },
    fields: [...headerFields(header), ...ids.map((id): Field => ["ID", id])],
  };
}

export function renewedView(id: bigint, ttlS: number): View {
  return {
    simple: [`lease ${leaseText(id)} keepalived with TTL(${ttlS})\n`],
    json: { ID: String(id), TTL: ttlS },
    fields: [
      ["ID", id],
      ["TTL", ttlS],
    ],
  };
}

export function goneView(id: bigint): View {
  return {
    simple: [`lease ${leaseText(id)} expired or revoked.\n`],
    json: { ID: String(id) },
    fields: [["ID", id]],
  };
}

/** Sixteen hexadecimal digits, as etcdctl shows leases. */
function leaseText(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, "0");
}
