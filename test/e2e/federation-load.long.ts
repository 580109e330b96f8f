// A federation under load on real processes, the first region of three members: regions are compared while all write
// (scenario 30), one joins meanwhile (scenario 36), counters count while links are cut, and leaders and whole regions
// killed (scenarios 19 and 42); and a transaction of 100,000 keys (scenario 43). With `npm run e2e`.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client, op } from "../../client/index.ts";
import type { WatchAnswer, Watcher } from "../../client/index.ts";
import type { MemberProcess } from "./cluster.ts";
import { DEADLINE_MS, FederationProcesses, REGIONS } from "./federation-processes.ts";
import type { RegionName as Name } from "./federation-processes.ts";
import { until } from "./until.ts";
import { bytes } from "./wire-client.ts";

const CALL = { deadlineMs: DEADLINE_MS };
/** A call may be repeated for as long as its deadline lets it: leaders are killed, and machines slow. */
const CLIENT = { ...CALL, limits: { attemptsMax: 10_000 } };
/** Of each region, each of which awaits its answer before it writes again. */
const WRITERS = 32;
const KEYS_OF_WRITER = 20;
const SHARED_KEYS = 16;
const ROUNDS = 4;
const WRITES_OF_ROUND = 3_000;
/** Operations of one transaction. */
const LARGE = 100_000;
/** It takes seconds of a processor in each region. */
const LARGE_MS = 4 * DEADLINE_MS;

const federation = new FederationProcesses();

beforeAll(async () => {
  const requestBytes = 16 * 1024 * 1024;
  const flags = [
    ...["--max-txn-ops", String(LARGE), "--max-request-bytes", String(requestBytes)],
    ...["--log-segment-bytes", String(4 * requestBytes)],
  ];
  // A load that takes all there is must not look like a leader that is lost.
  const patient = [
    ...["--election-timeout", "4000", "--heartbeat-interval", "400"],
    ...["--request-timeout-ms", String(LARGE_MS)],
  ];
  await federation.start(
    { eu: 3, us: 1, ap: 1 },
    { client: CLIENT, flags: [...flags, ...patient] },
  );
  await federation.found("eu", "us");
  await federation.ordered("eu", {
    policy: { prefix: bytes("n/"), policy: "lww", kind: "counter" },
  });
}, 4 * DEADLINE_MS);

afterAll(() => federation.stop());

/** Puts and deletes by many writers of some regions, each of its own keys and of some that all write. */
class Load {
  /** What is to be there in the end, of keys that have one writer. */
  readonly expected = new Map<string, string>();
  /** Of one writer, whose last word was a delete. */
  readonly deleted = new Set<string>();
  count = 0;
  readonly #prefix: string;
  readonly #writers: Promise<void>[];
  #stopping = false;

  constructor(prefix: string, names: readonly Name[]) {
    this.#prefix = prefix;
    this.#writers = names.flatMap((name) =>
      Array.from({ length: WRITERS }, (_, writer) => this.#write(name, writer)),
    );
  }

  async #write(name: Name, writer: number): Promise<void> {
    const client = federation.at(name);
    for (let at = 0; !this.#stopping; at += 1) {
      const own = `${this.#prefix}${name}/${writer}/${at % KEYS_OF_WRITER}`;
      if (at % 5 === 4) {
        await client.put(`${this.#prefix}shared/${at % SHARED_KEYS}`, `${name}${writer}.${at}`);
      } else if (at % 7 === 6) {
        await client.delete(own);
        this.expected.delete(own);
        this.deleted.add(own);
      } else {
        await client.put(own, String(at));
        this.expected.set(own, String(at));
        this.deleted.delete(own);
      }
      this.count += 1;
    }
  }

  async wrote(more: number): Promise<void> {
    const goal = this.count + more;
    await until(`${more} more writes`, 3 * DEADLINE_MS, () => this.count >= goal || undefined);
  }

  /** Runs `during` while all write; they stop whatever comes of it. */
  async during(during: () => Promise<void>): Promise<void> {
    const stopped = Promise.all(this.#writers);
    try {
      await Promise.race([during(), stopped]);
    } finally {
      this.#stopping = true;
      await stopped;
    }
  }
}

async function shown(name: Name, prefix: string): Promise<ReadonlyMap<string, string>> {
  const { kvs } = await federation.at(name).range({ prefix });
  return new Map(kvs.map((kv) => [kv.keyText(), kv.text()]));
}

test(
  "regions that compare and repair while all write as fast as they can find nothing (scenario 30)",
  async () => {
    const load = new Load("f/compared/", ["eu", "us"]);
    const startedAtMs = performance.now();
    let compared = 0;
    await load.during(async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await load.wrote(WRITES_OF_ROUND);
        const asked = (["eu", "us"] as const).map((name) =>
          federation.at(name).federation.verify({}, CALL),
        );
        for (const { keys, neighbours } of await Promise.all(asked)) {
          expect(keys).toEqual([]);
          for (const { outcome } of neighbours) expect(["equal", "moving"]).toContain(outcome);
          compared += neighbours.length;
        }
      }
    });
    const perSecond = Math.round((load.count / (performance.now() - startedAtMs)) * 1_000);
    process.stdout.write(`${load.count} writes, ${perSecond}/s, ${compared} comparisons\n`);
    for (const name of ["eu", "us"] as const) {
      for (const member of federation.cluster(name).members) {
        expect(await federation.metric(member, "hansa_federation_damaged_keys_total")).toBe(0);
      }
    }
    await until("both are equal once nobody writes", DEADLINE_MS, async () => {
      const { keys, neighbours } = await federation.at("eu").federation.verify({}, CALL);
      expect(keys).toEqual([]);
      return neighbours.every(({ outcome }) => outcome === "equal") || undefined;
    });
  },
  6 * DEADLINE_MS,
);

