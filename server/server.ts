// One server, composed and running: ports bound, data opened, a replica driven by ticks, services answered.
// The order of `start` is the reason that a refusal touches nothing: look, bind, lock, and only then make.
import { dirname } from "node:path";
import type { MemberId, MonotonicMs } from "../base/index.ts";
import { askMembers, clientServices } from "../rpc/index.ts";
import type { Backend, PeerMessage, PeerTransport, ServiceTable } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import type { Alarm, DiskFailure } from "../store/index.ts";
import { openAccounts, prepareTokens } from "./auth-opening.ts";
import { endOfTurn, systemClock } from "./clock.ts";
import type { Closers } from "./closers.ts";
import { hexId } from "./cluster.ts";
import type { Bootstrap } from "./cluster.ts";
import type { Config } from "./config.ts";
import { inspectDataDirectory, openDataDirectory } from "./data-directory.ts";
import { lockDataDirectory } from "./directory-lock.ts";
import { DiskUsage } from "./disk-usage.ts";
import { administerFederation } from "./federation-administration.ts";
import type { FederationDesks } from "./federation-administration.ts";
import { federationFileOf, openFederation } from "./federation-opening.ts";
import type { Federation } from "./federation.ts";
import { foundingOf } from "./founding.ts";
import { GROUP, consensusFields, openGroup } from "./group.ts";
import type { MendingTies } from "./group-log.ts";
import { checkAgainstPeers } from "./initial-corruption-check.ts";
import { Instruments } from "./instruments.ts";
import type { JournalFields, ServerJournal } from "./journal.ts";
import { pickLeaseId } from "./lease-id.ts";
import { bindPorts } from "./listening.ts";
import type { Ports } from "./listening.ts";
import { MemberBackend } from "./member-backend.ts";
import { MemberDirectory } from "./member-directory.ts";
import { MembershipDesk } from "./membership-desk.ts";
import { PortSecurity } from "./port-security.ts";
import { openPeers, peersOf } from "./peer-connections.ts";
import { PeerQuestions, answersToPeers } from "./peer-questions.ts";
import type { TokenProvider } from "./token-provider.ts";
import { watchReadiness } from "./readiness.ts";
import type { Replica } from "./replica.ts";
import { RosterService } from "./roster-service.ts";
import { tickOn } from "./ticking.ts";
import { Upkeep } from "./upkeep.ts";
import type { UpkeepSettings } from "./upkeep.ts";
import { upkeepSettings } from "./upkeep-settings.ts";
import { ETCD_API_VERSION, SERVER_VERSION } from "./version.ts";

export interface ServerInit {
  readonly config: Config;
  readonly journal: ServerJournal;
  /** Takes whatever is opened, also by a start that fails. */
  readonly closers: Closers;
  /** A disk failed: nothing more is promised or answered, and the process must end (R18). */
  readonly onHalt: (failure: DiskFailure) => void;
  readonly onBug: (bug: unknown) => void;
  /** Aborted when the process is asked to stop, which a start may wait for others too long to hear. */
  readonly signal: AbortSignal;
  /** This member is no member any more: the process has nothing left to do. */
  readonly onRemoved: () => void;
}

/** How long the answer of a member may take that is asked for its client URLs. */
const QUESTION_MS = 2_000;
const PIPELINE_CALLS_MAX = 2_048;
const HEALTH_POLL_MS = 500;
const HEALTH_WATCHES_MAX = 1_024;
/** Calls that wait for a lock or an election: about 2 KB each. */
const KEY_WAITS_MAX = 10_000;

/** What messages of peers reach, as the start goes on. */
interface Live {
  replica?: Replica;
  questions?: PeerQuestions;
  mender?: ((message: PeerMessage) => void) | undefined;
}

export class Server {
  readonly #init: ServerInit & { readonly instruments: Instruments };
  readonly #ports: Ports;
  readonly #replica: Replica;
  readonly #transport: PeerTransport;
  readonly #questions: PeerQuestions;
  readonly #desk: MembershipDesk;
  /** Timers and watches; ended first. */
  readonly #endings: (() => void)[] = [];
  /** Ended last: calls in flight, and a leadership that is handed over, need its time. */
  #endTicks: () => void = () => undefined;

