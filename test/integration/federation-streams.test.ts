// Regions over real streams: what one mints the others have, a region that went away is caught up with, and who is not
// what it says is not served. The regions' states are in memory; streams, links and timers are those of a server.
import { createHash } from "node:crypto";
import { checkServerIdentity } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { afterEach, expect, test } from "@jest/globals";
import { Buckets, Mulberry32, assert } from "../../base/index.ts";
import { helloOf, originId } from "../../federation/index.ts";
import type { FederationConfig, OriginId, Report, ReportBook } from "../../federation/index.ts";
import {
  Http2Carrier,
  PeerDialer,
  REGION_LINK_LIMITS_DEFAULT,
  RegionLink,
  TlsAcceptor,
  hostOf,
  regionServiceTable,
} from "../../rpc/index.ts";
import { makeAuthority, makeCertificate } from "../../server/certificate-maker.ts";
import type { CertifiedKey } from "../../server/certificate-maker.ts";
import { systemClock } from "../../server/clock.ts";
import { FederationPulling } from "../../server/federation-pulling.ts";
import { FederationServing } from "../../server/federation-serving.ts";
import { regionRefusal } from "../../server/region-hosts.ts";
import { freePorts } from "../e2e/free-port.ts";
import { until } from "../e2e/until.ts";
import { Region, configOf } from "../federation/exchange-world.ts";

const DEADLINE_MS = 20_000;
/** Beyond the end of every test. */
const NEVER_MS = 600_000;
const journal = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a region shows to others, and whom it trusts. */
interface Papers {
  readonly own: CertifiedKey;
  readonly authority: CertifiedKey;
}

function acceptorOf({ own, authority }: Papers): TlsAcceptor {
  return new TlsAcceptor({
    context: { cert: own.certificate, key: own.key, ca: authority.certificate },
    demandsCertificate: true,
    refusalOf: () => undefined,
    handshakeMs: 10_000,
    handshakesMax: 16,
    monotonicMs: () => systemClock.monotonicMs(),
    onRefused: () => undefined,
  });
}

function dialerOf({ own, authority }: Papers): PeerDialer {
  const [ca, key, certificate] = [authority.certificate, own.key, own.certificate].map((pem) =>
    Buffer.from(pem),
  );
  const security = credentials.createSsl(ca, key, certificate, {
    checkServerIdentity: (name, shown) => checkServerIdentity(hostOf(name), shown),
  });
  return new PeerDialer(() => ({ generation: 1, credentials: security }));
}

/** One region of one member, which leads it. */
class Node {
  readonly region: Region;
  readonly reports: ReportBook;
  readonly #port: number;
  #serving: FederationServing | undefined;
  #carrier: Http2Carrier | undefined;
  pulling: FederationPulling | undefined;

  /** Undefined: it speaks in plain text. */
  readonly #papers: Papers | undefined;

