// What an alarm is: its kind, and of whom it tells.
import type { MemberId } from "../base/index.ts";

export type AlarmType = "no-space" | "corrupt";

export interface Alarm {
  /** Of whom it tells; 0: of nobody in particular. */
  readonly member: MemberId;
  readonly type: AlarmType;
}
