// Whom the router asks first, by what it has been told.
import { beforeEach, describe, expect, test } from "@jest/globals";
import { Router } from "./router.ts";

const A = "a:1";
const B = "b:1";
const C = "c:1";
const L = "l:1";

describe("Router", () => {
  let router: Router;

  /** Three voters led by b, and a learner; a is nearer than c. */
  beforeEach(() => {
    router = new Router([A, B, C, L]);
    const status = { leaderId: 2n, term: 3, isLearner: false };
    router.onStatus(A, { ...status, memberId: 1n }, 5);
    router.onStatus(B, { ...status, memberId: 2n }, 1);
    router.onStatus(C, { ...status, memberId: 3n }, 9);
    router.onStatus(L, { ...status, memberId: 4n, isLearner: true }, 1);
  });

  test("each kind of call has its kind of member first, nearer ones before others", () => {
    expect(router.order("leader", 0)).toEqual([B, A, C, L]);
    expect(router.order("follower", 0)).toEqual([A, C, L, B]);
    expect(router.order("learner", 0)).toEqual([L, A, C, B]);
  });

  test("local reads are spread evenly", () => {
    const first = Array.from({ length: 40 }, () => router.order("any", 0)[0]);
    for (const address of [A, B, C, L]) {
      expect(first.filter((one) => one === address)).toHaveLength(10);
    }
  });

  test("latency is smoothed: one slow probe does not reorder, a lasting change does", () => {
    const status = { leaderId: 2n, term: 3, isLearner: false };
    router.onStatus(A, { ...status, memberId: 1n }, 20);
    expect(router.order("follower", 0)[0]).toBe(A);
    for (let probe = 0; probe < 20; probe += 1) {
      router.onStatus(A, { ...status, memberId: 1n }, 20);
    }
    expect(router.order("follower", 0)[0]).toBe(C);
  });

  test("a member that is away is asked last, for a time that doubles up to a bound", () => {
    router.onAbsence(B, 1_000);
    expect(router.order("leader", 1_099)).toEqual([A, C, L, B]);
    expect(router.order("leader", 1_100)[0]).toBe(B);
    for (let count = 0; count < 30; count += 1) router.onAbsence(B, 2_000);
    expect(router.order("leader", 3_999)[0]).toBe(A);
    expect(router.order("leader", 4_000)[0]).toBe(B);
    router.onAbsence(B, 5_000);
    router.onSuccess(B);
    expect(router.order("leader", 5_000)[0]).toBe(B);
  });

  test("a newer term's leader replaces the old one, and older news is ignored", () => {
    router.onProof(C, { memberId: 3n, role: "leader" }, 4);
    expect(router.order("leader", 0)[0]).toBe(C);
    router.onStatus(A, { memberId: 1n, leaderId: 2n, term: 3, isLearner: false }, 5);
    expect(router.order("leader", 0)[0]).toBe(C);
    expect(router.members().find(({ address }) => address === B)?.role).toBe("follower");
  });

  test("a leader that proves to be none is no longer preferred", () => {
    router.onProof(B, { memberId: 2n, role: "follower" }, 4);
    expect(router.knows("leader")).toBe(false);
    expect(router.knows("follower")).toBe(true);
  });

  test("a follower's trouble does not unseat the leader, the leader's own does", () => {
    router.onDoubt(A);
    expect(router.order("leader", 0)[0]).toBe(B);
    router.onDoubt(B);
    expect(router.knows("leader")).toBe(false);
    expect(router.order("leader", 0)).toEqual([B, A, C, L]);
  });

  test("a proof of another member than the one asked does not rename the one asked", () => {
    router.onProof(A, { memberId: 3n, role: "leader" }, 5);
    const byAddress = new Map(router.members().map((member) => [member.address, member]));
    expect(byAddress.get(A)).toMatchObject({ memberId: 1n, role: "follower" });
    expect(byAddress.get(C)).toMatchObject({ memberId: 3n, role: "leader" });
  });

  test("members by other addresses are the same members; new ones come, gone ones go", () => {
    const members = [
      { id: 1n, addresses: ["localhost:1"], isLearner: false },
      { id: 2n, addresses: [B], isLearner: false },
      { id: 5n, addresses: ["e:1", "e:2"], isLearner: true },
      { id: 6n, addresses: [], isLearner: false },
    ];
    expect(router.onMembers(members, new Set([A]))).toEqual([C, L]);
    expect(router.members().map(({ address }) => address)).toEqual([A, B, "e:1"]);
    expect(router.order("learner", 0)[0]).toBe("e:1");
  });

  test("configured members that are gone stay: their errors are the user's to see", () => {
    const gone = router.onMembers([], new Set([A, B, C, L]));
    expect(gone).toEqual([]);
    expect(router.members()).toHaveLength(4);
  });
});
