// Renewals of leases gathered into commands: one at a time as long as what waits fits into one, each renewal answered
// once and with its own lease's time.
import { describe, expect, test } from "@jest/globals";
import { KvError } from "../base/index.ts";
import type { LeaseId, LogTimeMs, MonotonicMs } from "../base/index.ts";
import { storeCodec } from "../rpc/index.ts";
import type { CallContext, Header } from "../rpc/index.ts";
import { OWN_AUTHORITY } from "../store/index.ts";
import { LoneReplica } from "../test/integration/lone-replica.ts";
import { grant } from "../test/store/requests.ts";
import type { Command } from "./commands.ts";
import { LeaseDesk, RENEWALS_MAX } from "./lease-desk.ts";
import type { LeaseDeskInit } from "./lease-desk.ts";

const HEADER = { revision: 1 } as Header;

/** A member that does not lead, whose commands and turns end when the test says so. */
class Bench {
  readonly submitted: Command[] = [];
  /** By lease and in the order of their answers: seconds left, or the error's code. */
  readonly answers: (readonly [lease: number, result: number | string])[] = [];
  readonly #lone = new LoneReplica(1, []);
  readonly #desk: LeaseDesk;
  readonly #ends: (() => void)[] = [];

  constructor() {
    const { host } = this.#lone;
    this.#lone.isLeader = false;
    for (const id of [1, 2]) host.run(grant(BigInt(id), id * 10_000));
    const replica: LeaseDeskInit["replica"] = {
      machine: host.machine,
      logClock: { read: () => 0 as LogTimeMs },
      now: () => this.#lone.now(),
      onChange: () => () => undefined,
      status: () => this.#lone.status(),
      endOfTurn: (end) => void this.#ends.push(end),
      submit: (command) => void this.submitted.push(command),
    };
    const reader: LeaseDeskInit["reader"] = { moment: (_mode, _context, done) => done(undefined) };
    this.#desk = new LeaseDesk({ replica, reader, header: () => HEADER });
  }

  renew(lease: number): void {
    const { signal } = new AbortController();
    const context: CallContext = {
      deadlineAtMs: 1_000 as MonotonicMs,
      signal,
      caller: OWN_AUTHORITY,
    };
    this.#desk.renew(BigInt(lease) as LeaseId, context, (result) => {
      this.answers.push([lease, result.ok ? result.value : result.error.code]);
    });
  }

  turn(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  /** The leases of each command so far. */
  get renewed(): (readonly LeaseId[])[] {
    return this.submitted.map(({ kind, body }) => {
      const request = storeCodec.decodeRequest(kind, body);
      if (request.kind !== "lease-renew") throw new TypeError(`${kind} renews nothing`);
      return request.ids;
    });
  }

  /** The command is applied. */
  end(at: number): void {
    const { kind, body, done } = this.#command(at);
    const response = this.#lone.host.run(storeCodec.decodeRequest(kind, body));
    done({ ok: true, response });
  }

  fail(at: number, error: KvError): void {
    this.#command(at).done({ ok: false, error });
  }

  #command(at: number): Command {
    const command = this.submitted[at];
    if (command === undefined) throw new RangeError(`no command ${at} was submitted`);
    return command;
  }
}

describe("renewals of leases", () => {
  test("of one turn are one command, and each is told of its own lease", () => {
    const bench = new Bench();
    for (const lease of [2, 1, 9, 2]) bench.renew(lease);
    expect(bench.submitted).toHaveLength(0);
    bench.turn();
    expect(bench.renewed).toEqual([[2n, 1n, 9n, 2n]]);
    bench.end(0);
    expect(bench.answers).toEqual([
      [2, 20],
      [1, 10],
      [9, 0],
      [2, 20],
    ]);
  });

  test("that come while a command is under way wait for its end, and are the next together", () => {
    const bench = new Bench();
    bench.renew(1);
    bench.turn();
    bench.renew(2);
    bench.turn();
    bench.renew(1);
    bench.turn();
    expect(bench.submitted).toHaveLength(1);
    bench.end(0);
    bench.turn();
    expect(bench.renewed).toEqual([[1n], [2n, 1n]]);
    bench.end(1);
    bench.turn();
    expect(bench.answers.map(([lease]) => lease)).toEqual([1, 2, 1]);
    expect(bench.submitted).toHaveLength(2);
  });

  test("that fill a command do not wait, and no command has more than it may", () => {
    const bench = new Bench();
    bench.renew(1);
    bench.turn();
    for (let count = 0; count < 2 * RENEWALS_MAX + 1; count += 1) bench.renew(2);
    bench.turn();
    expect(bench.renewed.map(({ length }) => length)).toEqual([1, RENEWALS_MAX, RENEWALS_MAX, 1]);
    for (const at of [0, 1, 2, 3]) bench.end(at);
    bench.turn();
    expect(bench.answers).toHaveLength(2 * RENEWALS_MAX + 2);
    expect(bench.submitted).toHaveLength(4);
  });

  test("of a command that fails are told why, and those that waited are sent", () => {
    const bench = new Bench();
    bench.renew(1);
    bench.turn();
    bench.renew(2);
    bench.fail(0, new KvError("leader-changed", "unknown", "etcdserver: leader changed"));
    bench.turn();
    bench.end(1);
    expect(bench.answers).toEqual([
      [1, "leader-changed"],
      [2, 20],
    ]);
  });
});
