// A watch's answers from the wire as its record has them.
import type { etcdserverpb } from "../../proto/index.ts";
import type { Pair } from "./history.ts";
import type { Statement, Told, ToldEvent } from "./watch-record.ts";

export type WatchAnswer = etcdserverpb.WatchResponse.$Shape;
type WireEvent = NonNullable<WatchAnswer["events"]>[number];
type WirePair = NonNullable<WireEvent["kv"]>;

export function toldOf(answer: WatchAnswer, statement?: Statement): Told {
  return {
    upTo: revisionOf(answer),
    events: (answer.events ?? []).map(eventOf),
    isFragment: answer.fragment === true,
    ...(statement === undefined ? {} : { statement }),
  };
}

export function revisionOf({ header }: WatchAnswer): number {
  return Number(header?.revision ?? 0);
}

function eventOf({ type, kv, prev_kv: before }: WireEvent): ToldEvent {
  const pair = pairOf(kv ?? {});
  const deleted = type === 1;
  return {
    kind: deleted ? "delete" : "put",
    revision: pair.modRevision,
    key: pair.key,
    ...(deleted ? {} : { pair }),
    ...(before ? { before: pairOf(before) } : {}),
  };
}

function pairOf(kv: WirePair): Pair {
  return {
    key: textOf(kv.key),
    value: textOf(kv.value),
    createRevision: Number(kv.create_revision ?? 0),
    modRevision: Number(kv.mod_revision ?? 0),
    version: Number(kv.version ?? 0),
    lease: BigInt(kv.lease ?? 0),
  };
}

/** Byte by byte, as the store's keys are. */
function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("latin1");
}
