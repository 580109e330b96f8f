// The member table at work on this member: connections follow it, this member's own row is said into it, others
// are told of it, changes wait at its desk, and this member's own removal is noticed, also from afar.
import { KvError } from "../base/index.ts";
import type { MonotonicMs } from "../base/index.ts";
import type { MemberRow } from "../consensus/index.ts";
import { askClusterView, peerMembersTable, publishTo } from "../rpc/index.ts";
import type {
  ClusterView,
  Header,
  PeerMembersOptions,
  PeerTransport,
  Publication,
  ServiceTable,
} from "../rpc/index.ts";
import type { Bootstrap } from "./cluster.ts";
import type { Config } from "./config.ts";
import type { ServerJournal } from "./journal.ts";
import type { MemberHosts } from "./member-hosts.ts";
import { isChanging } from "./member-state.ts";
import type { MembershipDesk } from "./membership-desk.ts";
import { RemovalInquiry } from "./removal-inquiry.ts";
import type { Replica } from "./replica.ts";
import { RosterKeeper } from "./roster-keeper.ts";

/** For one answer of a peer. */
const QUESTION_MS = 2_000;

export interface RosterServiceInit {
  readonly config: Config;
  readonly bootstrap: Bootstrap;
  readonly replica: Replica;
  readonly desk: MembershipDesk;
  readonly transport: PeerTransport;
  readonly memberHosts: MemberHosts;
  readonly header: () => Header;
  readonly journal: ServerJournal;
  readonly onBug: (bug: unknown) => void;
  /** This member is no member any more. Comes once. */
  readonly onRemoved: () => void;
}

export class RosterService {
  readonly #init: RosterServiceInit;
  #removed = false;

  constructor(init: RosterServiceInit) {
    this.#init = init;
  }

  /** @returns the way to end it. */
  follow(): () => void {
    const { config, bootstrap, replica, desk, transport, memberHosts } = this.#init;
    const keeper = new RosterKeeper({
      replica,
      name: config.name,
      clientUrls: config.advertiseClientUrls,
      graceMs: 2 * config.electionTimeoutMs,
      setPeers: (peers) => {
        transport.setPeers(peers);
        const others = [...peers.values()].flatMap(({ addresses }) => addresses);
        memberHosts.set([...bootstrap.self.peerUrls, ...others]);
      },
      publish: (leader, publication, done) => {
        this.#publish(leader, publication, done);
      },
      onRemoved: () => {
        this.#onRemoved();
      },
    });
    const inquiry = new RemovalInquiry({
      replica,
      clusterId: bootstrap.clusterId,
      incarnation: bootstrap.self.incarnation,
      ask: (peer, done) => {
        this.#ask(peer, done);
      },
      onRemoved: () => {
        this.#onRemoved();
      },
    });
    return replica.onChange(() => {
      desk.poll();
      keeper.poll();
      inquiry.poll();
    });
  }

  /** What the other members, and those that want to join, may ask. */
  peerServices(): ServiceTable {
    return peerMembersTable({
      view: () => this.#view(),
      publish: (publication, context, done) => {
        this.#onPublication(publication, context.deadlineAtMs, done);
      },
    });
  }

  #view(): ClusterView {
    const { bootstrap, replica } = this.#init;
    const { clusterId, protocol } = bootstrap;
    const status = replica.status();
    return { clusterId, protocol, membership: status.config, decided: !isChanging(status) };
  }

  /** Only of itself does a member say anything. */
  #onPublication(
    { incarnation, ...publication }: Publication,
    deadlineAtMs: MonotonicMs,
    done: Parameters<PeerMembersOptions["publish"]>[2],
  ): void {
    const { replica, desk, header } = this.#init;
    const { roster } = replica.status().config;
    const row = roster?.members.find(({ id }) => id === publication.id);
    if (row?.incarnation !== incarnation) {
      const text = "etcdserver: member not found";
      done({ ok: false, error: new KvError("member-not-found", "not-applied", text) });
      return;
    }
    desk.change({ kind: "publish", ...publication }, deadlineAtMs, (result) => {
      done(result.ok ? { ok: true, header: header(), value: undefined } : result);
    });
  }

  /** `done(true)`: the cluster keeps no table, and asking again would change nothing. */
  #publish(leader: MemberRow, publication: Publication, done: (settled: boolean) => void): void {
    const { replica, desk, journal } = this.#init;
    const failed = (error: KvError): void => {
      journal.debug("not published", { reason: error.message });
      done(error.code === "unimplemented");
    };
    if (leader.node === replica.id) {
      const deadlineAtMs = (replica.now() + QUESTION_MS) as MonotonicMs;
      desk.change({ kind: "publish", ...publication }, deadlineAtMs, (result) => {
        if (result.ok) done(false);
        else failed(result.error);
      });
      return;
    }
    this.#firstAnswer(leader, (url) =>
      publishTo(this.#init.transport.dialer, url, publication, QUESTION_MS),
    ).then(
      () => {
        done(false);
      },
      (error: unknown) => {
        if (error instanceof KvError) failed(error);
        else this.#init.onBug(error);
      },
    );
  }

  #ask(peer: MemberRow, done: (view: ClusterView | undefined) => void): void {
    this.#firstAnswer(peer, (url) =>
      askClusterView(this.#init.transport.dialer, url, QUESTION_MS),
    ).then(done, (error: unknown) => {
      if (error instanceof KvError) done(undefined);
      else this.#init.onBug(error);
    });
  }

  /** Its addresses in turn, until one answers. @throws {KvError} of the last */
  async #firstAnswer<T>({ peerUrls }: MemberRow, ask: (url: string) => Promise<T>): Promise<T> {
    let failure = new KvError("unavailable", "not-applied", "hansa: the member has no address");
    for (const url of peerUrls) {
      try {
        return await ask(url);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #onRemoved(): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#init.onRemoved();
  }
}
