// A region takes another's state over a real stream: what is given is staged and installed, and where the two have
// different histories of an origin both learn of it and nothing is given (federation 1, 10). The regions' state machines
// are real, their logs are lists.
import { afterEach, expect, test } from "@jest/globals";
import { assert, present } from "../../base/index.ts";
import type { MonotonicMs } from "../../base/index.ts";
import { ReportBook, VECTOR_ZERO, helloOf, sequence } from "../../federation/index.ts";
import type {
  ExchangeHello,
  FederationConfig,
  OriginId,
  Position,
  Vector,
} from "../../federation/index.ts";
import { Http2Carrier, PeerDialer } from "../../rpc/index.ts";
import { systemClock } from "../../server/clock.ts";
import { FederatedRegion } from "../../server/federated-region.ts";
import { FederationBootstrap } from "../../server/federation-bootstrap.ts";
import { FederationBootstrapServing } from "../../server/federation-bootstrap-serving.ts";
import { regionRefusal } from "../../server/region-hosts.ts";
import { MemoryEngine } from "../../store/memory-engine.ts";
import { freePort } from "../e2e/free-port.ts";
import { until } from "../e2e/until.ts";
import { Region, configOf, hash } from "../federation/region.ts";
import { policy } from "../federation/document.ts";
import { put } from "../store/requests.ts";

const DEADLINE_MS = 20_000;
const REQUEST_BYTES_MAX = 1024 * 1024;
/** The clock stands there, once it is set. */
let standsAtMs: number | undefined;
/** Ten times as fast: the patience with which a region waits for others passes sooner. */
const clock = {
  ...systemClock,
  monotonicMs: () => (standsAtMs ?? 10 * systemClock.monotonicMs()) as MonotonicMs,
};
const stops: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  standsAtMs = undefined;
  for (const stop of stops.splice(0)) await stop();
});

/** A region that gives its state, or takes another's; what it tells. */
class Side {
  readonly region: Region;
  readonly federated: FederatedRegion;
  readonly reports = new ReportBook();
  readonly forks: Position[] = [];
  readonly told: string[] = [];
  readonly changes: string[] = [];
  #serving: FederationBootstrapServing | undefined;

  constructor(region: Region) {
    this.region = region;
    this.federated = new FederatedRegion(() => region.host.machine);
  }

  /** Snapshots from which on it keeps what goes on. */
  get pinned(): readonly Vector[] | undefined {
    return this.#serving?.pinned;
  }

  get given(): number | undefined {
    return this.#serving?.count;
  }

  readonly helloTo = (to: OriginId): ExchangeHello | undefined =>
    helloOf(this.federated.config, this.region.origin, to, true);

  get #common() {
    const note = (_: string, about: object): void => {
      this.told.push(JSON.stringify(about));
    };
    return {
      ...{ state: this.federated, reports: this.reports, helloTo: this.helloTo, hash },
      clock,
      journal: { info: () => undefined, warn: note, error: note },
      onForked: (position: Position) => {
        this.forks.push(position);
        this.region.change({ change: "forked", origin: position.origin });
      },
    };
  }

  async give(port: number): Promise<void> {
    const { host } = this.region;
    host.flush();
    const engine = new MemoryEngine({ schedule: (run) => setImmediate(run) });
    for (const ops of host.batches) engine.write(ops, true, () => undefined);
    const serving = new FederationBootstrapServing({
      ...this.#common,
      engine: () => engine,
      leads: () => true,
    });
    this.#serving = serving;
    const carrier = new Http2Carrier({
      services: serving.services((hello, { certificate }) =>
        regionRefusal(hello, certificate, this.federated.config, this.region.origin),
      ),
      monotonicMs: () => systemClock.monotonicMs(),
      ...{ callTimeoutMs: 5_000, requestBytesMax: REQUEST_BYTES_MAX, connectionsMax: 4 },
      ...{ concurrentStreamsMax: 4, keepaliveMs: 60_000, keepaliveTimeoutMs: 20_000 },
      onBug: (bug) => {
        throw bug;
      },
    });
    await carrier.listen("127.0.0.1", port);
    stops.push(() => carrier.drain(0));
  }

  /** What it lacks, `by` retains no more. */
  take(by: Side): void {
    const { report } = by.federated;
    assert(report !== undefined, "who gives its state is a member");
    this.reports.note(report);
    const bootstrap = new FederationBootstrap({
      ...this.#common,
      self: this.region.origin,
      dialer: new PeerDialer(),
      secure: false,
      propose: (change, done) => {
        this.changes.push(change.change);
        setImmediate(() => done(!("kind" in this.region.change(change))));
      },
      neighbours: () => [by.region.origin],
      onInstalled: () => undefined,
    });
    stops.unshift(() => bootstrap.stop());
    for (const [origin, last] of report.vector) {
      const gone = { kind: "gone", origin, retainedFrom: last + 1 } as const;
      bootstrap.onGone({ ...gone, by: by.region.origin });
    }
  }
}

