// Alarm messages from their bytes and to them.
import type { MemberId } from "../base/index.ts";
import { Writer, bigintOf } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import type { Alarm, AlarmType } from "../store/index.ts";
import { invalid } from "./decode.ts";

export interface AlarmQuestion {
  readonly action: "get" | "activate" | "deactivate";
  readonly member: MemberId;
  readonly alarm: AlarmType | "none";
}

const ACTIONS = ["get", "activate", "deactivate"] as const;
const TYPES = ["none", "no-space", "corrupt"] as const;

/** AlarmRequest; it stands in the log as it came. @throws {KvError} for numbers that etcd has not. */
export function readAlarm(reader: Reader): AlarmQuestion {
  let action: number = 0;
  let member = 0n as MemberId;
  let alarm: number = 0;
  while (reader.pos < reader.len) {
    const tag = reader.tag();
    if (tag === 1 << 3) action = reader.uint32();
    else if (tag === 2 << 3) member = bigintOf(reader.uint64()) as MemberId;
    else if (tag === 3 << 3) alarm = reader.uint32();
    else reader.pass(tag);
  }
  const [does, type] = [ACTIONS[action], TYPES[alarm]];
  if (does === undefined) throw invalid(`alarm action ${action} is unknown; expected 0 to 2`);
  if (type === undefined) throw invalid(`alarm type ${alarm} is unknown; expected 0 to 2`);
  return { action: does, member, alarm: type };
}

export function alarmBytes({ action, member, alarm }: AlarmQuestion): Uint8Array {
  return new Writer()
    .uint32(1 << 3)
    .uint32(ACTIONS.indexOf(action))
    .uint32(2 << 3)
    .uint64(member)
    .uint32(3 << 3)
    .uint32(TYPES.indexOf(alarm))
    .finish();
}

/** As the fields of an AlarmResponse behind its header. */
export function writeAlarms(writer: Writer, alarms: readonly Alarm[]): void {
  for (const { member, type } of alarms) {
    writer.uint32((2 << 3) | 2).fork();
    if (member !== 0n) writer.uint32(1 << 3).uint64(member);
    writer.uint32(2 << 3).uint32(TYPES.indexOf(type));
    writer.ldelim();
  }
}

/** As etcd's status lists them: memberID:N alarm:TYPE. */
export function alarmText({ member, type }: Alarm): string {
  const id = member === 0n ? "" : `memberID:${member} `;
  return `${id}alarm:${type === "corrupt" ? "CORRUPT" : "NOSPACE"} `;
}