test(
  "a region joins while the others write and delete: it takes a state, and ends with what they have (scenario 36)",
  async () => {
    for (const member of [await federation.cluster("eu").leader(), federation.member("us")]) {
      await until(`${member.name} retains nothing for the other`, DEADLINE_MS, async () => {
        const retained = await federation.metric(member, "hansa_federation_retained_bytes");
        return retained === 0 || undefined;
      });
    }
    const load = new Load("f/joined/", ["eu", "us"]);
    await load.during(async () => {
      await load.wrote(1_000);
      const before = load.count;
      await federation.admit("ap", "join");
      await until("ap is live", 2 * DEADLINE_MS, async () =>
        (await federation.region("ap", "eu"))?.standing === "live" ? true : undefined,
      );
      process.stdout.write(`${load.count - before} writes while a region joined\n`);
      await load.wrote(1_000);
    });
    expect(federation.member("ap").output).toContain("another region's state is installed");
    expect(load.deleted.size).toBeGreaterThan(0);
    const isDue = (view: ReadonlyMap<string, string>): boolean =>
      [...load.expected].every(([key, value]) => view.get(key) === value) &&
      [...load.deleted].every((key) => !view.has(key));
    await until("all show every last write", DEADLINE_MS, async () => {
      const views = await Promise.all(REGIONS.map((name) => shown(name, "f/")));
      const [first] = views;
      expect(views.slice(1)).toEqual([first, first]);
      return views.every(isDue) || undefined;
    });
    await until("ap is equal to both", DEADLINE_MS, async () => {
      const { keys, neighbours } = await federation.at("ap").federation.verify({}, CALL);
      expect(keys).toEqual([]);
      const outcomes = neighbours.map(({ outcome }) => outcome);
      return outcomes.join() === "equal,equal" || undefined;
    });
    await until("ap writes", DEADLINE_MS, () => federation.at("ap").put("f/at/ap", "1"));
  },
  6 * DEADLINE_MS,
);

test(
  "1,000 additions in each of three regions make 3,000, whatever is cut or killed meanwhile (scenarios 19 and 42)",
  async () => {
    let count = 0;
    const adders = REGIONS.flatMap((name) =>
      Array.from({ length: 10 }, async () => {
        const counter = federation.at(name).kinds.counter("n/total");
        for (let at = 0; at < 100; at += 1) {
          await counter.add(1n);
          count += 1;
        }
      }),
    );
    const reached = (goal: number): Promise<unknown> =>
      until(`${goal} additions`, 2 * DEADLINE_MS, () => count >= goal || undefined);
    const backAgain = async (member: MemberProcess): Promise<void> => {
      member.start();
      await member.ready();
    };
    const killedLeader = async (): Promise<MemberProcess> => {
      const leader = await federation.cluster("eu").leader();
      await leader.kill();
      return leader;
    };
    const strikes = async (): Promise<void> => {
      await reached(200);
      federation.wan.cut("us");
      const first = await killedLeader();
      await reached(700);
      await backAgain(first);
      federation.wan.heal();
      await federation.member("ap").kill();
      await reached(1_200);
      await backAgain(federation.member("ap"));
      federation.wan.cut("ap");
      const second = await killedLeader();
      await reached(2_000);
      await backAgain(second);
      federation.wan.heal();
    };
    await Promise.all([...adders, strikes()]);
    await until("all have counted 3,000", 2 * DEADLINE_MS, async () => {
      const all = REGIONS.map((name) => federation.at(name).kinds.counter("n/total").get());
      const values = (await Promise.all(all)).map(({ value }) => value);
      for (const value of values) expect(value).toBeLessThanOrEqual(3_000n);
      return values.every((value) => value === 3_000n) || undefined;
    });
  },
  6 * DEADLINE_MS,
);

test(
  "a transaction of 100,000 keys is one revision in another region, and so is their delete (scenario 43)",
  async () => {
    const prefix = "f/large/";
    const { revision } = await federation.at("ap").put("f/at/ap", "2");
    const watcher = federation.at("ap").watch({ prefix }, { startRevision: revision + 1 });
    const patient = { deadlineMs: LARGE_MS, attemptMs: LARGE_MS };
    const client = new Client({ endpoints: [federation.member("us").endpoint], ...patient });
    const keys = Array.from({ length: LARGE }, (_, at) => `${prefix}${at}`);
    const told = next(watcher);
    await client.txn({ then: keys.map((key) => op.put(key, "1")) });
    const { events } = await told;
    expect([events.length, new Set(events.map(({ kv }) => kv.modRevision)).size]).toEqual([
      LARGE,
      1,
    ]);
    const gone = next(watcher);
    expect((await client.delete({ prefix })).deleted).toBe(LARGE);
    const { events: deletes } = await gone;
    expect(deletes.filter(({ kind }) => kind === "delete")).toHaveLength(LARGE);
    expect(new Set(deletes.map(({ kv }) => kv.modRevision)).size).toBe(1);
    watcher.close();
    await client.close();
  },
  2 * LARGE_MS,
);

/** The next answer that has events. */
async function next(watcher: Watcher): Promise<WatchAnswer> {
  for (;;) {
    const { value, done } = await watcher.next();
    if (done === true || value === undefined) throw new Error("the watch has ended");
    if (value.events.length > 0) return value;
  }
}
