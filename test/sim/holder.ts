// One client that holds leases: grants one, hangs keys on it, keeps it alive for a while, gives it back or forgets
// it, and begins again. One call at a time, each at a member of its choice, over a link that may lose it.
import { bytesOf, checkedKey } from "../../base/index.ts";
import type { LeaseId, MonotonicMs } from "../../base/index.ts";
import { etcdserverpb } from "../../proto/index.ts";
import type { CallContext } from "../../rpc/backend.ts";
import { leaseGrantBytes } from "../../rpc/lease-codec.ts";
import { storeCodec } from "../../rpc/store-codec.ts";
import { NOBODY } from "../../store/caller.ts";
import type { Request } from "../../store/request.ts";
import type { Response } from "../../store/response.ts";
import type { Chance } from "./chance.ts";
import type { EventQueue } from "./events.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { Serving, SimNode } from "./sim-node.ts";
import type { LeasePlan } from "./streams-plan.ts";

const LINK_DELAY_MEAN_MS = 0.3;
const LOSS_RATE = 0.02;
/** Thoughts of a holder in the time that a lease lives. */
const THOUGHTS_PER_TTL = 12;
const KEYS = 3;
const NEVER_GONE = new AbortController().signal;

export interface HolderInit {
  readonly name: string;
  /** Distinct for each: a part of the ids it chooses. */
  readonly number: number;
  readonly plan: LeasePlan;
  readonly timeoutMs: number;
  readonly nodes: () => readonly SimNode[];
  readonly isMember: (node: SimNode) => boolean;
  readonly events: EventQueue;
  readonly chance: Chance;
  readonly book: LeaseBook;
  readonly note: (what: () => string) => void;
  readonly quiet: () => boolean;
}

type Answered = (outcome: "ok" | "gone" | "unknown") => void;

export class Holder {
  readonly #init: HolderInit;
  #leases = 0;
  #values = 0;
  #lease: LeaseId | undefined;
  #busy = false;

  constructor(init: HolderInit) {
    this.#init = init;
  }

  get busy(): boolean {
    return this.#busy;
  }

  begin(): void {
    this.#later();
  }

  #later(): void {
    const { events, chance, plan, name } = this.#init;
    const meanMs = (plan.ttlS * 1000) / THOUGHTS_PER_TTL;
    events.schedule(chance.waitMs(meanMs), `${name} goes on`, () => this.#next());
  }

  #next(): void {
    const { chance, quiet } = this.#init;
    this.#busy = !quiet();
    if (!this.#busy) return;
    const lease = this.#lease;
    if (lease === undefined) this.#grant();
    else if (chance.hits(0.4)) this.#renew(lease);
    else if (chance.hits(0.75)) this.#write(this.#drawWrite(lease));
    else if (chance.hits(0.5)) this.#revoke(lease);
    else {
      this.#lease = undefined;
      this.#later();
    }
  }

