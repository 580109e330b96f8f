// A leader and its custom handlers: who is asked, what is proposed of the answers, who is stopped (federation 8). The
// region is a machine of its own, and the interpreter the one that production has.
import { createHash } from "node:crypto";
import { afterEach, beforeAll, expect, test } from "@jest/globals";
import type { MonotonicMs, WallMs } from "../base/index.ts";
import type { FederationChange, Handler } from "../federation/index.ts";
import { put } from "../test/store/requests.ts";
import { policy } from "../test/federation/document.ts";
import { Region, configOf, exchange } from "../test/federation/region.ts";
import { until } from "../test/e2e/until.ts";
import { FederatedRegion } from "./federated-region.ts";
import { FederationHandlers } from "./federation-handlers.ts";
import { openInterpreter } from "./handler-interpreter.ts";
import type { HandlerInterpreter } from "./handler-interpreter.ts";
import type { HandlerFault, HandlerTask } from "./handler-question.ts";

const WAIT_MS = 10_000;
const UNION = `function resolve(key, siblings) {
  return siblings.map(({ value }) => value ?? "").sort().join("+");
}`;

let interpret: HandlerInterpreter;
const leaders: Leader[] = [];

beforeAll(async () => {
  interpret = await openInterpreter();
});

afterEach(() => {
  for (const { handlers } of leaders.splice(0)) handlers.rest();
});

function handler(source: string, runs: Handler["runs"] = "on-write", name = "one"): Handler {
  return { name, hash: createHash("sha256").update(source).digest("hex"), source, runs };
}

class Leader {
  readonly region: Region;
  readonly handlers: FederationHandlers;
  readonly asked: HandlerTask[] = [];
  readonly proposed: FederationChange[] = [];
  readonly told: string[] = [];
  /** Answers in the place of the interpreter. */
  fault: HandlerFault | undefined;
  nowMs = 0;

  constructor(region: Region) {
    this.region = region;
    const tell = (message: string): void => {
      this.told.push(message);
    };
    this.handlers = new FederationHandlers({
      region: new FederatedRegion(() => region.host.machine),
      ask: (task, done) => {
        this.asked.push(task);
        queueMicrotask(() => done(this.fault ?? interpret(task)));
      },
      propose: (change, done) => {
        this.proposed.push(change);
        done(!("kind" in region.change(change)));
      },
      later: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => {
          clearTimeout(timer);
        };
      },
      clock: {
        monotonicMs: () => this.nowMs as MonotonicMs,
        wallMs: () => this.nowMs as WallMs,
      },
      journal: { info: tell, warn: tell, error: tell },
    });
    leaders.push(this);
  }

  count(outcome: "written" | "shown" | "kept" | "refused" | "failed"): number {
    return this.handlers.outcomes.get("one")?.get(outcome) ?? 0;
  }
}

/** North decides: it wrote last. */
function conflicts(one: Handler, ...keys: readonly string[]): [Leader, Leader] {
  const both = [new Region(1), new Region(2)] as const;
  const [east, north] = both;
  const policies = [policy("f/", { policy: "resolver", handler: one.name })];
  for (const region of both) region.configure(configOf(2, policies, { handlers: [one] }));
  for (const key of keys) east.run(put(key, "east"));
  north.nowMs = 1_000;
  for (const key of keys) north.run(put(key, "north"));
  exchange(both);
  return [new Leader(east), new Leader(north)];
}

function eventually(what: string, isSo: () => boolean): Promise<unknown> {
  return until(what, WAIT_MS, () => Promise.resolve(isSo() || undefined));
}

test("the winner's region alone asks, once a conflict, and writes what it is answered", async () => {
  const keys = Array.from({ length: 80 }, (_, at) => `f/${at}`);
  const [east, north] = conflicts(handler(UNION), ...keys);
  east.handlers.look();
  north.handlers.look();
  await eventually("all are written", () => north.count("written") === keys.length);
  expect([east.asked.length, north.asked.length]).toEqual([0, keys.length]);
  for (const key of keys) expect(north.region.get(key)).toBe("east+north");
  expect(north.region.state.records.contested).toBe(0);
  exchange([east.region, north.region]);
  expect(east.region.get("f/7")).toBe("east+north");
});

