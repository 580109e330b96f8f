// The bound on space, by sizes that the test tells.
import { describe, expect, test } from "@jest/globals";
import type { MemberId } from "../../base/index.ts";
import { LoneReplica } from "./lone-replica.ts";
import { alarm, compact, put } from "../store/requests.ts";
import { SpaceKeeper } from "../../server/space-keeper.ts";

const ME = 0xa1n as MemberId;
const QUOTA = 1_000;

interface Stage {
  readonly replica: LoneReplica;
  readonly keeper: SpaceKeeper;
  readonly lines: string[];
  /** Ends of what was asked to be given back. */
  readonly reclaims: (() => void)[];
}

function stage(quotaBytes = QUOTA): Stage {
  const replica = new LoneReplica(1, [[1, ME]]);
  const lines: string[] = [];
  const reclaims: (() => void)[] = [];
  const line = (message: string): void => {
    lines.push(message.split(":")[0] ?? "");
  };
  const keeper = new SpaceKeeper({
    replica,
    memberId: ME,
    quotaBytes,
    reclaim: (done) => reclaims.push(done),
    journal: { info: line, warn: line, error: line },
  });
  return { replica, keeper, lines, reclaims };
}

function stands({ replica }: Stage): boolean {
  return replica.machine.alarms.stands("no-space");
}

describe("the bound on space", () => {
  test("is warned of, raised, and ends with a margin", () => {
    const here = stage();
    here.keeper.onSize(799);
    expect(here.lines).toEqual([]);
    here.keeper.onSize(800);
    here.keeper.onSize(999);
    expect(here.lines).toEqual(["the state nears --quota-backend-bytes"]);
    expect(stands(here)).toBe(false);
    here.keeper.onSize(1_000);
    expect(stands(here)).toBe(true);
    expect(here.replica.host.run(put("a", "1"))).toMatchObject({ code: "no-space" });
    here.keeper.onSize(901);
    expect(stands(here)).toBe(true);
    here.keeper.onSize(900);
    expect(stands(here)).toBe(false);
    expect(here.lines.at(-1)).toBe("there is room again");
  });

  test("leaves an operator's word alone, and one that takes it back is told again", () => {
    const here = stage();
    here.replica.host.run(alarm("activate", ME));
    here.keeper.onSize(10);
    expect(stands(here)).toBe(true);
    here.replica.host.run(alarm("deactivate", ME));
    here.keeper.onSize(1_000);
    here.replica.host.run(alarm("deactivate", ME));
    here.keeper.onSize(1_000);
    expect(stands(here)).toBe(true);
  });

  test("gives back what compactions freed, once each, when they are through", () => {
    const here = stage();
    const { replica, keeper, reclaims } = here;
    for (const value of ["1", "2", "3"]) replica.host.run(put("a", value));
    keeper.onSize(850);
    expect(reclaims).toHaveLength(0);
    replica.host.flush();
    keeper.onSize(850);
    keeper.onSize(850);
    expect(reclaims).toHaveLength(1);
    reclaims[0]?.();
    keeper.onSize(850);
    expect(reclaims).toHaveLength(1);
    replica.host.run(compact(4));
    keeper.onSize(850);
    expect(reclaims).toHaveLength(1);
    replica.host.flush();
    keeper.onSize(850);
    expect(reclaims).toHaveLength(2);
    keeper.onSize(100);
    expect(reclaims).toHaveLength(2);
  });

  test("does not count a state that is being received beside the one in force", () => {
    const here = stage();
    Object.assign(here.replica.snapshots.progress, { receiving: true });
    here.keeper.onSize(5_000);
    expect(stands(here)).toBe(false);
  });

  test("of a member that is gone is ended by the leader; an operator's word about it is not", () => {
    const here = stage();
    here.replica.host.run(alarm("activate", 0xdeadn, "no-space", "alarm-finding"));
    here.replica.host.run(alarm("activate", 0xbeefn));
    here.replica.isLeader = false;
    here.keeper.onSize(10);
    expect(here.replica.submitted).toHaveLength(0);
    here.replica.isLeader = true;
    here.keeper.onSize(10);
    expect(here.replica.machine.alarms.list()).toEqual([{ member: 0xbeefn, type: "no-space" }]);
  });

  test("is none where the operator says so", () => {
    const here = stage(Infinity);
    here.keeper.onSize(Number.MAX_SAFE_INTEGER);
    expect([stands(here), here.lines, here.reclaims]).toEqual([false, [], []]);
  });
});
