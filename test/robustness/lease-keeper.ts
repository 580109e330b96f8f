// A holder of leases who asks through the JSON gateway: grants, puts with the lease, keeps it alive, looks at what is
// left of it, gives it back or lets it run out; now at this member, now at that.
import type { Chance } from "../sim/chance.ts";
import { base64, headerRevision } from "./gateway-caller.ts";
import type { GatewayCaller } from "./gateway-caller.ts";
import type { LeaseRecord, LeaseTerm } from "./lease-record.ts";
import type { Acknowledged, Truth } from "./truth.ts";

const CALL_MS_MAX = 2_000;
const TTL_S = 3;
const KEYS = 3;

interface Life {
  readonly id: bigint;
  readonly ttlMs: number;
  readonly terms: { askedAtMs: number; answeredAtMs: number | undefined }[];
  revokeAskedAtMs: number | undefined;
  /** Of the last put with it that was acknowledged: at its delete the lease has ended. */
  lastPut: { readonly key: string; readonly revision: number } | undefined;
}

export interface LeaseKeeperOptions {
  readonly name: string;
  /** Distinct for each. */
  readonly number: number;
  readonly members: readonly GatewayCaller[];
  readonly chance: Chance;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #lives: Life[] = [];
  readonly acknowledged: Acknowledged[] = [];
  #life: Life | undefined;
  #values = 0;
  /** Calls that were answered. */
  answered = 0;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  async once(): Promise<void> {
    const { chance } = this.#options;
    const life = this.#life;
    try {
      if (life === undefined) await this.#grant();
      else if (chance.hits(0.45)) await this.#renew(life);
      else if (chance.hits(0.75)) await this.#put(life);
      else if (chance.hits(0.3)) await this.#revoke(life);
      else if (chance.hits(0.2)) this.#life = undefined;
      this.answered += 1;
    } catch {
      // Refused, or of unknown fate: the record says that it was asked, and of no answer.
    }
  }

  /** `truth` says when each was seen to end. */
  records(truth: Truth, endOf: (life: { key: string; revision: number }) => number | undefined) {
    return this.#lives.map(({ lastPut, ...life }): LeaseRecord => {
      const endedAt = lastPut === undefined ? undefined : endOf(lastPut);
      const atMs = endedAt === undefined ? undefined : truth.heardAtMs(endedAt);
      return { ...life, end: atMs === undefined ? undefined : { by: "expire", atMs } };
    });
  }

  async #post(path: string, body: Readonly<Record<string, unknown>>) {
    return this.#options.chance.pick(this.#options.members).post(path, body, CALL_MS_MAX);
  }

  async #grant(): Promise<void> {
    const id = BigInt(this.#options.number * 1_000_000 + this.#lives.length + 1);
    const term = { askedAtMs: performance.now(), answeredAtMs: undefined };
    const begun: Life = {
      id,
      ttlMs: TTL_S * 1000,
      terms: [term],
      revokeAskedAtMs: undefined,
      lastPut: undefined,
    };
    this.#lives.push(begun);
    await this.#post("/lease/grant", { ID: String(id), TTL: String(TTL_S) });
    answeredNow(term);
    this.#life = begun;
  }

  async #renew(life: Life): Promise<void> {
    const term = { askedAtMs: performance.now(), answeredAtMs: undefined };
    life.terms.push(term);
    const answer = await this.#post("/lease/keepalive", { ID: String(life.id) });
    const { TTL: ttlS } = (answer["result"] ?? {}) as { readonly TTL?: string };
    if (Number(ttlS ?? 0) > 0) answeredNow(term);
    else this.#life = undefined;
  }

  async #put(life: Life): Promise<void> {
    const { name, chance } = this.#options;
    this.#values += 1;
    const value = `${name}.${this.#values}`;
    const key = `lease/${name}/${life.id}/${chance.whole(0, KEYS)}`;
    const body = { key: base64(key), value: base64(value), lease: String(life.id) };
    const revision = headerRevision(await this.#post("/kv/put", body));
    this.acknowledged.push({ key, value, revision });
    life.lastPut = { key, revision };
  }

  async #revoke(life: Life): Promise<void> {
    this.#life = undefined;
    life.revokeAskedAtMs = performance.now();
    await this.#post("/lease/revoke", { ID: String(life.id) });
  }
}

function answeredNow(term: LeaseTerm & { answeredAtMs: number | undefined }): void {
  term.answeredAtMs = performance.now();
}
