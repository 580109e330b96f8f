// The watches of one replica: the store's hub, moved on outside of apply, a bounded step a turn, with the values
// that it lacks from the engine. Whoever is slow waits here for nobody, and nobody for him.
import type { MemberId, Revision } from "../base/index.ts";
import { stalenessBoundMs } from "../consensus/index.ts";
import type { ClientListener, ReadProof, Watches } from "../rpc/index.ts";
import { WatchHub } from "../store/index.ts";
import type {
  Caller,
  Machine,
  Watch,
  WatchChannel,
  WatchEvent,
  WatchListener,
  WatchLoad,
  WatchRequest,
} from "../store/index.ts";
import type { Replica } from "./replica.ts";
import { WatchGuard } from "./watch-guard.ts";

export interface WatchDeskInit {
  readonly replica: Replica;
  readonly memberId: MemberId;
  readonly region: string;
}

export class WatchDesk implements Watches {
  readonly #init: WatchDeskInit;
  readonly #hub: WatchHub;
  readonly #guard = new WatchGuard();
  /** A snapshot puts another in its place. */
  #machine: Machine;
  /** Events told to watches, each as often as it was told. */
  eventsTold = 0;
  #scheduled = false;
  #advanced: (() => void)[] = [];

  constructor(init: WatchDeskInit) {
    const { replica } = init;
    this.#init = init;
    this.#machine = replica.machine;
    const changesMax = replica.limits.watchStepChangesMax;
    this.#hub = new WatchHub(this.#machine.changes, { changesMax });
    replica.onChange(() => this.#onChange());
  }

  get count(): number {
    return this.#hub.count;
  }

  /** As WatchHub's. */
  get behindCount(): number {
    return this.#hub.behindCount;
  }

  get pendingRevisions(): number {
    return this.#hub.pendingRevisions;
  }

  get revision(): Revision {
    return this.#hub.revision;
  }

  get floor(): Revision {
    return this.#hub.floor;
  }

  open(
    request: WatchRequest,
    channel: WatchChannel,
    listener: ClientListener,
    caller: Caller,
  ): Watch {
    const counted = new CountedListener(this, listener);
    const watch = this.#hub.open(request, channel, counted);
    this.#guard.add(watch, { caller, listener }, this.#hub.count);
    // Whoever may not read it is told so before any event.
    if (this.#machine.auth.refusesRead(caller, request) !== undefined) this.#guard.judgeAnew();
    this.#schedule();
    return watch;
  }

  cancel(watch: Watch): void {
    this.#guard.remove(watch);
    this.#hub.cancel(watch);
    this.#schedule();
  }

  resume(channel: WatchChannel): void {
    this.#hub.resume(channel);
    this.#schedule();
  }

  toldUpTo(watch: Watch): Revision | undefined {
    return this.#hub.toldUpTo(watch);
  }

  whenAdvanced(run: () => void): void {
    this.#advanced.push(run);
  }

  /** Of the state that the hub tells of, by the newest echo (F3): known is a bound, absent is unknown. */
  proof(): ReadProof {
    const { replica, memberId, region } = this.#init;
    // Looks at the clocks first: what they say of a machine that slept is dropped.
    replica.clockBreaks();
    const { role, freshAtMs } = replica.status();
    const bound = stalenessBoundMs(freshAtMs, replica.now(), replica.clockDriftMax);
    return {
      asked: "default",
      used: bound === undefined ? "local" : "learner",
      memberId,
      role,
      region,
      appliedIndex: this.#machine.applied,
      revision: this.#machine.revision,
      ...(bound === undefined ? {} : { stalenessBoundMs: bound }),
      clockDriftMax: replica.clockDriftMax,
    };
  }

  #onChange(): void {
    const { machine } = this.#init.replica;
    if (machine !== this.#machine) {
      this.#machine = machine;
      this.#hub.replace(machine.changes);
    }
    this.#judge();
    // Without a watch it costs nothing to keep up, and no turn.
    if (this.#hub.count === 0) this.#hub.advance(1);
    else if (this.#hub.isBehind) this.#schedule();
  }

  #judge(): void {
    this.#guard.judge(this.#machine.auth, (watch) => this.#hub.cancel(watch));
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#init.replica.endOfTurn(() => {
      this.#scheduled = false;
      this.#advance();
    });
  }

  get #deliveriesMax(): number {
    return this.#init.replica.limits.watchDeliveriesPerTurnMax;
  }

  #advance(): void {
    this.#judge();
    const { loads, more } = this.#hub.advance(this.#deliveriesMax);
    for (const load of loads) this.#load(load);
    if (more) this.#schedule();
    const waiting = this.#advanced;
    this.#advanced = [];
    for (const run of waiting) run();
  }

  #load(load: WatchLoad): void {
    this.#init.replica.engine.get(load.keys, (failure, values) => {
      // A disk that fails ends the replica; until it does, the watches try again as others do.
      if (failure === undefined) this.#hub.supply(load, values);
      else this.#hub.abandon(load);
      this.#schedule();
    });
  }
}

/** An object a watch, and no closure: there may be ten thousand. */
class CountedListener implements WatchListener {
  readonly #desk: WatchDesk;
  readonly #listener: ClientListener;

  constructor(desk: WatchDesk, listener: ClientListener) {
    this.#desk = desk;
    this.#listener = listener;
  }

  onEvents(events: readonly WatchEvent[], upTo: Revision): void {
    this.#desk.eventsTold += events.length;
    this.#listener.onEvents(events, upTo);
  }

  onCompacted(floor: Revision): void {
    this.#listener.onCompacted(floor);
  }
}
