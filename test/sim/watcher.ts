// One client that watches: at any member, from now or from the past, slow or not, cut off and back elsewhere. What
// it is told is judged at the end of the run by the validators of test/robustness.
import type { PlantedBug } from "../../base/index.ts";
import { Subscription } from "../robustness/subscription.ts";
import type { WatchWish } from "../robustness/subscription.ts";
import type { WatchRecord } from "../robustness/watch-record.ts";
import { WatchSession } from "../robustness/watch-session.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { Judge } from "./judge.ts";
import type { SimNode } from "./sim-node.ts";
import type { WatchPlan } from "./streams-plan.ts";
import { WatchLink } from "./watch-link.ts";

/** Of those that read slowly: a multiple of the time between two thoughts. */
const SLOW_READS = 1;
/** Of connections to any machine, whether or not it is a member by then. */
const STRANGER_RATE = 0.1;
/** Of new watches: from a revision of the past that the client has seen. */
const PAST_RATE = 0.3;

/** All keys of the workload, of the holders of leases, and single ones. */
const SPANS = [
  { key: "\0", end: "\0" },
  { key: "k", end: "l" },
  { key: "k", end: "\0" },
  { key: "h", end: "i" },
  { key: "k0" },
  { key: "k1", end: "k3" },
] as const;

export interface WatcherInit {
  readonly name: string;
  readonly plan: WatchPlan;
  readonly planted: PlantedBug | undefined;
  readonly nodes: () => readonly SimNode[];
  readonly isMember: (node: SimNode) => boolean;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly judge: Judge;
  readonly note: (what: () => string) => void;
  /** No fault of its own any more: it stays, reads quickly, and asks until it was told everything. */
  readonly quiet: () => boolean;
}

export class Watcher {
  readonly #init: WatcherInit;
  readonly #slow: boolean;
  readonly #subscriptions: Subscription[] = [];
  /** Those that were given up for others. */
  readonly #past: Subscription[] = [];
  #link: WatchLink | undefined;
  #session: WatchSession | undefined;
  #links = 0;
  #seen = 1;
  #idNext = 1;

  constructor(init: WatcherInit) {
    const { chance, plan } = init;
    this.#init = init;
    this.#slow = chance.hits(plan.slowRate);
    for (let at = 0; at < plan.watchesEach; at += 1) this.#subscriptions.push(this.#drawn());
  }

  get records(): readonly WatchRecord[] {
    return [...this.#past, ...this.#subscriptions].flatMap(({ records }) => records);
  }

  get answers(): number {
    return [...this.#past, ...this.#subscriptions].reduce((sum, { told }) => sum + told, 0);
  }

  begin(): void {
    this.#later();
  }

  /** What it has yet to be told, up to `revision`; undefined: nothing. */
  lacks(revision: number): string | undefined {
    const behind = this.#subscriptions.find(({ next }) => next <= revision);
    if (behind === undefined) return undefined;
    const where = this.#link === undefined ? "nowhere" : `at n${this.#link.node.id}`;
    return `${this.#init.name} ${where} was told up to ${behind.next - 1} of ${revision}`;
  }

  #later(): void {
    const { events, chance, plan, name } = this.#init;
    events.schedule(chance.waitMs(plan.thinkMeanMs), `${name} thinks`, () => {
      this.#think();
      this.#later();
    });
  }

  #think(): void {
    const { chance, plan, quiet, isMember } = this.#init;
    const link = this.#link;
    if (link === undefined || !link.isUp) {
      this.#connect();
      return;
    }
    if (quiet()) {
      if (isMember(link.node)) this.#askProgress();
      else this.#leave();
      return;
    }
    if (chance.hits(plan.cutRate)) this.#leave();
    else if (chance.hits(plan.progressRate)) this.#askProgress();
    else if (chance.hits(plan.cancelRate)) this.#cancelOne();
    else this.#createMissing();
  }

  #drawn(): Subscription {
    const { chance } = this.#init;
    const kinds = chance.pick(["both", "both", "puts", "deletes"] as const);
    const wish: WatchWish = {
      ...chance.pick(SPANS),
      puts: kinds !== "deletes",
      deletes: kinds !== "puts",
      prevKv: chance.hits(0.5),
      fragment: chance.hits(0.5),
      withProof: chance.hits(0.5),
      progressNotify: chance.hits(0.3),
    };
    const past = chance.hits(PAST_RATE) ? chance.whole(1, this.#seen + 1) : 0;
    return new Subscription(wish, past);
  }

  #connect(): void {
    this.#leave();
    const { chance, nodes, isMember, quiet, plan, note, name } = this.#init;
    const any = !quiet() && chance.hits(STRANGER_RATE);
    const node = chance.pick(any ? nodes() : nodes().filter(isMember));
    if (node.serving === undefined) return;
    this.#links += 1;
    const session = new WatchSession(`${name} at n${node.id} link ${this.#links}`);
    const readMeanMs = (): number => {
      return this.#slow && !quiet() ? plan.thinkMeanMs * SLOW_READS : 0;
    };
    this.#session = session;
    this.#link = new WatchLink({
      ...this.#init,
      node,
      readMeanMs,
      onAnswer: (answer, statement) => {
        const { watch_id: id, header, events } = answer;
        const revision = Number(header?.revision ?? 0);
        note(() => `${name} n${node.id} watch ${id ?? 0} at ${revision}: ${events?.length ?? 0}`);
        this.#seen = Math.max(this.#seen, revision);
        session.take(answer, statement);
      },
    });
    this.#createMissing();
  }

  #createMissing(): void {
    for (const subscription of this.#subscriptions) {
      if (this.#session?.has(subscription) === true) continue;
      const own = this.#init.chance.hits(0.5);
      const id = own ? this.#idNext + 1_000 : 0;
      if (own) this.#idNext += 1;
      const request = this.#session?.create(subscription, id);
      if (request !== undefined) this.#link?.send(request);
    }
  }

  #askProgress(): void {
    this.#createMissing();
    if (this.#session === undefined || this.#session.progressAsked) return;
    this.#link?.send(this.#session.progress());
  }

  /** One watch ends, and another takes its place. */
  #cancelOne(): void {
    const { chance } = this.#init;
    const at = chance.whole(0, this.#subscriptions.length);
    const subscription = this.#subscriptions[at];
    if (subscription === undefined) return;
    const request = this.#session?.cancel(subscription);
    if (request === undefined) return;
    this.#link?.send(request);
    this.#past.push(subscription);
    this.#subscriptions[at] = this.#drawn();
  }

  #leave(): void {
    this.#link?.cut();
    this.#session?.end();
    this.#link = undefined;
    this.#session = undefined;
  }
}
