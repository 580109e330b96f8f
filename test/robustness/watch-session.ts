// One stream and the subscriptions on it: which answer is whose. The stream itself is the caller's.
import { assert, present } from "../../base/index.ts";
import type { etcdserverpb } from "../../proto/index.ts";
import type { Subscription } from "./subscription.ts";
import { revisionOf, toldOf } from "./watch-answer.ts";
import type { WatchAnswer } from "./watch-answer.ts";
import type { Statement } from "./watch-record.ts";

/** etcd's id in answers that belong to no watch. */
const NO_ID = -1;

export class WatchSession {
  readonly #name: string;
  readonly #open = new Map<number, Subscription>();
  /** Created answers come in the order of the creations. */
  readonly #asked: Subscription[] = [];
  /** Asked for, and not answered yet. */
  progressAsked = false;
  #refused = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** `id` 0: the server chooses. */
  create(subscription: Subscription, id: number): etcdserverpb.IWatchRequest {
    this.#asked.push(subscription);
    return { create_request: subscription.create(id) };
  }

  /** @returns undefined if there is no watch of it yet. */
  cancel(subscription: Subscription): etcdserverpb.IWatchRequest | undefined {
    const found = [...this.#open].find(([, open]) => open === subscription);
    return found === undefined ? undefined : { cancel_request: { watch_id: found[0] } };
  }

  progress(): etcdserverpb.IWatchRequest {
    this.progressAsked = true;
    return { progress_request: {} };
  }

  /** Whose creation was refused; each is told why. */
  get refusedCount(): number {
    return this.#refused;
  }

  has(subscription: Subscription): boolean {
    return this.#asked.includes(subscription) || subscription.isOpen;
  }

  take(answer: WatchAnswer, statement?: Statement): void {
    const id = Number(answer.watch_id ?? 0);
    if (answer.created === true) this.#onCreated(id, answer);
    else if (id === NO_ID) this.#onProgress(answer, statement);
    else if (answer.canceled === true) this.#onCanceled(id, answer);
    else {
      const subscription = present(this.#open.get(id), `watch ${id} of ${this.#name}`);
      subscription.onTold(toldOf(answer, statement));
    }
  }

  /** The stream is over. */
  end(): void {
    for (const subscription of this.#open.values()) subscription.onEnd();
    this.#open.clear();
    this.#asked.length = 0;
  }

  #onCreated(id: number, answer: WatchAnswer): void {
    const subscription = this.#asked.shift();
    assert(subscription !== undefined, `${this.#name}: created what nobody asked for`);
    if (answer.canceled === true) {
      this.#refused += 1;
      return;
    }
    assert(!this.#open.has(id), `${this.#name}: watch ${id} is created twice`);
    this.#open.set(id, subscription);
    subscription.onCreated(`${this.#name} watch ${id}`, revisionOf(answer));
  }

  /** It holds for each watch of the stream. */
  #onProgress(answer: WatchAnswer, statement: Statement | undefined): void {
    this.progressAsked = false;
    for (const subscription of this.#open.values()) {
      subscription.onTold(toldOf(answer, statement));
    }
  }

  #onCanceled(id: number, answer: WatchAnswer): void {
    const subscription = present(this.#open.get(id), `watch ${id} of ${this.#name}`);
    this.#open.delete(id);
    const floor = Number(answer.compact_revision ?? 0);
    if (floor > 0) subscription.onCompacted(floor);
    else subscription.onEnd();
  }
}
