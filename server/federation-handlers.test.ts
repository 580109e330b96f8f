// A leader and its custom handlers: who is asked, what is proposed of the answers, who is stopped (federation 8). The
// region is a machine of its own, the interpreter the one that production has, and time passes when the test says so.
import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "@jest/globals";
import type { MonotonicMs, WallMs } from "../base/index.ts";
import { VECTOR_ZERO } from "../federation/index.ts";
import type { FederationChange, Handler } from "../federation/index.ts";
import { put } from "../test/store/requests.ts";
import { policy } from "../test/federation/document.ts";
import { Region, configOf, exchange } from "../test/federation/region.ts";
import { FederatedRegion } from "./federated-region.ts";
import { FederationHandlers } from "./federation-handlers.ts";
import { openInterpreter } from "./handler-interpreter.ts";
import type { HandlerInterpreter } from "./handler-interpreter.ts";
import type { HandlerFault, HandlerTask } from "./handler-question.ts";

/** More than between two looks, less than until a key is asked about again. */
const LOOK_MS = 50;
const AGAIN_MS = 2_000;
const UNION = `function resolve(key, siblings) {
  return siblings.map(({ value }) => value ?? "").sort().join("+");
}`;

const LEAST =
  "function resolve(key, siblings) { return siblings.map(({ value }) => value).sort()[0]; }";

let interpret: HandlerInterpreter;

beforeAll(async () => {
  interpret = await openInterpreter();
});

function handler(source: string, runs: Handler["runs"] = "on-write", name = "one"): Handler {
  return { name, hash: createHash("sha256").update(source).digest("hex"), source, runs };
}

interface Timer {
  readonly run: () => void;
  readonly atMs: number;
}

class Leader {
  readonly region: Region;
  readonly handlers: FederationHandlers;
  readonly asked: HandlerTask[] = [];
  readonly proposed: FederationChange[] = [];
  readonly told: string[] = [];
  /** Answers in the place of the interpreter. */
  fault: HandlerFault | undefined;
  /** Whether every region has the document. */
  agrees = true;
  /** Whether every region has all that is applied here. */
  isStable = true;
  nowMs = 0;
  readonly #unanswered: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  constructor(region: Region) {
    this.region = region;
    const tell = (message: string): void => {
      this.told.push(message);
    };
    this.handlers = new FederationHandlers({
      region: new FederatedRegion(() => region.host.machine),
      ask: (task, done) => {
        this.asked.push(task);
        this.#unanswered.push(() => done(this.fault ?? interpret(task)));
      },
      agrees: () => this.agrees,
      stable: () => (this.isStable ? region.state.applied : VECTOR_ZERO),
      propose: (change, done) => {
        this.proposed.push(change);
        done(!("kind" in region.change(change)));
      },
      later: (run, ms) => {
        const timer = { run, atMs: this.nowMs + ms };
        this.#timers.add(timer);
        return () => {
          this.#timers.delete(timer);
        };
      },
      clock: {
        monotonicMs: () => this.nowMs as MonotonicMs,
        wallMs: () => this.nowMs as WallMs,
      },
      journal: { info: tell, warn: tell, error: tell },
    });
  }

  answerAll(): void {
    for (const answer of this.#unanswered.splice(0)) answer();
  }

  pass(ms: number): void {
    this.nowMs += ms;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.nowMs);
    for (const timer of due) {
      this.#timers.delete(timer);
      timer.run();
    }
  }

  get isResting(): boolean {
    return this.#timers.size > 0;
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

test("the winner's region alone asks, a bounded number at a time, once a conflict, and writes what it is answered", () => {
  const keys = Array.from({ length: 80 }, (_, at) => `f/${at}`);
  const [east, north] = conflicts(handler(UNION), ...keys);
  east.handlers.look();
  north.handlers.look();
  expect(north.asked).toHaveLength(64);
  north.answerAll();
  north.pass(LOOK_MS);
  north.answerAll();
  expect([east.asked.length, north.asked.length]).toEqual([0, keys.length]);
  expect(north.count("written")).toBe(keys.length);
  for (const key of keys) expect(north.region.get(key)).toBe("east+north");
  expect(north.region.state.records.contested).toBe(0);
  exchange([east.region, north.region]);
  expect(east.region.get("f/7")).toBe("east+north");
});

test("on read every region asks, and shows; what is kept is not asked again", () => {
  const both = conflicts(handler(UNION, "on-read"), "f/a");
  for (const leader of both) {
    leader.handlers.look();
    leader.answerAll();
    expect([leader.count("shown"), leader.region.get("f/a")]).toEqual([1, "east+north"]);
    leader.handlers.look();
    leader.pass(AGAIN_MS);
    expect(leader.asked).toHaveLength(1);
  }
  const [, north] = conflicts(handler("function resolve() {}"), "f/a");
  north.handlers.look();
  north.answerAll();
  expect(north.count("kept")).toBe(1);
  north.handlers.look();
  north.pass(AGAIN_MS);
  expect([north.asked.length, north.proposed.length]).toEqual([1, 0]);
});

test("nobody is asked until every region has the document, then whoever decides is, though nothing is written", () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  north.agrees = false;
  north.handlers.look();
  north.pass(AGAIN_MS);
  expect([north.asked.length, north.proposed.length]).toEqual([0, 0]);
  north.agrees = true;
  north.handlers.look();
  north.answerAll();
  expect([north.asked.length, north.count("written")]).toEqual([1, 1]);
});