  #grant(): void {
    const { number, plan, book } = this.#init;
    this.#leases += 1;
    const id = BigInt(number * 1_000_000 + this.#leases) as LeaseId;
    const body = leaseGrantBytes({ id, ttlS: plan.ttlS });
    const request = storeCodec.decodeRequest("lease-grant", body);
    this.#call((serving, context, end) => {
      const term = book.onGrantAsked(id, plan.ttlS * 1000);
      this.#submit(serving, context, { request, body }, end, (response) => {
        if (response.kind !== "lease-grant") return;
        book.onGiven(term);
        this.#lease = id;
      });
    });
  }

  #renew(id: LeaseId): void {
    const { book, note, name } = this.#init;
    this.#call((serving, context, end) => {
      const term = book.onRenewalAsked(id);
      serving.backend.leases.renew(id, context, (answer) => {
        note(() => `${name} renews ${id}: ${answer.ok ? answer.value : answer.error.code}`);
        if (answer.ok && answer.value > 0) book.onGiven(term);
        end(answer.ok ? (answer.value > 0 ? "ok" : "gone") : "unknown");
      });
    });
  }

  #revoke(id: LeaseId): void {
    const body = etcdserverpb.LeaseRevokeRequest.encode({ ID: id }).finish();
    const request = storeCodec.decodeRequest("lease-revoke", body);
    this.#call((serving, context, end) => {
      this.#init.book.onRevokeAsked(id);
      this.#submit(serving, context, { request, body }, end, () => undefined);
    });
    this.#lease = undefined;
  }

  /** Puts with the lease, alone or two at once; a put without it; all of its keys deleted at once. */
  #drawWrite(lease: LeaseId): { readonly request: Request; readonly body: Uint8Array } {
    const { chance } = this.#init;
    const drawn = chance.unit();
    if (drawn < 0.55) return sent("put", etcdserverpb.PutRequest.encode(this.#put(lease)).finish());
    if (drawn < 0.8) {
      const puts = [this.#put(lease, 0), this.#put(lease, 1)];
      const success = puts.map((put) => ({ request_put: put }));
      return sent("txn", etcdserverpb.TxnRequest.encode({ success }).finish());
    }
    if (drawn < 0.9) return sent("put", etcdserverpb.PutRequest.encode(this.#put(0n)).finish());
    const { name } = this.#init;
    const range = { key: latin1(`h/${name}/`), range_end: latin1(`h/${name}0`) };
    return sent("delete-range", etcdserverpb.DeleteRangeRequest.encode(range).finish());
  }

  #put(lease: bigint, at = this.#init.chance.whole(0, KEYS)): etcdserverpb.IPutRequest {
    const { name } = this.#init;
    this.#values += 1;
    const value = latin1(`${name}.${this.#values}`);
    return { key: latin1(`h/${name}/${at}`), value, lease };
  }

  #write(write: { readonly request: Request; readonly body: Uint8Array }): void {
    this.#call((serving, context, end) => {
      this.#submit(serving, context, write, end, () => undefined);
    });
  }

  #submit(
    { backend }: Serving,
    context: CallContext,
    { request, body }: { readonly request: Request; readonly body: Uint8Array },
    end: Answered,
    onAnswer: (response: Response) => void,
  ): void {
    const { note, name } = this.#init;
    backend.write(request, body, context, (answer) => {
      note(() => `${name} ${request.kind}: ${answer.ok ? answer.value.kind : answer.error.code}`);
      if (answer.ok) onAnswer(answer.value);
      const gone = answer.ok && answer.value.kind === "refused";
      end(answer.ok ? (gone ? "gone" : "ok") : "unknown");
    });
  }

  /** One try at one member; whatever comes of it, the holder goes on. */
  #call(attempt: (serving: Serving, context: CallContext, end: Answered) => void): void {
    const { events, chance, name, timeoutMs } = this.#init;
    const node = this.#choose();
    let ended = false;
    const end: Answered = (outcome) => {
      if (ended) return;
      ended = true;
      if (outcome === "gone") this.#lease = undefined;
      this.#later();
    };
    events.schedule(timeoutMs, `${name} gives up`, () => end("unknown"));
    if (chance.hits(LOSS_RATE)) return;
    events.schedule(chance.waitMs(LINK_DELAY_MEAN_MS), `${name} asks n${node.id}`, () => {
      node.process.arrive(`${name} asks`, () => {
        const { serving } = node;
        if (serving === undefined) return;
        const deadlineAtMs = (serving.replica.now() + timeoutMs) as MonotonicMs;
        const context = { deadlineAtMs, signal: NEVER_GONE, caller: NOBODY };
        attempt(serving, context, (outcome) => {
          if (chance.hits(LOSS_RATE)) return;
          events.schedule(chance.waitMs(LINK_DELAY_MEAN_MS), `${name} is answered`, () => {
            end(outcome);
          });
        });
      });
    });
  }

  #choose(): SimNode {
    const { chance, nodes, isMember } = this.#init;
    return chance.pick(nodes().filter(isMember));
  }
}

function sent(
  kind: Request["kind"],
  body: Uint8Array,
): { readonly request: Request; readonly body: Uint8Array } {
  return { request: storeCodec.decodeRequest(kind, body), body };
}

function latin1(text: string): Uint8Array {
  return bytesOf(checkedKey(text));
}
