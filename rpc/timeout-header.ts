// gRPC's `grpc-timeout`: up to eight digits and a unit.

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/** Infinity: none is asked for. Undefined: what is asked for is no duration. */
export function timeoutMsOf(text: string | undefined): number | undefined {
  if (text === undefined) return Infinity;
  const [, count = "", unit = ""] = TIMEOUT.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}
