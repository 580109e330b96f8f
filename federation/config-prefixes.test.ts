// What a federation says of prefixes, command by command: policies, kinds, homes, placements (federation 7, 12, 15).
// Each history is told whole.
import { expect, test } from "@jest/globals";
import {
  changed,
  founded,
  prefix,
  reports,
  three,
  why,
} from "../test/federation/config-history.ts";
import { originId, sequence } from "./dot.ts";

const lww = { command: "policy", policy: "lww", ranks: [], ttl: "refused" } as const;

test("a prefix opens when every region has re-issued what it has there, and closes in two rounds", () => {
  const done = (region: string, stage: "opening" | "closing" | "closed", last?: number) =>
    ({
      command: "prefix-done",
      region,
      prefix: prefix("a/"),
      stage,
      ...(last === undefined ? {} : { last: sequence(last) }),
    }) as const;
  const opening = changed(three, { ...lww, prefix: prefix("a/") });
  expect(opening.policies[0]?.progress).toEqual({
    stage: "opening",
    pending: ["ams", "fra", "iad"],
  });
  const open = changed(
    opening,
    done("fra", "opening"),
    done("ams", "opening"),
    done("iad", "opening"),
  );
  expect(open.policies[0]?.progress).toEqual({ stage: "open" });
  expect(why(open, done("fra", "opening"))).toBe("unchanged");
  const closing = changed(
    open,
    { command: "policy-unset", prefix: prefix("a/") },
    done("fra", "closing", 9),
    done("ams", "closing"),
    done("iad", "closing", 4),
  );
  expect(closing.policies[0]?.progress).toEqual({
    stage: "closed",
    pending: ["ams", "fra", "iad"],
    cut: [
      [2, 9],
      [3, 4],
    ],
  });
  expect(why(closing, { ...lww, prefix: prefix("a/") })).toMatch(/is being given up/);
  const gone = changed(
    closing,
    done("fra", "closed"),
    done("ams", "closed"),
    done("iad", "closed"),
  );
  expect(gone.policies).toEqual([]);
});

test("nobody waits for a region that is parted, nor for what lies beyond its cut", () => {
  const closing = changed(
    three,
    { ...lww, prefix: prefix("a/") },
    { command: "policy-unset", prefix: prefix("a/") },
    { command: "prefix-done", region: "ams", prefix: prefix("a/"), stage: "closing" },
    {
      command: "prefix-done",
      region: "iad",
      prefix: prefix("a/"),
      stage: "closing",
      last: sequence(50),
    },
    { command: "part", regions: ["iad"] },
  );
  const freeze = closing.epoch;
  const parted = changed(
    closing,
    { command: "frozen", region: "ams", epoch: freeze, applied: reports([3, 30]) },
    { command: "frozen", region: "fra", epoch: freeze, applied: reports([3, 31]) },
    { command: "prefix-done", region: "fra", prefix: prefix("a/"), stage: "closing" },
  );
  expect(parted.policies[0]?.progress).toEqual({
    stage: "closed",
    pending: ["ams", "fra"],
    cut: [[3, 31]],
  });
});

test("within a federated prefix a policy differs at once, but a kind opens, and stays", () => {
  const open = changed(
    founded,
    { ...lww, prefix: prefix("") },
    { command: "prefix-done", region: "ams", prefix: prefix(""), stage: "opening" },
    { ...lww, policy: "siblings", prefix: prefix("carts/") },
    { ...lww, kind: "counter", prefix: prefix("counters/") },
  );
  expect(open.policies.map(({ progress }) => progress.stage)).toEqual(["open", "open", "opening"]);
  expect(why(open, { ...lww, prefix: prefix("counters/") })).toMatch(/is counter and stays so/);
  expect(why(open, { ...lww, prefix: prefix("counters/x/") })).toMatch(/is opening/);
  expect(why(open, { command: "policy-unset", prefix: prefix("counters/") })).toMatch(
    /unset that prefix first/,
  );
  const unset = changed(open, { command: "policy-unset", prefix: prefix("carts/") });
  expect(unset.policies.map(({ prefix: one }) => one)).toEqual(["", "counters/"]);
});

