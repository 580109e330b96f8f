// What `hansa lease` prints: etcdctl's lines, or JSON with the wire's names. There is no table of a lease.
import type { Answer, LeaseAnswer, LeaseListAnswer, LeaseStateAnswer } from "../client/index.ts";
import { base64, encoded, headerJson, nonZero } from "./output-json.ts";
import { joined, shown } from "./output-simple.ts";
import type { Format } from "./output.ts";

export interface LeaseOutput {
  granted(answer: LeaseAnswer): Uint8Array;
  revoked(id: bigint, answer: Answer): Uint8Array;
  /** `withKeys`: they were asked for. */
  state(answer: LeaseStateAnswer, withKeys: boolean): Uint8Array;
  list(answer: LeaseListAnswer): Uint8Array;
  renewed(id: bigint, ttlS: number): Uint8Array;
  gone(id: bigint): Uint8Array;
}

export function leaseOutputOf(format: Format, options: { readonly hex: boolean }): LeaseOutput {
  return format === "json" ? JSON_OUTPUT : simpleOutput(options.hex);
}

function simpleOutput(hex: boolean): LeaseOutput {
  const line = (text: string): Uint8Array => joined([`${text}\n`]);
  return {
    granted: ({ id, ttlS }) => line(`lease ${idText(id)} granted with TTL(${ttlS}s)`),
    revoked: (id) => line(`lease ${idText(id)} revoked`),
    state: ({ id, leftS, grantedTtlS, keys }, withKeys) => {
      if (leftS === undefined) return line(`lease ${idText(id)} already expired`);
      const text = `lease ${idText(id)} granted with TTL(${grantedTtlS}s), remaining(${leftS}s)`;
      if (!withKeys) return line(text);
      const names = keys.flatMap((key, at) => [at === 0 ? "" : " ", shown(key, hex)]);
      return joined([`${text}, attached keys([`, ...names, "])\n"]);
    },
    list: ({ ids }) =>
      joined([`found ${ids.length} leases\n`, ...ids.map((id) => `${idText(id)}\n`)]),
    renewed: (id, ttlS) => line(`lease ${idText(id)} keepalived with TTL(${ttlS})`),
    gone: (id) => line(`lease ${idText(id)} expired or revoked.`),
  };
}

const JSON_OUTPUT: LeaseOutput = {
  granted: ({ header, id, ttlS }) =>
    encoded({ header: headerJson(header), ID: String(id), TTL: ttlS }),
  revoked: (_, { header }) => encoded({ header: headerJson(header) }),
  state: ({ header, id, leftS, grantedTtlS, keys }) =>
    encoded({
      header: headerJson(header),
      ID: String(id),
      // 0 is a time that is up, and stays.
      TTL: leftS ?? -1,
      ...nonZero({ grantedTTL: grantedTtlS, keys: keys.map(base64) }),
    }),
  list: ({ header, ids }) =>
    encoded({
      header: headerJson(header),
      ...nonZero({ leases: ids.map((id) => ({ ID: String(id) })) }),
    }),
  renewed: (id, ttlS) => encoded({ ID: String(id), TTL: ttlS }),
  gone: (id) => encoded({ ID: String(id) }),
};

/** Sixteen hexadecimal digits, as etcdctl shows leases. */
function idText(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, "0");
}
