// A cluster of real processes under all its kinds of traffic while it is struck, round after round; then whole again,
// and the judgement of everything that was seen, by the validators that judge the simulator.
import { present } from "../../base/index.ts";
import { Client } from "../../client/index.ts";
import { Cluster } from "../e2e/cluster.ts";
import type { PROTOCOLS } from "../e2e/cluster.ts";
import { tick, until } from "../e2e/until.ts";
import { statesOf } from "../e2e/workload.ts";
import { MixedLoad } from "../integration/netns/mixed-load.ts";
import type { Network } from "../integration/netns/network.ts";
import { Chance } from "../sim/chance.ts";
import { AccountKeeper, accountViolations } from "./account-keeper.ts";
import { lockFindings } from "./fencing.ts";
import type { Finding } from "./finding.ts";
import { GatewayCaller, base64 } from "./gateway-caller.ts";
import type { History } from "./history.ts";
import { endedFindings, heldFindings, keysFindings, renewedFindings } from "./lease-guarantees.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import type { LeaseRecord } from "./lease-record.ts";
import { LOCK, LockTaker, fencedWrites } from "./lock-taker.ts";
import { strike } from "./strikes.ts";
import { Subscription } from "./subscription.ts";
import type { WatchWish } from "./subscription.ts";
import { Truth, acknowledgedFindings } from "./truth.ts";
import { watchFindings } from "./watch-guarantees.ts";
import { WireWatcher } from "./wire-watcher.ts";

const WANDERERS = 6;
const KEEPERS = 6;
const TAKERS = 4;
const LOCK_TTL_S = 3;
const PAUSE_MS_MAX = 60;
/** A password costs a member a tenth of a second of processor time. */
const ACCOUNT_PAUSE_MS_MAX = 2_000;
const CALL_MS_MAX = 5_000;
const SETTLE_MS_MAX = 60_000;
/** Until writes flow, on a machine that does much else. */
const FLOW_MS_MAX = 90_000;
/** Log time and performance.now() are monotonic clocks of one machine; both count whole ms somewhere. */
const LEASE_CLOCK = { driftMax: 0.001, slackMs: 5 };
/** An expiry, once the cluster is whole: an election, what a new leader waits, a busy machine. */
const ENDED_MS_MAX = 20_000;
/** Revisions that a compaction leaves behind the slowest recorder. */
const COMPACTION_LAG = 200;

export interface RealRunOptions {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly seed: number;
  /** Goes on striking for so long, a whole round at least. */
  readonly forMs: number;
  readonly electionTimeoutMs: number;
  readonly network?: Network;
  readonly note: (line: string) => void;
}

export interface RealReport {
  readonly rounds: number;
  readonly revisions: number;
  readonly operations: number;
  readonly answers: number;
  readonly leases: number;
  readonly locks: number;
  readonly gatewayCalls: number;
  readonly violations: readonly string[];
}

/** Every key, whole revisions, from the first on. */
const EVERYTHING: WatchWish = {
  key: "\0",
  end: "\0",
  puts: true,
  deletes: true,
  prevKv: true,
  fragment: false,
  withProof: false,
  progressNotify: true,
};

export async function runReal(options: RealRunOptions): Promise<RealReport> {
  const { protocol, electionTimeoutMs, network } = options;
  const timing = ["--election-timeout", String(electionTimeoutMs)];
  const beat = ["--heartbeat-interval", String(Math.floor(electionTimeoutMs / 10))];
  const cluster = await Cluster.start({
    voters: 3,
    learners: 1,
    flags: ["--consensus", protocol, ...timing, ...beat],
    ...(network === undefined ? {} : { homeOf: (name: string) => network.home(name) }),
  });
  const run = new RealRun(options, cluster);
  try {
    return await run.run();
  } finally {
    await run.close();
    await cluster.stop();
  }
}

class RealRun {
  readonly #options: RealRunOptions;
  readonly #cluster: Cluster;
  readonly #chance: Chance;
  readonly #truth = new Truth();
  readonly #client: Client;
  readonly #gateways: readonly GatewayCaller[];
  readonly #recorders: readonly WireWatcher[];
  readonly #wanderers: readonly WireWatcher[];
  readonly #keepers: readonly LeaseKeeper[];
  readonly #takers: readonly LockTaker[];
  readonly #accounts: AccountKeeper;
  readonly #violations: string[] = [];
  #operations = 0;
  #rounds = 0;
  #compacted = 0;
  #stopping = false;