  private constructor(
    init: ServerInit & { readonly instruments: Instruments },
    ports: Ports,
    replica: Replica,
    transport: PeerTransport,
    questions: PeerQuestions,
  ) {
    this.#questions = questions;
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
    const security = await PortSecurity.open({ config, journal: given.journal, closers, onBug });
    const { dialer, rejections } = security;
    const tokensOver = await prepareTokens(config);
    const bootstrap = await foundingOf(config, dialer, given.journal);
    const request = { ...config, ...(bootstrap === undefined ? {} : { bootstrap }) };
    inspectDataDirectory(request);
    const ports = await bindPorts({ config, security, rejections, closers, onBug });
    const lock = await lockDataDirectory(config.dataDir);
    closers.add("lock", (done) => {
      lock.close(done);
    });
    const data = openDataDirectory(request);
    const owner = data.bootstrap;
    const member = hexId(owner.self.id);
    const journal = given.journal.with({ member, cluster: hexId(owner.clusterId) });
    const federationFile = await federationFileOf(config);
    const live: Live = {};
    ports.memberHosts.set(owner.members.flatMap(({ peerUrls }) => peerUrls));
    const services = { ...ports.clients.gate.table(), ...answersToPeers(live) };
    const instruments = new Instruments(config, journal);
    const common = { ...instruments.meters, journal, closers };
    const transport = openPeers({ ...common, bootstrap: owner, services, dialer, live });
    const peers = [...peersOf(owner.members, owner.self.node).keys()];
    const mending: MendingTies = {
      peers: () => peers,
      onDamaged: () => {
        ports.clients.gate.explain("the log is damaged and is being mended from the other members");
      },
      listen: (receive) => {
        live.mender = receive;
        ports.peers.gate.open(transport.table());
      },
      signal: given.signal,
    };
    const replica = await openGroup({ ...common, config, data, transport, mending, onHalt });
    live.replica = replica;
    const questions = new PeerQuestions(replica, transport);
    live.questions = questions;
    ports.peers.gate.open(transport.table());
    if (config.initialCorruptCheck) {
      const { hasher } = questions;
      const askHash = questions.askHash.bind(questions);
      await checkAgainstPeers({ replica, hasher, askHash, signal: given.signal, journal });
    }
    const init = { ...given, journal, instruments };
    const server = new Server(init, ports, replica, transport, questions);
    // A snapshot puts the state into a directory beside the one before.
    const federation = openFederation({
      ...{ config, replica, dialer, journal, onBug },
      file: federationFile,
    });
    server.#open(owner, dirname(data.stateGroupDir), tokensOver(replica), federation);
    return server;
  }

