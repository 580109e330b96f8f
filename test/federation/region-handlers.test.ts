// What a custom handler's answers do to a region, whoever ran it (federation 8): written by the winner's origin alone,
// or shown by each region for itself; never of other siblings than it was asked about.
import { describe, expect, test } from "@jest/globals";
import { assert } from "../../base/index.ts";
import type { Key } from "../../base/index.ts";
import {
  VECTOR_ZERO,
  closedOrigin,
  handledChange,
  handlerQuestion,
} from "../../federation/index.ts";
import type {
  FederationBug,
  FederationChange,
  FederationConfig,
  Handler,
  HandlerQuestion,
  Resolution,
} from "../../federation/index.ts";
import { put } from "../store/requests.ts";
import { policy } from "./document.ts";
import { Region, bytes, configOf, exchange } from "./region.ts";

const K = "f/a" as Key;

function handler(runs: Handler["runs"], hash = "1".repeat(64)): Handler {
  return { name: "union", hash, source: "function resolve() {}", runs };
}

function configWith(one: Handler, rest: Partial<FederationConfig> = {}): FederationConfig {
  const prefixes = [policy("f/", { policy: "resolver", handler: one.name })];
  return configOf(2, prefixes, { handlers: [one], ...rest });
}

function two(config: FederationConfig, planted?: FederationBug): readonly [Region, Region] {
  const [east, north] = [new Region(1, planted), new Region(2, planted)];
  for (const region of [east, north]) region.configure(config);
  return [east, north];
}

function questionOf(
  { state, origin }: Region,
  planted?: FederationBug,
  agrees = true,
): HandlerQuestion | undefined {
  const { config, rules } = state;
  assert(config !== undefined, "it is configured");
  const isClosed = (of: typeof origin): boolean => closedOrigin(config, of) !== undefined;
  const judged = { rules, epoch: config.epoch, agrees };
  const asker = { self: origin, isClosed, ...judged, ...(planted && { planted }) };
  return handlerQuestion(K, state.recordOf(K), asker);
}

/** All words of all siblings, once. */
function union({ asked }: HandlerQuestion): Resolution {
  const words = asked.flatMap(({ value }) =>
    Buffer.from(value ?? [])
      .toString()
      .split("+"),
  );
  return { action: "value", value: bytes([...new Set(words)].sort().join("+")) };
}

/** As the region's leader does; undefined: it has nothing to ask. */
function answer(region: Region, planted?: FederationBug): FederationChange | undefined {
  const question = questionOf(region, planted);
  return question && handledChange(question, union(question), region.state.applied);
}

function conflict(all: readonly [Region, Region]): void {
  const [east, north] = all;
  east.run(put(K, "one"));
  north.nowMs = 50;
  north.run(put(K, "two"));
  exchange(all);
}

describe("a handler on write", () => {
  function writes(planted?: "resolver-storm"): number {
    const both = two(configWith(handler("on-write")), planted);
    conflict(both);
    let minted = 0;
    for (let round = 0; round < 4; round += 1) {
      const changes = both.map((region) => answer(region, planted));
      both.forEach((region, at) => {
        const change = changes[at];
        if (change === undefined) return;
        const applied = region.change(change);
        if (!("kind" in applied)) minted += applied.minted;
      });
      exchange(both);
    }
    for (const region of both) expect(region.get(K)).toBe("one+two");
    return minted;
  }

  test("runs at the winner's origin alone, and there is one more write (scenario 27, trap 7)", () => {
    expect(writes()).toBe(1);
    expect(writes("resolver-storm")).toBeGreaterThan(2);
  });

  test("writes nothing once the siblings are others", () => {
    const both = two(configWith(handler("on-write")));
    const [east, north] = both;
    conflict(both);
    const late = answer(north);
    assert(late !== undefined, "it is north's to ask");
    east.run(put(K, "three"));
    exchange(both);
    expect(north.change(late)).toMatchObject({ kind: "refused", message: /others by now/ });
    expect(north.get(K)).toBe("three");
  });

  test("is not asked before every region has the document, and what it says under another one is nothing", () => {
    const config = configWith(handler("on-write"));
    const both = two(config);
    const [, north] = both;
    conflict(both);
    expect(questionOf(north, undefined, false)).toBeUndefined();
    const late = answer(north);
    assert(late !== undefined, "it is north's to ask");
    north.configure({ ...config, epoch: 2 });
    expect(north.change(late)).toMatchObject({ kind: "refused", message: /of epoch 1/ });
    expect(north.siblings(K)).toHaveLength(2);
  });

  test("is any region's to run once the winner's origin is closed", () => {
    const one = handler("on-write");
    const [east, north] = two(configWith(one));
    conflict([east, north]);
    expect(questionOf(east)).toBeUndefined();
    const { members, ...rest } = configWith(one);
    const gone = members.filter(({ name }) => name === "north");
    const closed = gone.map(({ origin, incarnation, name }) => ({
      ...{ origin, incarnation, region: name, cut: 1, closed: 2 },
    }));
    const stay = members.filter(({ name }) => name !== "north");
    east.configure({ ...rest, members: stay, closed, epoch: 2 });
    const change = answer(east);
    assert(change !== undefined, "it is east's to ask");
    expect(east.change(change)).toMatchObject({ minted: 1 });
    expect(east.get(K)).toBe("one+two");
  });

  test("is not asked where it is stopped, nor where the prefix leaves", () => {
    const stopped = { ...handler("on-write"), stopped: { region: "east", why: "it throws" } };
    const both = two(configWith(stopped));
    conflict(both);
    for (const region of both) {
      expect(questionOf(region)).toBeUndefined();
      expect(region.get(K)).toBe("two");
      expect(region.siblings(K)).toHaveLength(2);
    }
  });
});