  constructor(options: RealRunOptions, cluster: Cluster) {
    this.#options = options;
    this.#cluster = cluster;
    this.#chance = new Chance(options.seed);
    const endpoints = cluster.voters.map(({ endpoint }) => endpoint);
    this.#client = new Client({ endpoints, attemptMs: options.electionTimeoutMs });
    const chance = (): Chance => this.#chance.stream();
    const members = cluster.members.map(({ endpoint }) => new GatewayCaller(endpoint));
    this.#gateways = members;
    this.#recorders = cluster.members.map((member) => this.#recorder(member.name, member.endpoint));
    this.#wanderers = numbered(WANDERERS).map((at) => this.#wanderer(`w${at}`));
    this.#keepers = numbered(KEEPERS).map((at) => {
      return new LeaseKeeper({ name: `h${at}`, number: at + 1, members, chance: chance() });
    });
    this.#takers = numbered(TAKERS).map((at) => {
      const client = this.#client;
      return new LockTaker({ name: `t${at}`, client, chance: chance(), ttlS: LOCK_TTL_S });
    });
    this.#accounts = new AccountKeeper({ name: "a", members, chance: chance() });
  }

  async run(): Promise<RealReport> {
    const { forMs, note } = this.#options;
    const quick = [...this.#keepers, ...this.#takers].map((one) => this.#loop(one, PAUSE_MS_MAX));
    const running = [...quick, this.#loop(this.#accounts, ACCOUNT_PAUSE_MS_MAX)];
    const untilMs = performance.now() + forMs;
    try {
      do await this.#round();
      while (performance.now() < untilMs);
    } finally {
      this.#stopping = true;
      await Promise.all(running);
    }
    note("no more strikes");
    await this.#settle();
    this.#violations.push(...(await accountViolations(this.#gateways)));
    await this.#told();
    await this.close();
    await this.#judge();
    return this.#report();
  }

  /** May be called again. */
  async close(): Promise<void> {
    for (const watcher of [...this.#recorders, ...this.#wanderers]) await watcher.stop();
    await this.#client.close();
  }

  /** One load of its own, struck once or more. */
  async #round(): Promise<void> {
    const { seed, network, note, electionTimeoutMs } = this.#options;
    this.#rounds += 1;
    const scope = `r${this.#rounds}`;
    const load = new MixedLoad(this.#cluster, scope, seed + this.#rounds, {
      attemptMs: electionTimeoutMs,
      flowMsMax: FLOW_MS_MAX,
    });
    try {
      await load.flows(2);
      const striking = { cluster: this.#cluster, chance: this.#chance };
      await strike({ ...striking, ...(network === undefined ? {} : { network }) }, (struck) => {
        note(`round ${this.#rounds}: ${struck.what}`);
        load.struck(struck.names);
      });
      await load.servedAgain();
      await load.flows(2);
      const report = await load.stop();
      this.#operations += report.operations + report.acknowledged;
      this.#violations.push(...report.violations);
    } finally {
      await load.close();
    }
    await this.#compact();
  }

  /** Behind the slowest recorder, so that the truth has no gap. */
  async #compact(): Promise<void> {
    const revision = Math.min(...this.#recorders.map(({ next }) => next)) - COMPACTION_LAG;
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    await this.#client.compact(revision);
  }

  async #loop(one: { once(): Promise<void> }, pauseMsMax: number): Promise<void> {
    const chance = this.#chance.stream();
    while (!this.#stopping) {
      await one.once();
      await tick(chance.between(0, pauseMsMax));
    }
  }

  #recorder(name: string, endpoint: string): WireWatcher {
    return this.#watcher(`recorder of ${name}`, [endpoint], [new Subscription(EVERYTHING, 1)], {
      cutRate: 0.01,
      stallRate: 0,
      onHeard: (answer) => this.#truth.onHeard(answer),
    });
  }

  #wanderer(name: string): WireWatcher {
    const chance = this.#chance.stream();
    const subscriptions = numbered(3).map(() => new Subscription(drawnWish(chance), 0));
    const endpoints = this.#cluster.members.map(({ endpoint }) => endpoint);
    return this.#watcher(name, endpoints, subscriptions, { cutRate: 0.1, stallRate: 0.1 });
  }

  #watcher(
    name: string,
    endpoints: readonly string[],
    subscriptions: readonly Subscription[],
    manner: Pick<ConstructorParameters<typeof WireWatcher>[0], "cutRate" | "stallRate" | "onHeard">,
  ): WireWatcher {
    const onBroken = (what: string): void => {
      this.#violations.push(`${name}: ${what}`);
    };
    const chance = this.#chance.stream();
    return new WireWatcher({ name, endpoints, subscriptions, chance, onBroken, ...manner });
  }

  /** Whole again, nobody asks for anything: leases run out, and nothing else happens. */
  async #settle(): Promise<void> {
    for (const watcher of [...this.#recorders, ...this.#wanderers]) watcher.calm();
    await this.#cluster.leader();
    const wholeAtMs = performance.now();
    await until("every lease has ended", SETTLE_MS_MAX, async () => {
      const { ids } = await this.#client.leases.list({ deadlineMs: CALL_MS_MAX });
      return ids.length === 0 ? true : undefined;
    });
    await this.#told();
    for (const lease of this.#leaseRecords()) {
      this.#find(endedFindings(performance.now(), wholeAtMs, ENDED_MS_MAX, lease));
    }
  }

  /** Every watch hears of everything. */
  async #told(): Promise<void> {
    const { revision } = await this.#client.put("robustness/last", String(performance.now()));
    for (const watcher of [...this.#recorders, ...this.#wanderers]) {
      await until("every watch is told everything", SETTLE_MS_MAX, () =>
        watcher.next > revision ? true : undefined,
      );
    }
  }

  #leaseRecords(): readonly LeaseRecord[] {
    const { history } = this.#truth.history();
    const endOf = ({ key, revision }: { key: string; revision: number }): number | undefined => {
      const later = history.changesIn(revision + 1, history.revision);
      return later.find((change) => change.key === key && change.pair === undefined)?.revision;
    };
    return this.#keepers.flatMap((keeper) => keeper.records(this.#truth, endOf));
  }

  async #judge(): Promise<void> {
    const { history, findings } = this.#truth.history();
    this.#find(findings);
    for (const { records } of [...this.#recorders, ...this.#wanderers]) {
      for (const record of records) this.#find(watchFindings(history, this.#compacted, record));
    }
    this.#find(
      this.#keepers.flatMap((keeper) => acknowledgedFindings(history, keeper.acknowledged)),
    );
    const leases = this.#leaseRecords();
    for (const lease of leases) {
      this.#find([...heldFindings(LEASE_CLOCK, lease), ...renewedFindings(lease)]);
    }
    this.#find(keysFindings(history, leases));
    const holdings = this.#takers.flatMap((taker) => taker.holdings);
    this.#find(lockFindings(history, `${LOCK}/`, holdings, fencedWrites(history)));
    await this.#judgeStates(history);
  }

  /** Equal on all members, by their hashes and by what they hold; and what they hold is what happened. */
  async #judgeStates(history: History): Promise<void> {
    const [first = "", ...others] = await statesOf(this.#cluster);
    for (const other of others) {
      if (other !== first) this.#violations.push("two members hold different states");
    }
    const held = first.split("\n").length;
    const standing = [...history.pairs()].length;
    if (held !== standing) {
      this.#violations.push(`members hold ${held} pairs; by what was told they hold ${standing}`);
    }
    const hashes = await Promise.all(
      this.#gateways.map(async (gateway) => {
        const answer = await gateway.post("/maintenance/hashkv", {}, CALL_MS_MAX);
        return `${String(answer["hash"])} up to ${String(answer["compact_revision"])}`;
      }),
    );
    if (new Set(hashes).size > 1) this.#violations.push(`members hash to ${hashes.join(", ")}`);
    const key = base64("robustness/last");
    const { kvs } = await present(this.#gateways[0], "a member").post(
      "/kv/range",
      { key },
      CALL_MS_MAX,
    );
    if (!Array.isArray(kvs)) this.#violations.push("the gateway does not show the last write");
  }

  #find(findings: readonly Finding[]): void {
    this.#violations.push(...findings.map(({ guarantee, what }) => `${guarantee}: ${what}`));
  }

  #report(): RealReport {
    const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);
    return {
      rounds: this.#rounds,
      revisions: this.#truth.revision,
      operations: this.#operations,
      answers: sum([...this.#recorders, ...this.#wanderers].map(({ answers }) => answers)),
      leases: this.#leaseRecords().length,
      locks: sum(this.#takers.map(({ holdings }) => holdings.length)),
      gatewayCalls: sum([...this.#keepers, this.#accounts].map(({ answered }) => answered)),
      violations: this.#violations,
    };
  }
}

function drawnWish(chance: Chance): WatchWish {
  const kinds = chance.pick(["both", "both", "puts", "deletes"] as const);
  const spans = [
    { key: "\0", end: "\0" },
    { key: "r", end: "s" },
    { key: "lease/", end: "lease0" },
    { key: "locks/", end: "locks0" },
    { key: "fenced/a" },
  ] as const;
  return {
    ...chance.pick(spans),
    puts: kinds !== "deletes",
    deletes: kinds !== "puts",
    prevKv: chance.hits(0.5),
    fragment: chance.hits(0.5),
    withProof: chance.hits(0.5),
    progressNotify: chance.hits(0.5),
  };
}

function numbered(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}