  /** For a dump. */
  state(): JournalFields {
    return { ...consensusFields(this.#replica), backlog: this.#replica.backlog };
  }

  /** Takes no further call, lets those in flight end within --shutdown-timeout-ms, writes the state. */
  async stop(): Promise<DiskFailure | undefined> {
    const { config, journal } = this.#init;
    await this.#handOver();
    for (const end of this.#endings) end();
    await Promise.all([
      this.#ports.clients.carrier.drain(config.shutdownTimeoutMs),
      this.#ports.http.drain(config.shutdownTimeoutMs),
    ]);
    this.#endTicks();
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

  #open(
    bootstrap: Bootstrap,
    stateDir: string,
    tokens: TokenProvider,
    federation: Federation | undefined,
  ): void {
    const { config } = this.#init;
    this.#endTicks = tickOn(this.#replica, config.heartbeatIntervalMs);
    const directory = this.#openDirectory(bootstrap);
    const opened: { upkeep?: Upkeep } = {};
    const usage = this.#openUsage(stateDir, (bytes) => opened.upkeep?.onSize(bytes));
    const settings = upkeepSettings(config);
    const backend = new MemberBackend({
      replica: this.#replica,
      clusterId: bootstrap.clusterId,
      memberId: bootstrap.self.id,
      protocol: bootstrap.protocol,
      region: config.region,
      version: SERVER_VERSION,
      desk: this.#desk,
      members: directory.members,
      dbSizeBytes: () => usage.bytes,
      quotaBytes: settings.quotaBytes,
      journal: this.#init.journal,
      regions: federation?.quorums,
      homes: federation?.homes,
    });
    if (federation !== undefined) this.#endings.push(federation.follow());
    const upkeep = this.#openUpkeep(bootstrap.self.id, backend, settings);
    opened.upkeep = upkeep;
    const roster = this.#openRoster(bootstrap, backend);
    this.#ports.peers.gate.open({
      ...this.#transport.table(),
      ...roster.peerServices(),
      ...federation?.services({
        services: this.#ports.clients.gate.table(),
        authority: backend.authority,
      }),
    });
    this.#endings.push(() => {
      tokens.close();
    });
    const { instruments } = this.#init;
    const parts = { replica: this.#replica, transport: this.#transport, ports: this.#ports };
    const metrics = instruments.metricsOf({ ...parts, backend, upkeep, federation, bootstrap });
    this.#ports.http.openMetrics(metrics, instruments.onHealth);
    const parties = { federation, backend, replica: this.#replica };
    const { stop, ...more } = administerFederation({ ...this.#init, ...parties });
    this.#endings.push(stop);
    this.#ports.clients.gate.open(instruments.calls.counted(this.#services(backend, tokens, more)));
    const alarms = (): readonly Alarm[] => this.#replica.machine.alarms.list();
    this.#ports.http.openHealth({ backend, alarms });
    this.#awaitReadiness(backend);
  }

  #openRoster(bootstrap: Bootstrap, backend: Backend): RosterService {
    const { config, journal, onBug, onRemoved } = this.#init;
    const roster = new RosterService({
      config,
      bootstrap,
      replica: this.#replica,
      desk: this.#desk,
      transport: this.#transport,
      memberHosts: this.#ports.memberHosts,
      header: () => backend.header(),
      journal,
      onBug,
      onRemoved: () => {
        journal.warn("the member has been permanently removed from the cluster", this.state());
        onRemoved();
      },
    });
    this.#endings.push(roster.follow());
    return roster;
  }

  #openDirectory(bootstrap: Bootstrap): MemberDirectory {
    const abort = new AbortController();
    const directory = new MemberDirectory({
      bootstrap,
      clientUrls: this.#init.config.advertiseClientUrls,
      ask: (node, done) => {
        const deadlineAtMs = (systemClock.monotonicMs() + QUESTION_MS) as MonotonicMs;
        const context = { deadlineAtMs, signal: abort.signal, caller: OWN_AUTHORITY };
        askMembers(this.#transport.forward.bind(this.#transport, node), context, done);
      },
    });
    this.#endings.push(() => {
      abort.abort();
    });
    const refresh = (): void => directory.refresh(systemClock.monotonicMs());
    this.#endings.push(this.#replica.onChange(refresh));
    return directory;
  }

  #openUpkeep(memberId: MemberId, backend: MemberBackend, settings: UpkeepSettings): Upkeep {
    const upkeep = new Upkeep({
      settings,
      memberId,
      replica: this.#replica,
      idOf: (node) => backend.idOf(node),
      questions: this.#questions,
      defragmentation: backend.maintenance.defragmentation,
      journal: this.#init.journal,
    });
    const stop = upkeep.follow();
    this.#endings.push(() => {
      stop();
      this.#questions.stop();
    });
    return upkeep;
  }

  #openUsage(stateDir: string, onMeasured: (bytes: number) => void): DiskUsage {
    const onFailure = (failure: unknown): void => {
      this.#init.journal.warn("the size of the state cannot be measured", { failure });
    };
    const usage = new DiskUsage(stateDir, onFailure, onMeasured);
    usage.start();
    this.#endings.push(() => {
      usage.stop();
    });
    return usage;
  }

  #services(backend: MemberBackend, tokens: TokenProvider, desks: FederationDesks): ServiceTable {
    const { config, journal } = this.#init;
    const header = backend.header.bind(backend);
    return clientServices({
      backend,
      ...desks,
      accounts: openAccounts({ config, tokens, authority: backend.authority, header, journal }),
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
      keyWaitsMax: KEY_WAITS_MAX,
      stopping: this.#stopping(),
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

  /** Calls that wait for others are told to go elsewhere when the server stops. */
  #stopping(): AbortSignal {
    const abort = new AbortController();
    this.#endings.push(() => {
      abort.abort();
    });
    return abort.signal;
  }
}