  constructor(origin: OriginId, config: FederationConfig, port: number, papers?: Papers) {
    this.#papers = papers;
    this.region = new Region(origin, config);
    this.reports = this.region.reports;
    this.#port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const { region, reports } = this;
    const serving = new FederationServing({
      state: () => ({
        applied: region.applied,
        hashOf: (origin) => region.chainOf(origin),
        retainedFrom: () => 1,
        config: region.document,
      }),
      config: () => region.config,
      reports,
      load: ({ origin, from, countMax }, done) => {
        setImmediate(() =>
          done((region.rows.get(origin) ?? []).slice(from - 1, from - 1 + countMax)),
        );
      },
      helloTo: (to) => this.helloTo(to),
      compare: (_, done) => done(undefined),
      onPulled: (by) => {
        this.pulledBy.push(by);
        this.pulling?.onPulled(by);
      },
      relay: (of, via, done) => this.pulling?.questions.relay(of, via, done),
      confirm: (done) => done(this.report),
      onConfig: () => undefined,
      onForked: ({ origin }) => {
        this.seenForks.push(origin);
      },
      clock: systemClock,
    });
    this.#serving = serving;
    const services = regionServiceTable({
      refusalOf: (hello, call) =>
        regionRefusal(hello, call.certificate, this.judged ?? region.config, region.self),
      open: (hello, outlet) => serving.open(hello, outlet),
      onRefused: (_, reason) => {
        this.refusals.push(reason);
      },
    });
    this.#carrier = new Http2Carrier({
      services,
      monotonicMs: () => systemClock.monotonicMs(),
      callTimeoutMs: 5_000,
      requestBytesMax: 1024 * 1024,
      connectionsMax: 16,
      concurrentStreamsMax: 16,
      keepaliveMs: 60_000,
      keepaliveTimeoutMs: 20_000,
      onBug: (bug) => {
        throw bug;
      },
    });
    const papers = this.#papers;
    await this.#carrier.listen("127.0.0.1", this.#port, papers && acceptorOf(papers));
    this.pulling = new FederationPulling({
      self: region.self,
      state: region,
      reports,
      hash: (bytes) => createHash("sha256").update(bytes).digest(),
      helloTo: (to) => this.helloTo(to),
      dialer: papers === undefined ? new PeerDialer() : dialerOf(papers),
      secure: papers !== undefined,
      random: new Mulberry32(region.self),
      propose: (change, done) => {
        if (change.change !== "apply") {
          this.asked.push(change.change);
          return;
        }
        setImmediate(() => {
          const count = region.apply(change.transactions.map(({ bytes }) => bytes));
          this.news();
          done(count);
        });
      },
      arrivals: this.arrivals,
      configure: (_, done) => done(),
      onClock: (_, aheadMs) => {
        this.clocksAheadMs.push(aheadMs);
      },
      onReports: () => serving.onReports(),
      onGone: () => undefined,
      onLost: () => undefined,
      clock: systemClock,
      journal,
    });
  }

  /** What hellos are judged by, where it is not the configuration in force. */
  judged: FederationConfig | undefined;
  readonly clocksAheadMs: number[] = [];
  readonly refusals: string[] = [];
  readonly pulledBy: OriginId[] = [];
  readonly arrivals = new Buckets([1]);
  /** Of which it was asked for another history than its own. */
  readonly seenForks: OriginId[] = [];
  /** Changes other than transactions that were proposed. */
  readonly asked: string[] = [];

  get report(): Report {
    const { self: origin, applied, config } = this.region;
    return { origin, epoch: config.epoch, vector: new Map(applied) };
  }

  mint(value: number): void {
    this.region.mint(systemClock.wallMs(), value);
    this.news();
  }

  news(): void {
    this.reports.note(this.report);
    this.pulling?.onNews();
    this.#serving?.onNews();
  }

  async stop(): Promise<void> {
    this.pulling?.stop();
    this.#serving?.stop();
    this.pulling = undefined;
    await this.#carrier?.drain(0);
  }

  helloTo(to: OriginId): NonNullable<ReturnType<typeof helloOf>> {
    const hello = helloOf(this.region.config, this.region.self, to, true);
    assert(hello !== undefined, "a region of this test is a member");
    return hello;
  }
}