test("an answer that keeps a sibling is asked for again once every region has all of them, a new value at once", () => {
  const [, north] = conflicts(handler(LEAST), "f/a");
  north.isStable = false;
  north.handlers.look();
  north.answerAll();
  north.handlers.look();
  north.pass(LOOK_MS);
  expect([north.asked.length, north.count("kept"), north.proposed.length]).toEqual([1, 1, 0]);
  expect(north.region.siblings("f/a")).toHaveLength(2);
  north.isStable = true;
  north.handlers.look();
  north.pass(LOOK_MS);
  north.answerAll();
  expect([north.asked.length, north.count("written")]).toEqual([2, 1]);
  expect(north.region.get("f/a")).toBe("east");
  const [, other] = conflicts(handler(UNION), "f/a");
  other.isStable = false;
  other.handlers.look();
  other.answerAll();
  expect([other.count("written"), other.region.get("f/a")]).toEqual([1, "east+north"]);
});

test("what throws is stopped at once, siblings stay, and it is told once (scenario 26)", () => {
  const broken = handler("function resolve() { throw new Error('no idea'); }");
  const [, north] = conflicts(broken, "f/a", "f/b");
  north.handlers.look();
  north.answerAll();
  const { name, hash } = broken;
  expect(north.handlers.stopped.all).toEqual([{ name, hash, why: "it throws Error: no idea" }]);
  expect(north.told).toEqual([expect.stringContaining("is stopped")]);
  expect(north.region.siblings("f/a")).toHaveLength(2);
  expect([north.proposed.length, north.count("failed")]).toEqual([0, 1]);
});

test("one that is set again is asked again, be it the same source", () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  north.fault = { fault: "changed", why: "it changes" };
  north.handlers.look();
  north.answerAll();
  expect(north.handlers.stopped.all).toHaveLength(1);
  north.fault = undefined;
  const { config } = north.region.state;
  if (config === undefined) throw new Error("it is configured");
  const stopped = { region: "north", why: "it changes" };
  const documentOf = (epoch: number, one: Handler): typeof config => ({
    ...config,
    epoch,
    handlers: [one],
  });
  const follow = (epoch: number, one: Handler): void => {
    north.region.configure(documentOf(epoch, one));
    north.handlers.look();
    north.pass(LOOK_MS);
  };
  follow(2, { ...handler(UNION), stopped });
  expect([north.handlers.stopped.all.length, north.asked.length]).toEqual([0, 1]);
  follow(3, handler(UNION));
  north.answerAll();
  expect(north.count("written")).toBe(1);
});

test("what may be the machine's fault is tried three times, a thread that is not there for ever", () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  const again = (times: number): void => {
    north.handlers.look();
    north.pass(AGAIN_MS);
    north.answerAll();
    expect(north.count("failed")).toBe(times);
    north.pass(LOOK_MS);
    expect(north.asked).toHaveLength(times);
  };
  north.fault = { fault: "absent", why: "no thread" };
  for (let times = 1; times <= 4; times += 1) again(times);
  north.fault = { fault: "slow", why: "it is slow" };
  again(5);
  again(6);
  expect(north.handlers.stopped.all).toEqual([]);
  again(7);
  expect(north.handlers.stopped.all).toMatchObject([{ why: "it is slow" }]);
  const [absent, slow, stopped, ...more] = north.told;
  expect([absent, slow]).toEqual(Array<string>(2).fill("a custom handler gave no answer"));
  expect([stopped?.includes("is stopped"), more.length]).toEqual([true, 0]);
});

test("a source that is not that of its hash is never run", () => {
  const [, north] = conflicts({ ...handler(UNION), hash: "0".repeat(64) }, "f/a");
  north.handlers.look();
  expect(north.handlers.stopped.all).toHaveLength(1);
  expect(north.asked).toEqual([]);
});

test("who leads no more proposes nothing of what it asked, and looks no more", () => {
  const [, north] = conflicts(handler(UNION), "f/a");
  north.handlers.look();
  expect([north.asked.length, north.isResting]).toEqual([1, true]);
  north.handlers.rest();
  north.answerAll();
  expect([north.proposed.length, north.isResting]).toEqual([0, false]);
});