test("on read every region asks, and shows; what is kept is not asked again", async () => {
  const both = conflicts(handler(UNION, "on-read"), "f/a");
  for (const leader of both) {
    leader.handlers.look();
    await eventually("it is shown", () => leader.count("shown") === 1);
    expect(leader.region.get("f/a")).toBe("east+north");
    leader.handlers.look();
    expect(leader.asked).toHaveLength(1);
  }
  const [, north] = conflicts(handler("function resolve() {}"), "f/a");
  north.handlers.look();
  await eventually("it is kept", () => north.count("kept") === 1);
  north.handlers.look();
  expect([north.asked.length, north.proposed.length]).toEqual([1, 0]);
});

test("what throws is stopped at once, siblings stay, and it is told once (scenario 26)", async () => {
  const broken = handler("function resolve() { throw new Error('no idea'); }");
  const [, north] = conflicts(broken, "f/a", "f/b");
  north.handlers.look();
  await eventually("it is stopped", () => north.handlers.stopped.all.length === 1);
  const { name, hash } = broken;
  expect(north.handlers.stopped.all).toEqual([{ name, hash, why: "it throws Error: no idea" }]);
  expect(north.told).toEqual([expect.stringContaining("is stopped")]);
  expect(north.region.siblings("f/a")).toHaveLength(2);
  expect([north.proposed.length, north.count("failed")]).toEqual([0, 1]);
});

test("one that is set again is asked again, be it the same source", async () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  north.fault = { fault: "changed", why: "it changes" };
  north.handlers.look();
  await eventually("it is stopped", () => north.handlers.stopped.all.length === 1);
  north.fault = undefined;
  const { config } = north.region.state;
  if (config === undefined) throw new Error("it is configured");
  const stopped = { region: "north", why: "it changes" };
  const documentOf = (epoch: number, one: Handler): typeof config => ({
    ...config,
    epoch,
    handlers: [one],
  });
  north.region.configure(documentOf(2, { ...handler(UNION), stopped }));
  north.handlers.look();
  await eventually("the document has it", () => north.handlers.stopped.all.length === 0);
  expect(north.asked).toHaveLength(1);
  north.region.configure(documentOf(3, handler(UNION)));
  north.handlers.look();
  await eventually("it is written", () => north.count("written") === 1);
});

test("what may be the machine's fault is tried three times, a thread that is not there for ever", async () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  const again = async (times: number): Promise<void> => {
    north.handlers.look();
    await eventually("it failed", () => north.count("failed") === times);
    north.nowMs += 10_000;
  };
  north.fault = { fault: "absent", why: "no thread" };
  for (let times = 1; times <= 4; times += 1) await again(times);
  north.fault = { fault: "slow", why: "it is slow" };
  await again(5);
  await again(6);
  expect(north.handlers.stopped.all).toEqual([]);
  await again(7);
  expect(north.handlers.stopped.all).toMatchObject([{ why: "it is slow" }]);
  const [absent, slow, stopped, ...more] = north.told;
  expect([absent, slow]).toEqual(Array<string>(2).fill("a custom handler gave no answer"));
  expect([stopped?.includes("is stopped"), more.length]).toEqual([true, 0]);
});

test("a source that is not that of its hash is never run", async () => {
  const [, north] = conflicts({ ...handler(UNION), hash: "0".repeat(64) }, "f/a");
  north.handlers.look();
  await eventually("it is stopped", () => north.handlers.stopped.all.length === 1);
  expect(north.asked).toEqual([]);
});

test("who leads no more proposes nothing of what it asked", async () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  north.handlers.look();
  north.handlers.rest();
  await Promise.resolve();
  expect([north.asked.length, north.proposed.length]).toEqual([1, 0]);
});
