// Asks the members of a development cluster how they are, and says what changes: who is up, who leads.
import { Client, KvError } from "../client/index.ts";
import type { StatusAnswer, TlsOptions } from "../client/index.ts";
import { endpointOf } from "./dev-plan.ts";
import type { DevMember } from "./dev-plan.ts";

const PERIOD_MS = 250;
const STATUS_MS = 1_000;

export interface WatchReport {
  readonly onUp: (member: DevMember) => void;
  /** It was up and does not answer. */
  readonly onSilent: (member: DevMember) => void;
  /** A member by whose own word and another's, if there is another, it leads. */
  readonly onLeader: (member: DevMember) => void;
  /** Every member is up and one leads; once. */
  readonly onReady: () => void;
}

export class DevWatch {
  readonly #members: readonly DevMember[];
  readonly #report: WatchReport;
  readonly #client: Client;
  readonly #up = new Set<string>();
  #leader = "";
  #isReady = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(members: readonly DevMember[], tls: TlsOptions | undefined, report: WatchReport) {
    this.#members = members;
    this.#report = report;
    const endpoints = members.map(endpointOf);
    const security = tls === undefined ? {} : { tls };
    this.#client = new Client({ endpoints, discover: false, deadlineMs: STATUS_MS, ...security });
  }

  /** Runs until `close`. @throws what is no failure of a call: a bug */
  async run(): Promise<void> {
    while (!this.#isClosed()) {
      const statuses = await Promise.all(this.#members.map((member) => this.#statusOf(member)));
      if (this.#isClosed()) return;
      this.#judge(statuses);
      await new Promise<void>((resolve) => {
        this.#timer = setTimeout(resolve, PERIOD_MS);
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#client.close();
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  async #statusOf(member: DevMember): Promise<StatusAnswer | undefined> {
    try {
      return await this.#client.status(endpointOf(member));
    } catch (error) {
      if (error instanceof KvError) return undefined;
      throw error;
    }
  }

  #judge(statuses: readonly (StatusAnswer | undefined)[]): void {
    statuses.forEach((status, at) => {
      const member = this.#members[at];
      if (member === undefined) return;
      if (status === undefined) {
        if (this.#up.delete(member.name)) this.#report.onSilent(member);
      } else if (!this.#up.has(member.name)) {
        this.#up.add(member.name);
        this.#report.onUp(member);
      }
    });
    const known = statuses.filter((status) => status !== undefined);
    const newest = known.reduce<StatusAnswer | undefined>(
      (best, status) =>
        best === undefined || status.header.raftTerm > best.header.raftTerm ? status : best,
      undefined,
    );
    const leaderAt = statuses.findIndex(
      (status) =>
        status !== undefined &&
        status.header.memberId === newest?.leader &&
        status.leader === status.header.memberId,
    );
    const leader = this.#members[leaderAt];
    if (leader !== undefined && leader.name !== this.#leader) {
      this.#leader = leader.name;
      this.#report.onLeader(leader);
    }
    if (!this.#isReady && leader !== undefined && this.#up.size === this.#members.length) {
      this.#isReady = true;
      this.#report.onReady();
    }
  }
}
