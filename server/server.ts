// One server, composed and running: ports bound, data opened, a replica driven by ticks, services answered.
// The order of `start` is the reason that a refusal touches nothing: look, bind, lock, and only then make.
import { randomBytes } from "node:crypto";
import { KvError, Mulberry32 } from "../base/index.ts";
import type { LeaseId, MonotonicMs, NodeId } from "../base/index.ts";
import type { MemberRow } from "../consensus/index.ts";
import {
  PEER_LIMITS_DEFAULT,
  PeerTransport,
  askMembers,
  clientServices,
  peerMembersTable,
  publishTo,
} from "../rpc/index.ts";
import type { Backend, PeerAddress, PeerEvent, Publication, ServiceTable } from "../rpc/index.ts";
import type { DiskFailure } from "../store/index.ts";
import { endOfTurn, systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import { hexId } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import type { Config } from "./config.ts";
import { inspectDataDirectory, openDataDirectory } from "./data-directory.ts";
import { lockDataDirectory } from "./directory-lock.ts";
import { DiskUsage } from "./disk-usage.ts";
import { foundingOf } from "./founding.ts";
import { GROUP, consensusFields, openGroup } from "./group.ts";
import type { JournalFields, ServerJournal } from "./journal.ts";
import { bindPorts } from "./listening.ts";
import type { Ports } from "./listening.ts";
import { MemberBackend } from "./member-backend.ts";
import { MemberDirectory } from "./member-directory.ts";
import { MembershipDesk } from "./membership-desk.ts";
import { watchReadiness } from "./readiness.ts";
import type { Replica } from "./replica.ts";
import { RosterKeeper } from "./roster-keeper.ts";
import { ETCD_API_VERSION, SERVER_VERSION } from "./version.ts";

export interface ServerInit {
  readonly config: Config;
  readonly journal: ServerJournal;
  /** Takes whatever is opened, also by a start that fails. */
  readonly closers: Closers;
  /** A disk failed: nothing more is promised or answered, and the process must end (R18). */
  readonly onHalt: (failure: DiskFailure) => void;
  readonly onBug: (bug: unknown) => void;
  /** This member is no member any more: the process has nothing left to do. */
  readonly onRemoved: () => void;
}

/** Between two looks at whose client URLs are still to be asked for, and how long an answer may take. */
const DIRECTORY_MS = 250;
const QUESTION_MS = 2_000;
const PIPELINE_CALLS_MAX = 2_048;
const HEALTH_POLL_MS = 500;
const HEALTH_WATCHES_MAX = 1_024;

export class Server {
  readonly #init: ServerInit;
  readonly #ports: Ports;
  readonly #replica: Replica;
  readonly #transport: PeerTransport;
  readonly #desk: MembershipDesk;
  /** Timers and watches; ended first. */
  readonly #endings: (() => void)[] = [];

  private constructor(init: ServerInit, ports: Ports, replica: Replica, transport: PeerTransport) {
    this.#init = init;
    this.#ports = ports;
    this.#replica = replica;
    this.#transport = transport;
    const { maxLearners, strictReconfigCheck, electionTimeoutMs } = init.config;
    this.#desk = new MembershipDesk({
      replica,
      electionTimeoutMs,
      rules: { strict: strictReconfigCheck === "true", learnersMax: maxLearners },
    });
  }

  /**
   * Resolves when the server answers; it says `published` in the log once it serves linearizable reads.
   *
   * @throws {StartRefusal} with the reason and its exit code.
   */
  static async start(given: ServerInit): Promise<Server> {
    const { config, closers, onBug, onHalt } = given;
    const bootstrap = await foundingOf(config, given.journal);
    const request = { ...config, ...(bootstrap === undefined ? {} : { bootstrap }) };
    inspectDataDirectory(request);
    const ports = await bindPorts(config, closers, onBug);
    const lock = await lockDataDirectory(config.dataDir);
    closers.add("lock", (done) => {
      lock.close(done);
    });
    const data = openDataDirectory(request);
    const owner = data.bootstrap;
    const member = hexId(owner.self.id);
    const journal = given.journal.with({ member, cluster: hexId(owner.clusterId) });
    const init = { ...given, journal };
    const live: { replica?: Replica } = {};
    const transport = openTransport(init, owner, ports.clients.gate.table(), live);
    const replica = await openGroup({ config, data, transport, journal, onHalt, closers });
    live.replica = replica;
    const server = new Server(init, ports, replica, transport);
    server.#open(owner, data.stateGroupDir);
    return server;
  }

  /** For a dump. */
  state(): JournalFields {
    return { ...consensusFields(this.#replica), backlog: this.#replica.backlog };
  }

  /** Takes no further call, lets those in flight end within --shutdown-timeout-ms, writes the state. */
  async stop(): Promise<DiskFailure | undefined> {
    const { config, journal } = this.#init;
    const [stopTicks, ...others] = this.#endings;
    await this.#handOver();
    for (const end of others) end();
    await this.#ports.clients.carrier.drain(config.shutdownTimeoutMs);
    stopTicks?.();
    const failure = await new Promise<DiskFailure | undefined>((resolve) => {
      this.#replica.stop(resolve);
    });
    journal.info("stopped", { ...this.state() });
    return failure;
  }

  /** A leader that stops makes way first, so that nobody waits for an election timeout; or goes without. */
  async #handOver(): Promise<void> {
    const { config, journal } = this.#init;
    const deadlineAtMs = (this.#replica.now() + 2 * config.electionTimeoutMs) as MonotonicMs;
    await new Promise<void>((resolve) => {
      const begun = this.#desk.handOver(deadlineAtMs, (result) => {
        if (result.ok) journal.info("leadership handed over", { ...this.state() });
        else journal.warn("leadership not handed over", { reason: result.error.message });
        resolve();
      });
      if (!begun) resolve();
    });
  }

  #open(bootstrap: Bootstrap, stateDir: string): void {
    const { config } = this.#init;
    this.#every(Math.max(1, Math.floor(config.heartbeatIntervalMs / 4)), () => {
      this.#replica.tick();
    });
    const directory = this.#openDirectory(bootstrap);
    const usage = this.#openUsage(stateDir);
    const backend = new MemberBackend({
      replica: this.#replica,
      clusterId: bootstrap.clusterId,
      memberId: bootstrap.self.id,
      region: config.region,
      version: SERVER_VERSION,
      desk: this.#desk,
      members: directory.members,
      dbSizeBytes: () => usage.bytes,
    });
    this.#followRoster();
    this.#ports.peers.gate.open({
      ...this.#transport.table(),
      ...this.#peerMembers(bootstrap, backend),
    });
    this.#ports.clients.gate.open(this.#services(backend));
    this.#awaitReadiness(backend);
  }

  /** What comes of the member table: connections, this member's own row, its removal. */
  #followRoster(): void {
    const { config, journal, onRemoved } = this.#init;
    const keeper = new RosterKeeper({
      replica: this.#replica,
      name: config.name,
      clientUrls: config.advertiseClientUrls,
      graceMs: 2 * config.electionTimeoutMs,
      setPeers: (peers) => {
        this.#transport.setPeers(peers);
      },
      publish: (leader, publication, done) => {
        this.#publish(leader, publication, done);
      },
      onRemoved: () => {
        journal.warn("the member has been permanently removed from the cluster", this.state());
        onRemoved();
      },
    });
    const stop = this.#replica.onChange(() => {
      this.#desk.poll();
      keeper.poll();
    });
    this.#endings.push(stop);
  }

  #publish(leader: MemberRow, publication: Publication, done: (settled: boolean) => void): void {
    const { journal } = this.#init;
    const settled = (error: KvError): boolean => {
      journal.debug("not published", { reason: error.message });
      return error.code === "unimplemented";
    };
    if (leader.node === this.#replica.id) {
      const deadlineAtMs = (this.#replica.now() + QUESTION_MS) as MonotonicMs;
      this.#desk.change({ kind: "publish", ...publication }, deadlineAtMs, (result) => {
        done(!result.ok && settled(result.error));
      });
      return;
    }
    const [url = ""] = leader.peerUrls;
    publishTo(url.slice("http://".length), publication, QUESTION_MS).then(
      () => {
        done(false);
      },
      (error: unknown) => {
        if (error instanceof KvError) done(settled(error));
        else this.#init.onBug(error);
      },
    );
  }

  #peerMembers({ clusterId, protocol }: Bootstrap, backend: Backend): ServiceTable {
    return peerMembersTable({
      view: () => ({ clusterId, protocol, membership: this.#replica.status().config }),
      publish: ({ incarnation, ...publication }, context, done) => {
        const { roster } = this.#replica.status().config;
        const row = roster?.members.find(({ id }) => id === publication.id);
        if (row?.incarnation !== incarnation) {
          const text = "etcdserver: member not found";
          done({ ok: false, error: new KvError("member-not-found", "not-applied", text) });
          return;
        }
        const change = { kind: "publish", ...publication } as const;
        this.#desk.change(change, context.deadlineAtMs, (result) => {
          done(result.ok ? { ok: true, header: backend.header(), value: undefined } : result);
        });
      },
    });
  }

  #openDirectory(bootstrap: Bootstrap): MemberDirectory {
    const abort = new AbortController();
    const directory = new MemberDirectory({
      bootstrap,
      clientUrls: this.#init.config.advertiseClientUrls,
      ask: (node, done) => {
        const deadlineAtMs = (systemClock.monotonicMs() + QUESTION_MS) as MonotonicMs;
        const context = { deadlineAtMs, signal: abort.signal };
        askMembers(this.#transport.forward.bind(this.#transport, node), context, done);
      },
    });
    this.#endings.push(() => {
      abort.abort();
    });
    this.#every(DIRECTORY_MS, () => {
      directory.refresh(systemClock.monotonicMs());
    });
    return directory;
  }

  #openUsage(stateDir: string): DiskUsage {
    const usage = new DiskUsage(stateDir, (failure) => {
      this.#init.journal.warn("the size of the state cannot be measured", { failure });
    });
    usage.start();
    this.#endings.push(() => {
      usage.stop();
    });
    return usage;
  }

  #services(backend: Backend): ServiceTable {
    const { config } = this.#init;
    return clientServices({
      backend,
      forwardToLeader: (method, request, call, reply) => {
        const { leader } = this.#replica.status();
        if (leader === undefined || leader === this.#replica.id) return false;
        this.#transport.forward(leader, method, request, call, reply);
        return true;
      },
      monotonicMs: () => systemClock.monotonicMs(),
      endOfTurn,
      txnOperationsMax: config.maxTxnOps,
      requestBytesMax: config.maxRequestBytes,
      callTimeoutMs: config.requestTimeoutMs,
      pipelineCallsMax: PIPELINE_CALLS_MAX,
      healthPollMs: HEALTH_POLL_MS,
      healthWatchesMax: HEALTH_WATCHES_MAX,
      leaseTtlMinS: Math.ceil((1.5 * config.electionTimeoutMs) / 1000),
      pickLeaseId,
      leaderLossMs: 3 * config.electionTimeoutMs,
      watchesMax: config.watchesMax,
      watchProgressIntervalMs: config.watchProgressNotifyIntervalMs,
    });
  }

  #awaitReadiness(backend: Backend): void {
    const { config, journal } = this.#init;
    const about = {
      clientUrls: config.listenClientUrls,
      peerUrls: config.listenPeerUrls,
      group: GROUP,
      advertiseClientUrls: config.advertiseClientUrls,
    };
    const stopWatching = watchReadiness({
      backend,
      onReady: () => {
        const words = `published, ready to serve client requests; enabled capabilities for version ${ETCD_API_VERSION}`;
        journal.info(words, { ...about, ...this.state() });
      },
      onWaiting: (waitedMs) => {
        journal.warn("waiting for a leader; do a majority of members run and reach each other?", {
          waitedMs,
          ...this.state(),
        });
      },
    });
    this.#endings.push(stopWatching);
  }

  #every(intervalMs: number, run: () => void): void {
    const timer = setInterval(run, intervalMs);
    this.#endings.push(() => {
      clearInterval(timer);
    });
  }
}

