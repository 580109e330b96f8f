// Leadership transfer (Thesis 3.10, rule R13): nothing is proposed while it goes on, the target is told once it holds
// everything, and service resumes within an election timeout if it does not come to lead.
import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "../../base/index.ts";
import { Lone, appendAck } from "./lone.ts";

const TARGET = 2 as NodeId;

function handOver(lone: Lone, to = TARGET): void {
  lone.turn((core, now) => core.transferTo(to, now));
}

describe("a leader that hands over (Thesis 3.10)", () => {
  test("tells a target that holds everything at once, and only once", () => {
    const lone = Lone.established();
    handOver(lone);
    expect(lone.takeKind("timeout-now").map(({ to }) => to)).toEqual([2]);
    handOver(lone);
    lone.tick(100);
    expect(lone.takeKind("timeout-now")).toEqual([]);
  });

  test("lets the target catch up first", () => {
    const lone = Lone.established();
    lone.propose("a");
    lone.persistAll();
    handOver(lone);
    expect(lone.takeKind("timeout-now")).toEqual([]);
    lone.step(2, 1, appendAck(lone.last));
    expect(lone.takeKind("timeout-now").map(({ to }) => to)).toEqual([2]);
  });

  test("proposes nothing meanwhile: neither commands nor configurations nor barriers", () => {
    const lone = Lone.established();
    const { last } = lone;
    handOver(lone);
    expect(lone.propose("a")).toMatchObject({ ok: false, reason: "transferring" });
    const { index } = lone.core.status().config;
    const wish = { voters: [1, 2] as NodeId[], learners: [] };
    const changed = lone.core.proposeConfig(wish, index, lone.now);
    expect(changed).toMatchObject({ ok: false, reason: "transferring" });
    lone.read("quorum");
    expect(lone.last).toBe(last);
  });

  test("resumes after an election timeout, barriers included (scenario 85)", () => {
    const lone = Lone.established();
    handOver(lone);
    lone.read("quorum");
    const { last } = lone;
    lone.elapse(999);
    lone.step(2, 1, appendAck(last));
    expect(lone.core.status().transferee).toBe(2);
    lone.tick(1);
    expect(lone.core.status()).toMatchObject({ role: "leader" });
    expect(lone.core.status().transferee).toBeUndefined();
    expect(lone.last).toBe(last + 1);
    expect(lone.propose("a")).toMatchObject({ ok: true });
  });

  test("has no lease from the message on, for the rest of the term (scenario 65)", () => {
    const lone = Lone.established();
    const holds = (): boolean => lone.core.leaseHolds(lone.core.status().epoch, lone.now);
    expect(holds()).toBe(true);
    handOver(lone);
    expect(holds()).toBe(false);
    lone.tick(500);
    lone.step(2, 1, appendAck(lone.last));
    lone.tick(500);
    expect(lone.core.status().transferee).toBeUndefined();
    expect(holds()).toBe(false);
  });

  test("keeps its lease while the target has been told nothing", () => {
    const lone = Lone.established();
    lone.propose("a");
    handOver(lone);
    expect(lone.core.leaseHolds(lone.core.status().epoch, lone.now)).toBe(true);
  });

  test.each([
    { to: 4, reason: "bad-transferee" },
    { to: 9, reason: "bad-transferee" },
  ])("refuses to hand over to node $to", ({ to, reason }) => {
    const lone = Lone.established({ learners: [4] });
    expect(lone.core.transferTo(to as NodeId, lone.now)).toMatchObject({ ok: false, reason });
  });

  test("is done at once when the target is itself", () => {
    const lone = Lone.established();
    expect(lone.core.transferTo(lone.id, lone.now)).toMatchObject({ ok: true });
    expect(lone.core.status().transferee).toBeUndefined();
  });
});

test("a node that does not lead hands nothing over", () => {
  const lone = Lone.awake();
  expect(lone.core.transferTo(TARGET, lone.now)).toMatchObject({ ok: false, reason: "no-leader" });
});
