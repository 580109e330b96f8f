// What the operator's commands print: etcdctl's lines and fields, JSON with its names, tables of endpoints.
import type { Alarm, AlarmsAnswer, HashKvAnswer } from "../client/index.ts";
import { headerFields } from "./output-fields.ts";
import { headerJson, nonZero } from "./output-json.ts";
import type { View } from "./view.ts";

const NAMES: Readonly<Record<Alarm["type"], string>> = {
  "no-space": "NOSPACE",
  corrupt: "CORRUPT",
};

export function alarmsView({ header, alarms }: AlarmsAnswer): View {
  return {
    // The blank at the end is etcdctl's.
    simple: alarms.map((alarm) => `memberID:${alarm.memberId} alarm:${NAMES[alarm.type]} \n`),
    json: {
      header: headerJson(header),
      ...nonZero({
        alarms: alarms.map(({ memberId, type }) =>
          nonZero({ memberID: memberId === 0n ? "" : String(memberId), alarm: NAMES[type] }),
        ),
      }),
    },
    table: {
      head: ["MEMBER", "ALARM"],
      rows: alarms.map(({ memberId, type }) => [memberId.toString(16), NAMES[type]]),
    },
    fields: [
      ...headerFields(header),
      ...alarms.flatMap(({ memberId, type }): [string, string | bigint][] => [
        ["MemberID", memberId],
        ["AlarmType", NAMES[type]],
      ]),
    ],
  };
}

/** One endpoint's word; `failure`: it gave none. */
export interface EndpointHealth {
  readonly endpoint: string;
  readonly tookMs: number;
  readonly failure?: string;
}

export function healthView(healths: readonly EndpointHealth[]): View {
  const took = ({ tookMs }: EndpointHealth): string => `${tookMs.toFixed(3)}ms`;
  return {
    simple: healths.map((health) =>
      health.failure === undefined
        ? `${health.endpoint} is healthy: successfully committed proposal: took = ${took(health)}\n`
        : `${health.endpoint} is unhealthy: failed to commit proposal: ${health.failure}\n`,
    ),
    json: healths.map((health) => ({
      endpoint: health.endpoint,
      health: health.failure === undefined,
      took: took(health),
      ...nonZero({ error: health.failure ?? "" }),
    })),
    table: {
      head: ["ENDPOINT", "HEALTH", "TOOK", "ERROR"],
      rows: healths.map((health) => [
        health.endpoint,
        String(health.failure === undefined),
        took(health),
        health.failure ?? "",
      ]),
      tone: (column, text) => (column === "HEALTH" && text === "false" ? "bad" : undefined),
    },
  };
}

export type NamedHash = HashKvAnswer & { readonly endpoint: string };

export function hashesView(hashes: readonly NamedHash[]): View {
  return {
    simple: hashes.map(({ endpoint, hash }) => `${endpoint}, ${hash}\n`),
    json: hashes.map(({ endpoint, header, hash, compactRevision, hashRevision }) => ({
      Endpoint: endpoint,
      HashKV: {
        header: headerJson(header),
        hash,
        compact_revision: compactRevision,
        ...nonZero({ hash_revision: hashRevision }),
      },
    })),
    table: {
      head: ["ENDPOINT", "HASH", "HASH REVISION", "COMPACTED"],
      rows: hashes.map(({ endpoint, hash, hashRevision, compactRevision }) => [
        endpoint,
        String(hash),
        String(hashRevision),
        String(compactRevision),
      ]),
    },
  };
}
