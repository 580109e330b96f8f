// A leader's audits over whole state machines and what their engines hold: damage is found, repaired through the log, told
// to who asked and counted (federation 17, scenario 29).
import { expect, test } from "@jest/globals";
import { keyOf } from "../../base/index.ts";
import type { ClusterId, Key, MemberId, MonotonicMs, Revision } from "../../base/index.ts";
import { encodeChange } from "../../federation/index.ts";
import type { CompareAnswer, CompareQuestion, Vector } from "../../federation/index.ts";
import type { Header, Verified } from "../../rpc/index.ts";
import { AuditTally } from "../../server/audit-tally.ts";
import { systemClock } from "../../server/clock.ts";
import { FederatedRegion } from "../../server/federated-region.ts";
import { FederationAudits } from "../../server/federation-audits.ts";
import type { AuditedLinks } from "../../server/federation-audits.ts";
import { answerCompare } from "../../server/federation-records.ts";
import type { RecordEngine } from "../../server/federation-records.ts";
import { NOBODY } from "../../store/index.ts";
import { policy } from "../federation/document.ts";
import { Region, configOf, exchange } from "../federation/region.ts";
import { put } from "../store/requests.ts";

const JOURNAL = { info: () => undefined, warn: () => undefined, error: () => undefined };
const HEADER: Header = {
  ...{ clusterId: 1n as ClusterId, memberId: 1n as MemberId, revision: 1 as Revision },
  ...{ raftTerm: 1, region: "" },
};
const key = (at: number): Key => `p/${at}` as Key;

function regionsOf(count: number): readonly [Region, Region, Region] {
  const config = configOf(3, [policy("p/")]);
  const all = [new Region(1), new Region(2), new Region(3)] as const;
  for (const region of all) region.configure(config);
  for (let at = 0; at < count; at += 1) all[at % 2 === 0 ? 0 : 1].run(put(key(at), `value-${at}`));
  exchange(all);
  for (const region of all) region.restart();
  return all;
}

/** What the region's engine holds: nothing of it is in memory after a restart. */
function engineOf({ host }: Region): RecordEngine {
  return {
    get: (keys, done) => {
      setImmediate(() => done(undefined, host.load(keys)));
    },
  };
}

function linksOf(region: Region, others: readonly Region[]): AuditedLinks {
  const links = new Map(others.map(({ origin }) => [origin, true]));
  return {
    links,
    reportOf: (of): Vector | undefined => {
      const other = others.find(({ origin }) => origin === of);
      if (other !== undefined) exchange([region, other]);
      return other?.state.applied;
    },
    questions: {
      compare: (of, question: CompareQuestion) => {
        const other = others.find(({ origin }) => origin === of);
        if (other === undefined) return Promise.resolve(undefined);
        return new Promise<CompareAnswer | undefined>((done) => {
          answerCompare(other.state, engineOf(other), question, done);
        });
      },
    },
  };
}

interface Given {
  readonly engine?: RecordEngine;
  readonly onBug?: (bug: unknown) => void;
}

function auditsOf(region: Region, links: AuditedLinks | undefined, given: Given = {}) {
  const tally = new AuditTally();
  const { engine = engineOf(region) } = given;
  const audits = new FederationAudits({
    state: new FederatedRegion(() => region.host.machine),
    engine: () => engine,
    pulling: () => links,
    propose: (change, done) => {
      const response = region.run({ kind: "federation", body: encodeChange(change) });
      done(response.kind === "refused" ? response.message : undefined);
    },
    ...{ tally, clock: systemClock, journal: JOURNAL },
    onBug: (bug) => {
      if (given.onBug === undefined) throw bug;
      given.onBug(bug);
    },
  });
  return { audits, tally };
}

const ORDER = { source: "", repairs: true, scrubs: true } as const;

/** One bit of a value where it is stored. */
function flip({ host }: Region, value: string): void {
  for (const [rowKey, row] of host.rows) {
    const at = keyOf(row).indexOf(value);
    if (at < 0 || rowKey.startsWith("f")) continue;
    const flipped = row.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    host.rows.set(rowKey, flipped);
  }
}