test("a policy says what it needs", () => {
  const a = prefix("a/");
  expect(why(three, { ...lww, prefix: a, policy: "priority" })).toMatch(/ranks must name/);
  expect(why(three, { ...lww, prefix: a, ranks: ["fra"] })).toMatch(
    /ranks is for priority, not lww/,
  );
  expect(why(three, { ...lww, prefix: a, policy: "priority", ranks: ["lax"] })).toMatch(/"lax"/);
  expect(why(three, { ...lww, prefix: a, policy: "merge", kind: "set" })).toMatch(/must be lww/);
});

test("a home moves by plan: fence, own; unplanned only when it is parted or by force (federation 12, scenario 34)", () => {
  const p = prefix("claims/");
  const homed = changed(
    three,
    { ...lww, prefix: p },
    { command: "home", prefix: p, region: "ams", elsewhere: "forward" },
  );
  expect(why(homed, { command: "home", prefix: p, region: "fra", elsewhere: "forward" })).toMatch(
    /is ams: move it/,
  );
  const moving = changed(homed, { command: "home-move", prefix: p, to: "fra", force: false });
  expect(why(moving, { command: "home-own", prefix: p, region: "fra" })).toMatch(/has not fenced/);
  const fence = { origin: originId(1), sequence: sequence(12) };
  const owned = changed(
    moving,
    { command: "home-fenced", region: "ams", prefix: p, fence },
    { command: "home-own", region: "fra", prefix: p },
  );
  expect(owned.homes).toEqual([
    { prefix: p, region: "fra", elsewhere: "forward", epoch: owned.epoch },
  ]);
  const forced = changed(owned, { command: "home-move", prefix: p, to: "iad", force: true });
  expect(forced.homes[0]).toMatchObject({ region: "iad", epoch: forced.epoch });
  const stayed = changed(moving, { command: "home-stay", prefix: p });
  expect(stayed.homes[0]).toEqual({ ...homed.homes[0], epoch: stayed.epoch });
});

test("a home whose region is parted takes no writes until it moves, which that region has no part in", () => {
  const p = prefix("claims/");
  const parted = changed(
    three,
    { ...lww, prefix: p },
    { command: "home", prefix: p, region: "iad", elsewhere: "refuse" },
    { command: "part", regions: ["iad"] },
    { command: "frozen", region: "ams", epoch: 8, applied: [] },
    { command: "frozen", region: "fra", epoch: 8, applied: [] },
  );
  expect(parted.homes[0]?.region).toBe("iad");
  const move = { command: "home-move", prefix: p, force: false } as const;
  const moving = changed(parted, { ...move, to: "fra" });
  expect(moving.homes[0]).toMatchObject({ region: "iad", move: { to: "fra" } });
  expect(why(moving, { ...move, to: "fra" })).toBe("unchanged");
  const other = changed(moving, { ...move, to: "ams" });
  expect(why(other, { command: "home-own", prefix: p, region: "fra" })).toMatch(
    /not moving to fra/,
  );
  const moved = changed(other, { command: "home-own", prefix: p, region: "ams" });
  expect(moved.homes[0]).toEqual({
    prefix: p,
    region: "ams",
    elsewhere: "refuse",
    epoch: moved.epoch,
  });
});

test("a placement names members, and lies within a federated prefix", () => {
  const p = prefix("a/b/");
  expect(why(three, { command: "placement", prefix: p, regions: ["ams"] })).toMatch(
    /is not within a federated prefix/,
  );
  const placed = changed(
    three,
    { ...lww, prefix: prefix("a/") },
    { command: "placement", prefix: p, regions: ["iad", "ams"] },
  );
  expect(placed.placements).toEqual([{ prefix: p, regions: ["ams", "iad"] }]);
  const all = changed(placed, { command: "placement", prefix: p, regions: [] });
  expect(all.placements).toEqual([]);
});