/** East has six of south's writes, of which it retains those from the third on; what north has of them is up to a test. */
async function world(): Promise<{ east: Side; north: Side; south: Region }> {
  const port = await freePort();
  const begun = configOf(3, [policy("w/")]);
  const config: FederationConfig = {
    ...begun,
    members: begun.members.map((one) => ({ ...one, endpoints: [`127.0.0.1:${port}`] })),
  };
  const [east, north, south] = [1, 2, 3].map((origin) => {
    const region = new Region(origin);
    region.configure(config);
    return region;
  });
  assert(east !== undefined && north !== undefined && south !== undefined, "three regions");
  for (const value of ["1", "2", "3", "4", "5", "6"]) south.run(put("w/a", value));
  east.apply(...south.shipped());
  const through = new Map([[south.origin, sequence(2)]]);
  east.change({ change: "collect", epoch: 1, cut: VECTOR_ZERO, through, full: false });
  const sides = { east: new Side(east), north: new Side(north) };
  await sides.east.give(port);
  return { ...sides, south };
}

async function given(): Promise<{ east: Side; north: Side }> {
  const { east, north, south } = await world();
  north.region.apply(...south.shipped().slice(0, 3));
  north.take(east);
  await until("it is installed", DEADLINE_MS, () => north.region.get("w/a") === "6" || undefined);
  return { east, north };
}

test("who has the beginning of the same history is given the rest, and what goes on is kept until it has that", async () => {
  const { east, north } = await given();
  expect(north.region.state.applied).toEqual(east.region.state.applied);
  expect([north.forks, east.forks]).toEqual([[], []]);
  expect(east.pinned).toEqual([east.region.state.applied]);
  east.reports.note(present(north.federated.report, "a member's report"));
  expect(east.pinned).toEqual([]);
});

test("what goes on from a state is kept for two minutes after its end, though its taker tells of nothing", async () => {
  const beforeMs = clock.monotonicMs();
  const { east } = await given();
  await until("it has ended", DEADLINE_MS, () => east.given === 0 || undefined);
  const afterMs = clock.monotonicMs();
  standsAtMs = beforeMs + 119_999;
  expect(east.pinned).toHaveLength(1);
  standsAtMs = afterMs + 120_000;
  expect(east.pinned).toEqual([]);
});

test("who has the beginning of another history takes nothing, and both freeze the origin", async () => {
  const { east, north, south } = await world();
  const other = new Region(south.origin);
  other.configure(present(south.state.config, "a member's document"));
  for (const value of ["1", "2", "other"]) other.run(put("w/a", value));
  north.region.apply(...other.shipped());
  north.take(east);
  await until("both know", DEADLINE_MS, () => {
    return (east.forks.length > 0 && north.forks.length > 0) || undefined;
  });
  const stated = { origin: south.origin, sequence: 3 };
  expect([east.forks[0], north.forks[0]]).toMatchObject([stated, stated]);
  expect([[...east.federated.forked], [...north.federated.forked]]).toEqual([
    [south.origin],
    [south.origin],
  ]);
  await until("it says why", DEADLINE_MS, () => north.told.length > 0 || undefined);
  expect(north.told[0]).toContain("its histories of origins 3 are not those that are applied here");
  expect(north.changes).not.toContain("bootstrap");
  expect(north.region.get("w/a")).toBe("other");
});
