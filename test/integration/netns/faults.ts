// Real processes in namespaces of their own, cut off from one another in every shape, killed and paused, under
// a mixed load: nothing acknowledged is lost, every answer is what its mode promises, and service comes back
// by itself. Times are printed and never judged.
import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import { Chance } from "../../sim/chance.ts";
import { Cluster } from "../../e2e/cluster.ts";
import type { MemberProcess, PROTOCOLS } from "../../e2e/cluster.ts";
import { tick, until } from "../../e2e/until.ts";
import { bytes, ON_MISS, READ_MODES, WireClient } from "../../e2e/wire-client.ts";
import type { Range } from "../../e2e/wire-client.ts";
import { statesOf } from "../../e2e/workload.ts";
import { SHAPING } from "./capabilities.ts";
import { describeInNamespaces } from "./in-namespaces.ts";
import { MixedLoad } from "./mixed-load.ts";
import { Network } from "./network.ts";
import { MODES } from "./range-reader.ts";
import type { ReadModeName } from "./range-reader.ts";
import { apart, deaf, mute, star, without } from "./shapes.ts";
import type { Deafness } from "./shapes.ts";

const VOTERS = ["n1", "n2", "n3", "n4", "n5"];
const LEARNER = "l1";
const ALL = [...VOTERS, LEARNER];
/** Of one test, or of a cluster's start, on a machine that does much else: the waits within have their own. */
const TEST_MS_MAX = 120_000;
const CHANGE_MS_MAX = 20_000;
const CALL_MS_MAX = 500;
/** Partitions of the restless network, and how long one stands at most before the next comes on top. */
const ROUNDS = 6;
const PARTITION_MS_MAX = 500;
/** Another each time; whoever looks for the same load sets it. */
const SEED = Number(process.env["HANSA_TEST_NETNS_SEED"] ?? process.pid);

