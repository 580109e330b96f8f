// One command's way through the rules, the same on every replica: who asks for it, what bars it, whether it was
// answered before, and then its effect. A refusal is an answer like any other, and changes nothing.
import { assert, present } from "../base/index.ts";
import type { LogIndex, LogTimeMs, Revision } from "../base/index.ts";
import { isAlarmCommand } from "./alarms.ts";
import type { AlarmTable } from "./alarms.ts";
import type { AuthJudge } from "./auth-judge.ts";
import type { AuthTable } from "./auth-table.ts";
import type { Caller } from "./caller.ts";
import type { KeySpace } from "./key-space.ts";
import { isLeaseCommand, runLeaseCommand } from "./lease-commands.ts";
import type { RequestCodec } from "./machine-options.ts";
import { isRefusal, refused } from "./refusal.ts";
import { requestHash } from "./request-hash.ts";
import type { NamedCommand } from "./request-hash.ts";
import type { Request, RequestId } from "./request.ts";
import type { KeptResponse, Response } from "./response.ts";
import type { RowSet } from "./row-set.ts";
import { isSessionCommand, runSessionCommand } from "./session-commands.ts";
import type { SessionTable } from "./sessions.ts";
import { runCommand } from "./write.ts";
import type { KeyCommand } from "./write.ts";

export interface ExecutionInit {
  readonly codec: RequestCodec;
  readonly space: KeySpace;
  readonly sessions: SessionTable;
  readonly alarms: AlarmTable;
  readonly accounts: AuthTable;
  readonly judge: AuthJudge;
}

/** Of the entry that carries the command. */
export interface Occasion {
  readonly caller: Caller;
  readonly index: LogIndex;
  readonly now: LogTimeMs;
  readonly rows: RowSet;
}

export class Execution {
  readonly #init: ExecutionInit;

  constructor(init: ExecutionInit) {
    this.#init = init;
  }

  run(request: Request, occasion: Occasion): Response {
    const { judge } = this.#init;
    const { caller } = occasion;
    // What a named command may do is judged where it runs: who repeats it gets the answer that it got.
    const isNamed = "requestId" in request && request.requestId !== undefined;
    const fault = isNamed ? judge.refusesUser(caller) : judge.refusesCommand(caller, request);
    return fault === undefined
      ? this.#permitted(request, occasion)
      : refused(fault, this.#revision);
  }

  #permitted(request: Request, occasion: Occasion): Response {
    const { space, sessions, alarms, accounts, judge } = this.#init;
    const { caller, index, now } = occasion;
    const revision = this.#revision;
    if (isSessionCommand(request)) {
      const asker = judge.askerOf(caller);
      return runSessionCommand(request, sessions, { index, now, revision, asker });
    }
    if (request.kind === "auth") {
      const fault = accounts.run(request.change, now);
      return fault === undefined ? { kind: "auth", revision } : refused(fault, revision);
    }
    if (isAlarmCommand(request)) return alarms.run(request, revision);
    if (request.kind === "federation") return this.#runFederation(request);
    if (isLeaseCommand(request)) {
      const barred = alarms.bars(request);
      return barred === undefined
        ? runLeaseCommand(request, space, now)
        : refused(barred, revision);
    }
    if (request.kind === "compaction" || request.requestId === undefined) {
      return this.#runKeys(request, occasion);
    }
    return this.#runOnce(request, request.requestId, occasion);
  }

  /** R9: the first of its sequence runs; the others get its answer, a refusal included. */
  #runOnce(request: NamedCommand, id: RequestId, occasion: Occasion): KeptResponse {
    const { codec, sessions, judge } = this.#init;
    const { caller, now } = occasion;
    const hash = requestHash(request);
    const judgement = sessions.judge(id, hash, now, judge.askerOf(caller));
    if (isRefusal(judgement)) return refused(judgement, this.#revision);
    if (judgement.kind === "answered") return codec.decodeResponse(judgement.bytes);
    const fault = judge.refusesCommand(caller, request);
    const response =
      fault === undefined ? this.#runKeys(request, occasion) : refused(fault, this.#revision);
    assert(response.kind === request.kind || response.kind === "refused", "answers fit requests");
    sessions.record(id, hash, codec.encodeResponse(response));
    return response;
  }

  /** Never refused for want of space: what another region has accepted is accepted here (federation 3). */
  #runFederation(request: Extract<Request, { readonly kind: "federation" }>): Response {
    const { space, alarms } = this.#init;
    const federation = present(space.federation, "a federation, whose change was logged");
    const answer = alarms.bars(request) ?? federation.run(request.body);
    if (isRefusal(answer)) return refused(answer, this.#revision);
    return { kind: "federation", revision: this.#revision, answer };
  }

  #runKeys(request: KeyCommand, { index, rows }: Occasion): KeptResponse {
    const { space, alarms } = this.#init;
    const barred = alarms.bars(request);
    if (barred !== undefined) return refused(barred, this.#revision);
    return runCommand(request, { space, rows, index });
  }

  get #revision(): Revision {
    return this.#init.space.revision as Revision;
  }
}
