// Changes of who belongs to the cluster, and of who leads it. None is repeated after a failure that leaves open
// whether it was made: the member table says.
import { memberOf, membersAnswerOf } from "./answer.ts";
import type { Member, MembersAnswer } from "./answer.ts";
import type { Courier } from "./courier.ts";
import { oneCall } from "./one-call.ts";
import type { OneCall } from "./one-call.ts";
import type { CallOptions } from "./options.ts";
import { answered } from "./wire-value.ts";
import { METHODS } from "./methods.ts";

/** The members once one was added, and which it is. */
export interface MemberAddedAnswer extends MembersAnswer {
  readonly member: Member;
}

/** Each ends with the members as they are once the change is committed. */
export class MembershipCalls {
  readonly #courier: Courier;

  /** Is `Client.membership`. */
  constructor(courier: Courier) {
    this.#courier = courier;
  }

  /**
   * A new member, which learns first and votes by itself once it has caught up, unless it is to stay a learner.
   *
   * @throws {KvError} `peer-urls-exist`, `too-many-learners`, `not-enough-started`, `unhealthy-cluster`,
   *   `member-urls-invalid`, and those of every call
   */
  add(
    peerUrls: readonly string[],
    options: CallOptions & { readonly isLearner?: boolean } = {},
  ): Promise<MemberAddedAnswer> {
    const request = { peerURLs: [...peerUrls], isLearner: options.isLearner ?? false };
    return this.#ask("member-add", options, async (connection, timeoutMs, signal) => {
      const wire = await connection.unary(METHODS.memberAdd, request, timeoutMs, signal);
      return { ...membersAnswerOf(wire), member: memberOf(answered(wire.member, "member")) };
    });
  }

  /** @throws {KvError} `member-not-found`, `not-enough-started`, `unhealthy-cluster` */
  remove(id: bigint, options: CallOptions = {}): Promise<MembersAnswer> {
    return this.#ask("member-remove", options, async (connection, timeoutMs, signal) =>
      membersAnswerOf(await connection.unary(METHODS.memberRemove, { ID: id }, timeoutMs, signal)),
    );
  }

  /** Says where a member is to be found by the others. @throws {KvError} as `add`, `member-not-found` */
  update(
    id: bigint,
    peerUrls: readonly string[],
    options: CallOptions = {},
  ): Promise<MembersAnswer> {
    const request = { ID: id, peerURLs: [...peerUrls] };
    return this.#ask("member-update", options, async (connection, timeoutMs, signal) =>
      membersAnswerOf(await connection.unary(METHODS.memberUpdate, request, timeoutMs, signal)),
    );
  }

  /** Makes a learner a voter. @throws {KvError} `member-not-learner`, `learner-not-ready` */
  promote(id: bigint, options: CallOptions = {}): Promise<MembersAnswer> {
    return this.#ask("member-promote", options, async (connection, timeoutMs, signal) =>
      membersAnswerOf(await connection.unary(METHODS.memberPromote, { ID: id }, timeoutMs, signal)),
    );
  }

  /** Hands leadership to a voter; asked of the leader. @throws {KvError} `bad-transferee`, `timed-out` */
  moveLeader(target: bigint, options: CallOptions = {}): Promise<void> {
    return this.#ask("move-leader", options, async (connection, timeoutMs, signal) => {
      await connection.unary(METHODS.moveLeader, { targetID: target }, timeoutMs, signal);
    });
  }

  #ask<T>(operation: string, options: CallOptions, call: OneCall<T>): Promise<T> {
    const about = { operation, nature: "plain-write", destination: "leader" } as const;
    return this.#courier.carry(oneCall(about, call), options);
  }
}