/** The same on both protocols: each has its file, so that they may run at the same time. */
export function describeFaults(protocol: (typeof PROTOCOLS)[number]): void {
  describeInNamespaces(`members in namespaces of their own over ${protocol}`, () => {
    jest.setTimeout(TEST_MS_MAX);
    let network: Network;
    let cluster: Cluster;

    beforeAll(async () => {
      network = await Network.create(ALL);
      cluster = await Cluster.start({
        voters: VOTERS.length,
        learners: 1,
        flags: ["--consensus", protocol, "--election-timeout", "500", "--heartbeat-interval", "50"],
        homeOf: (name) => network.home(name),
      });
    });

    // What a test that failed has left behind is no matter of the next one.
    afterEach(async () => {
      await network.heal();
      const down = cluster.members.filter((member) => !member.running);
      for (const member of down) member.start();
      await Promise.all(down.map((member) => member.ready()));
    });

    afterAll(async () => {
      try {
        await cluster.stop();
      } finally {
        await network.close();
      }
    });

    /** Loads, strikes, heals, demands that every member serves every mode, and judges. */
    async function underLoad(
      name: string,
      strike: (load: MixedLoad) => Promise<void>,
    ): Promise<void> {
      const load = new MixedLoad(cluster, name.replaceAll(" ", "-"), SEED);
      try {
        await load.flows(3);
        await strike(load);
        await network.heal();
        const healedAtMs = performance.now();
        await allServe();
        const wholeAfterMs = performance.now() - healedAtMs;
        await load.flows(3);
        const report = await load.stop();
        const line = JSON.stringify({ seed: SEED, ...report, wholeAfterMs });
        process.stdout.write(`${protocol}, ${name}: ${line}\n`);
        expect(report.violations).toEqual([]);
        expect(report.operations).toBeGreaterThan(50);
        const [first, ...others] = await statesOf(cluster);
        expect(others).toHaveLength(ALL.length - 1);
        for (const other of others) expect(other).toBe(first);
      } finally {
        await load.close();
      }
    }

    /** Each by a connection that begins after the network is whole: the old ones have pauses of their own. */
    async function allServe(): Promise<void> {
      await Promise.all(
        cluster.members.map(({ name, endpoint }) =>
          until(`${name} serves every mode`, CHANGE_MS_MAX, async () => {
            const wire = new WireClient(endpoint);
            try {
              return await Promise.all(MODES.map((mode) => wire.range(readOf(mode), CALL_MS_MAX)));
            } finally {
              wire.close();
            }
          }),
        ),
      );
    }

    /** A leader by a majority's word that is not `old`. */
    function anotherLeads(old: MemberProcess): Promise<MemberProcess> {
      return until(`another than ${old.name} leads`, CHANGE_MS_MAX, async () => {
        const leader = await cluster.leader();
        return leader === old ? undefined : leader;
      });
    }

    /** Partitions so that the leader must be replaced, and writes must flow again before it is healed. */
    async function replaced(
      name: string,
      shape: (leader: string) => readonly Deafness[],
    ): Promise<void> {
      await underLoad(name, async (load) => {
        const old = await cluster.leader();
        await network.drop(shape(old.name));
        load.struck([old.name]);
        await load.servedAgain();
        await anotherLeads(old);
        await load.flows(10);
      });
    }

    test("the leader's cable is pulled", async () => {
      await underLoad("cable", async (load) => {
        const old = await cluster.leader();
        await network.unplug(old.name);
        load.struck([old.name]);
        await load.servedAgain();
        await anotherLeads(old);
      });
    });

    test("the leader is cut off from members, not from clients", () =>
      replaced("leader alone", (leader) => apart([leader], without(ALL, leader))));

    test("the leader is deaf: all hear it, it hears nobody", () =>
      replaced("leader deaf", (leader) => deaf(leader, ALL)));

    test("the leader is mute: it hears all, nobody hears it", () =>
      replaced("leader mute", (leader) => mute(leader, ALL)));

    test("the leader is in the minority of two", () =>
      replaced("leader in the minority", (leader) => {
        const [companion = "", ...majority] = without(VOTERS, leader);
        return apart([leader, companion], [...majority, LEARNER]);
      }));

    test("only one voter still reaches the others: it leads", async () => {
      await underLoad("star", async (load) => {
        const old = await cluster.leader();
        const [hub = ""] = without(VOTERS, old.name);
        await network.drop(star(hub, ALL));
        load.struck(without(ALL, hub));
        await load.servedAgain();
        expect((await anotherLeads(old)).name).toBe(hub);
        await load.flows(3);
      });
    });

    test("the leader and one follower do not hear each other; the others bridge", async () => {
      await underLoad("bridged", async (load) => {
        const leader = await cluster.leader();
        const [follower = ""] = without(VOTERS, leader.name);
        await network.drop(apart([leader.name], [follower]));
        load.struck([follower]);
        await load.servedAgain();
        await load.flows(30);
      });
    });

    test("the learner is cut off: its bound grows, then it refuses", async () => {
      const wire = new WireClient(cluster.member(LEARNER).endpoint);
      const bounded = {
        key: bytes("k"),
        read_mode: READ_MODES.learner,
        on_miss: ON_MISS.fail,
      };
      const boundMs = async (): Promise<number> => {
        const request = { key: bytes("k"), read_mode: READ_MODES.local };
        const { proof } = await wire.range(request, CALL_MS_MAX);
        return Number(proof?.staleness_bound_ms);
      };
      try {
        await underLoad("learner alone", async (load) => {
          await network.drop(apart([LEARNER], VOTERS));
          load.struck([LEARNER]);
          await load.servedAgain();
          const first = await boundMs();
          await until("the bound has grown", CHANGE_MS_MAX, async () =>
            (await boundMs()) > first + 500 ? true : undefined,
          );
          await expect(
            wire.range({ ...bounded, max_staleness_ms: 500 }, CALL_MS_MAX),
          ).rejects.toThrow(/the state here is up to \d+ ms old; 500 ms was asked/);
          const served = await wire.range({ ...bounded, max_staleness_ms: 60_000 }, CALL_MS_MAX);
          expect(Number(served.proof?.staleness_bound_ms)).toBeGreaterThan(500);
        });
      } finally {
        wire.close();
      }
    });

    test("the leader is killed while one is paused, and both come back", async () => {
      await underLoad("killed and paused", async (load) => {
        const killed = await cluster.leader();
        const paused = cluster.member(without(VOTERS, killed.name)[0] ?? "");
        paused.signal("SIGSTOP");
        try {
          await killed.kill();
          load.struck([]);
          await load.servedAgain();
          await anotherLeads(killed);
          killed.start();
          await killed.ready();
        } finally {
          paused.signal("SIGCONT");
        }
      });
    });

    test("partitions come and go, and somebody is killed meanwhile", async () => {
      const chance = new Chance(SEED);
      await underLoad("restless", async (load) => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const name = chance.pick(VOTERS);
          const others = without(ALL, name);
          const shapes = [deaf(name, ALL), mute(name, ALL), star(name, ALL), apart([name], others)];
          await network.drop(chance.pick(shapes));
          await tick(chance.between(0, PARTITION_MS_MAX));
          if (chance.hits(0.5)) await network.heal();
          if (round !== ROUNDS / 2) continue;
          const struck = cluster.member(chance.pick(VOTERS));
          await struck.kill();
          struck.start();
        }
        await network.heal();
        load.struck([]);
        await load.servedAgain();
      });
    });

    if (SHAPING === undefined) {
      process.stdout.write("skipped: slow links: tc of this kernel has neither netem nor tbf\n");
    } else {
      test(`all links are slow (${SHAPING}), and the leader is cut off`, async () => {
        await underLoad("slow", async (load) => {
          await network.shape(ALL);
          await load.flows(3);
          const old = await cluster.leader();
          await network.drop(apart([old.name], without(ALL, old.name)));
          load.struck([old.name]);
          await load.servedAgain();
        });
      });
    }
  });
}

function readOf(mode: ReadModeName): Range {
  const fresh = mode === "learner" ? { max_staleness_ms: 1_000 } : {};
  return { key: bytes("k"), read_mode: READ_MODES[mode], ...fresh };
}