describe("a handler on read", () => {
  test("shows what it makes in each region, in a revision of its own, and writes nothing", () => {
    const both = two(configWith(handler("on-read")));
    conflict(both);
    for (const region of both) {
      const [before, applied] = [region.revision, region.state.applied];
      const change = answer(region);
      assert(change?.change === "show", "both ask");
      expect(region.change(change)).toMatchObject({ minted: 0 });
      expect(region.get(K)).toBe("one+two");
      expect(region.revision).toBe(before + 1);
      expect(region.events(before + 1)).toEqual([expect.stringContaining(`put ${K}`)]);
      expect(region.state.applied).toEqual(applied);
      expect(region.siblings(K)).toEqual(["1:1", "2:1"]);
      expect(questionOf(region)).toBeUndefined();
      region.restart();
      expect(region.get(K)).toBe("one+two");
      expect(questionOf(region)).toBeUndefined();
    }
  });

  test("shows nothing of siblings that are not there any more, and is asked anew", () => {
    const both = two(configWith(handler("on-read")));
    const [east, north] = both;
    conflict(both);
    const late = answer(east);
    assert(late !== undefined, "east asks");
    expect(east.change(late)).not.toMatchObject({ kind: "refused" });
    north.run(put(K, "two+three"));
    exchange(both);
    expect(east.siblings(K)).toEqual(["2:2"]);
    expect(east.get(K)).toBe("two+three");
    expect(east.change(late)).toMatchObject({ kind: "refused", message: /others by now/ });
    east.run(put(K, "four"));
    north.run(put(K, "five"));
    exchange(both);
    const change = answer(east);
    assert(change !== undefined, "east asks again");
    east.change(change);
    expect(east.get(K)).toBe("five+four");
  });

  test("shows nothing that another source made; stopped, it shows nothing at all", () => {
    const both = two(configWith(handler("on-read")));
    const [east] = both;
    conflict(both);
    const first = answer(east);
    assert(first !== undefined, "east asks");
    east.change(first);
    expect(east.get(K)).toBe("one+two");
    east.configure(configWith(handler("on-read", "2".repeat(64)), { epoch: 2 }));
    expect(east.get(K)).toBe("two");
    expect(east.change(first)).toMatchObject({ kind: "refused", message: /another handler/ });
    const second = answer(east);
    assert(second !== undefined, "the next source is asked");
    east.change(second);
    expect(east.get(K)).toBe("one+two");
    const stopped = { region: "east", why: "it loops" };
    east.configure(configWith({ ...handler("on-read", "2".repeat(64)), stopped }, { epoch: 3 }));
    expect(east.get(K)).toBe("two");
    expect(questionOf(east)).toBeUndefined();
  });

  test("hides a key that it deletes, and leaves alone what it keeps", () => {
    const both = two(configWith(handler("on-read")));
    const [east, north] = both;
    conflict(both);
    const question = questionOf(east);
    assert(question !== undefined, "east asks");
    const gone = handledChange(question, { action: "delete" }, VECTOR_ZERO);
    assert(gone !== undefined, "a delete is shown");
    const before = east.revision;
    east.change(gone);
    expect(east.get(K)).toBeUndefined();
    expect(east.events(before + 1)).toEqual([expect.stringContaining(`delete ${K}`)]);
    const kept = questionOf(north);
    expect(kept && handledChange(kept, { action: "keep" }, VECTOR_ZERO)).toBeUndefined();
    east.run(put(K, "again"));
    exchange(both);
    for (const region of both) expect(region.get(K)).toBe("again");
  });
});