test("a bit that turned over on disk is found by reading every value, and repaired", async () => {
  const [r1, r2, r3] = regionsOf(60);
  flip(r2, "value-41");
  const { audits, tally } = auditsOf(r2, linksOf(r2, [r1, r3]));
  const { report } = await audits.verify({ ...ORDER, repairs: false });
  expect(report.findings).toMatchObject([{ key: key(41), outcome: "reported" }]);
  expect(tally.open).toBe(1);
  const repaired = await audits.verify(ORDER);
  expect(repaired.report.findings).toEqual([
    { key: key(41), against: [], outcome: "repaired", from: 1 },
  ]);
  r2.restart();
  const sound = await audits.verify(ORDER);
  expect([sound.report.findings, [...sound.report.neighbours.values()]]).toEqual([
    [],
    ["equal", "equal"],
  ]);
  expect([tally.open, tally.scrubbed, tally.comparisons.get("equal")]).toEqual([0, 180, 6]);
  expect(r2.get(key(41))).toBe("value-41");
});

/** An operator's call with so much time left. */
function askerOf(audits: FederationAudits): (leftMs: number) => Promise<Verified> {
  const verify = audits.answering(() => HEADER);
  return (leftMs) =>
    new Promise((resolve, reject) => {
      const deadlineAtMs = (systemClock.monotonicMs() + leftMs) as MonotonicMs;
      const { signal } = new AbortController();
      verify({ source: "", repairs: true }, { deadlineAtMs, signal, caller: NOBODY }, (answer) => {
        if (answer.ok) resolve(answer.value);
        else reject(answer.error);
      });
    });
}

/** Its comparisons wait until `goOn` is called. */
function heldUp(of: AuditedLinks): { readonly links: AuditedLinks; readonly goOn: () => void } {
  let goOn: () => void = () => undefined;
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const compare: AuditedLinks["questions"]["compare"] = async (...question) => {
    await mayGoOn;
    return of.questions.compare(...question);
  };
  const { links, reportOf } = of;
  return { links: { links, reportOf, questions: { compare } }, goOn };
}

test("a call that may not wait for the end is told so, and the same again gets it", async () => {
  const [r1, r2] = regionsOf(20);
  flip(r1, "value-7");
  const { links, goOn } = heldUp(linksOf(r1, [r2]));
  const { audits } = auditsOf(r1, links);
  const ask = askerOf(audits);
  const first = await ask(0);
  expect([first.report, first.self]).toEqual([undefined, 1]);
  goOn();
  const { report, scrubbed } = await ask(60_000);
  expect([report?.findings, scrubbed]).toMatchObject([[{ outcome: "repaired" }], 20]);
  expect((await ask(60_000)).report?.findings).toEqual([]);
});

test("who does not lead, another region's name, and a second audit at once are refused by name", async () => {
  const [r1, r2] = regionsOf(2);
  await expect(auditsOf(r1, undefined).audits.verify(ORDER)).rejects.toThrow("does not lead");
  const { audits } = auditsOf(r1, linksOf(r1, [r2]));
  await expect(audits.verify({ ...ORDER, source: "mars" })).rejects.toThrow(
    "no region of the federation is named mars",
  );
  const first = audits.verify(ORDER);
  await expect(audits.verify(ORDER)).rejects.toThrow("is being verified already");
  expect((await first).self).toBe(1);
});

test("an engine that fails ends the audit with its refusal, and counts nothing as read", async () => {
  const [r1, r2] = regionsOf(2);
  const engine: RecordEngine = {
    get: (_keys, done) => {
      setImmediate(() => done({ kind: "io", message: "EIO" }, []));
    },
  };
  const { audits, tally } = auditsOf(r1, linksOf(r1, [r2]), { engine });
  await expect(askerOf(audits)(60_000)).rejects.toThrow("values cannot be read");
  expect(tally.scrubbed).toBe(0);
});

test("a bug is told as one when whoever asked for the audit has gone", async () => {
  const [r1, r2] = regionsOf(2);
  const bug = new Error("a bug");
  const questions = { compare: () => Promise.reject(bug) };
  const { links, goOn } = heldUp({ ...linksOf(r1, [r2]), questions });
  const told: unknown[] = [];
  const { audits } = auditsOf(r1, links, { onBug: (one) => told.push(one) });
  const ask = askerOf(audits);
  expect((await ask(0)).report).toBeUndefined();
  goOn();
  await expect(ask(60_000)).rejects.toThrow("the audit has failed");
  expect(told).toEqual([bug]);
});