/** 63 bits, and not 0, which is no lease. */
function pickLeaseId(): LeaseId {
  const id = randomBytes(8).readBigUInt64BE() >> 1n;
  return (id === 0n ? 1n : id) as LeaseId;
}

function openTransport(
  init: ServerInit,
  bootstrap: Bootstrap,
  services: ServiceTable,
  live: { readonly replica?: Replica },
): PeerTransport {
  const { self, clusterId, members } = bootstrap;
  const peers = new Map<NodeId, PeerAddress>();
  for (const { node, peerUrls, incarnation } of members) {
    const [url] = peerUrls;
    if (node === self.node || url === undefined) continue;
    peers.set(node, { address: url.slice("http://".length), incarnation });
  }
  const transport = new PeerTransport({
    self: { clusterId, group: GROUP, node: self.node, incarnation: self.incarnation },
    peers,
    clientServices: services,
    limits: PEER_LIMITS_DEFAULT,
    monotonicMs: () => systemClock.monotonicMs(),
    random: new Mulberry32(randomBytes(4).readUInt32BE()),
    onMessages: (_, messages) => {
      // What comes before the replica stands is lost like any message; its sender sends again.
      for (const message of messages) live.replica?.receive(message);
    },
    onUnreachable: (peer) => {
      live.replica?.unreachable(peer);
    },
    onEvent: peerReporter(init.journal, bootstrap),
  });
  init.closers.add("peers", (done) => {
    transport.close();
    done(undefined);
  });
  return transport;
}

/** A peer that was never there is no loss: at the first start of a cluster somebody is first. */
function peerReporter(journal: ServerJournal, bootstrap: Bootstrap): (event: PeerEvent) => void {
  const connected = new Set<NodeId>();
  return (event) => {
    const { kind, peer } = event;
    const seed = bootstrap.members.find((member) => member.node === peer);
    const about = { peer, peerName: seed?.name ?? "", group: GROUP };
    switch (kind) {
      case "connected":
        connected.add(peer);
        journal.info("peer connected", about);
        break;
      case "lost":
        if (connected.has(peer)) journal.warn("peer lost", { ...about, reason: event.reason });
        else journal.info("peer not there yet", { ...about, reason: event.reason });
        break;
      case "refused":
        journal.error("peer refused", { ...about, reason: event.reason });
        break;
    }
  };
}