const started: Node[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function regions(count: number, change: Partial<FederationConfig> = {}): Promise<Node[]> {
  const port = await freePorts(count);
  const ports = Array.from({ length: count }, (_, at) => port + at);
  const config = configOf(count);
  const members = config.members.map((member, at) => ({
    ...member,
    endpoints: [`127.0.0.1:${ports[at] ?? 0}`],
  }));
  const nodes = ports.map(
    (port, at) => new Node(originId(at + 1), { ...config, members, ...change }, port),
  );
  for (const node of nodes) await node.start();
  started.push(...nodes);
  return nodes;
}

async function pair(): Promise<[Node, Node]> {
  const [first, second] = await regions(2);
  assert(first !== undefined && second !== undefined, "two regions");
  return [first, second];
}

/** The first has lost what the second has of it, and is not started yet. */
async function rolledBack(): Promise<[Node, Node]> {
  const [first, second] = await pair();
  first.mint(1);
  await converged([first, second], 1);
  await first.stop();
  first.region.rollBack();
  return [first, second];
}

async function converged(nodes: readonly Node[], count: number): Promise<void> {
  await until("all regions have all", DEADLINE_MS, () => {
    const prints = new Set(nodes.map(({ region }) => region.fingerprint));
    const has = nodes.every(({ region }) => region.appliedCounts.size === count);
    return (has && prints.size === 1) || undefined;
  });
  for (const { region } of nodes) {
    expect([...region.appliedCounts.values()].every((times) => times === 1)).toBe(true);
  }
}

test("writes of three regions in a mesh are everywhere, once; a region that was away catches up", async () => {
  const nodes = await regions(3);
  for (let round = 0; round < 20; round += 1) for (const node of nodes) node.mint(round + 1);
  await converged(nodes, 60);
  const [first, second, away] = nodes;
  assert(first !== undefined && second !== undefined && away !== undefined, "three regions");
  await away.stop();
  for (let round = 0; round < 50; round += 1) first.mint(200);
  await converged([first, second], 110);
  away.mint(9);
  await away.start();
  await converged(nodes, 111);
  expect(nodes.map(({ arrivals }) => arrivals.count)).toEqual([41, 91, 90]);
  await until("clocks are compared", DEADLINE_MS, () => away.clocksAheadMs.length > 1 || undefined);
  expect(Math.max(...away.clocksAheadMs.map(Math.abs))).toBeLessThan(2_000);
  expect(new Set(away.pulledBy)).toEqual(new Set([first.region.self, second.region.self]));
});

test("a neighbour that nobody answered for is dialled as soon as it is heard, one that was open after a pause", async () => {
  const [first, second] = await pair();
  // Of one region a neighbour serves one stream: the first does not dial by itself.
  await Promise.all([first.stop(), second.stop()]);
  let attempts = 0;
  const lost: boolean[] = [];
  const link = new RegionLink({
    ...{ urls: [second.url], dialer: new PeerDialer(), random: new Mulberry32(1) },
    // One attempt that the machine is too busy for would be the last.
    limits: {
      ...REGION_LINK_LIMITS_DEFAULT,
      ...{ pauseMinMs: NEVER_MS, pauseMaxMs: NEVER_MS, greetingMs: NEVER_MS },
    },
    hello: () => {
      attempts += 1;
      return first.helloTo(second.region.self);
    },
    onHello: () => undefined,
    onMessage: () => undefined,
    onLost: (_, wasOpen) => lost.push(wasOpen),
  });
  try {
    await until("nobody answers", DEADLINE_MS, () => lost.length === 1 || undefined);
    await second.start();
    link.hurry();
    await until("it is open", DEADLINE_MS, () => link.isOpen || undefined);
    await second.stop();
    await until("it was open", DEADLINE_MS, () => lost.length === 2 || undefined);
    link.hurry();
    expect([attempts, lost]).toEqual([2, [false, true]]);
  } finally {
    link.close();
  }
});

test("a hub relays what its leaves have, and what they report", async () => {
  const [hub, left, right] = await regions(3, { topology: { shape: "star", hub: "r1" } });
  assert(hub !== undefined && left !== undefined && right !== undefined, "three regions");
  left.mint(5);
  await converged([hub, left, right], 1);
  await until("the hub tells one leaf what the other has", DEADLINE_MS, () => {
    return left.reports.of(right.region.self)?.vector.get(left.region.self) === 1 || undefined;
  });
  const answers: OriginId[] = [];
  left.pulling?.questions.ask([], ({ origin }) => answers.push(origin));
  await until("the hub answers", DEADLINE_MS, () => answers.length === 1 || undefined);
  expect(answers).toEqual([hub.region.self]);
});

test("a region of another incarnation is not served", async () => {
  const [first, second] = await pair();
  const { config } = second.region;
  const impostor = config.members.map((member) =>
    member.origin === second.region.self
      ? { ...member, incarnation: "f".repeat(32) as typeof member.incarnation }
      : member,
  );
  await second.stop();
  second.region.config = { ...config, members: impostor };
  await second.start();
  first.mint(1);
  second.mint(1);
  await until("it is refused", DEADLINE_MS, () => first.refusals.length > 0 || undefined);
  expect(first.refusals[0]).toMatch(/^incarnation f+ of origin 2; the configuration has 0+65$/);
  expect(second.region.appliedCounts.size).toBe(1);
  expect(first.region.appliedCounts.size).toBe(1);
});

test("a region that has lost its own writes mints no more", async () => {
  const [first] = await rolledBack();
  await first.start();
  await until("it is barred", DEADLINE_MS, () => first.asked.includes("rolled-back") || undefined);
});

test("of two histories of an origin both sides learn, the origin from who pulls", async () => {
  const [first, second] = await rolledBack();
  for (const value of [2, 3]) first.mint(value);
  await first.start();
  await until("both know", DEADLINE_MS, () => {
    return (first.seenForks.length > 0 && second.asked.includes("forked")) || undefined;
  });
  expect(new Set(first.seenForks)).toEqual(new Set([first.region.self]));
  expect(second.region.applied.get(first.region.self)).toBe(1);
});

test("over mutual TLS a region is served under its own name alone", async () => {
  const authority = await makeAuthority("CA", 1);
  const papersOf = async (commonName: string): Promise<Papers> => {
    const order = { commonName, hosts: ["localhost"], usage: "both", validDays: 1 } as const;
    return { own: await makeCertificate(authority, order), authority };
  };
  const port = await freePorts(3);
  const config = configOf(3);
  const members = config.members.map((member, at) => ({
    ...member,
    endpoints: [`localhost:${port + at}`],
  }));
  // Names of hosts are common to all; the third shows the name of another.
  const strict = members.map((member) => ({ ...member, endpoints: [`127.0.0.1:${port}`] }));
  const names = ["r1", "r2", "r1"];
  const nodes = await Promise.all(
    names.map(async (name, at) => {
      const papers = await papersOf(name);
      return new Node(originId(at + 1), { ...config, members }, port + at, papers);
    }),
  );
  started.push(...nodes);
  const [first, second, third] = nodes;
  assert(first !== undefined && second !== undefined && third !== undefined, "three regions");
  // By its endpoints' hosts nobody is told apart here: only the name counts.
  first.judged = { ...config, members: strict };
  for (const node of nodes) await node.start();
  second.mint(1);
  first.mint(2);
  await converged([first, second], 2);
  await until("the third is refused", DEADLINE_MS, () => first.refusals.length > 0 || undefined);
  expect(first.refusals[0]).toBe(
    "the certificate names CN r1, DNS:localhost; expected region r3 or one of its hosts: 127.0.0.1",
  );
});
