// At the end of a run: regions that are equal find nothing in each other; then a record is lost in all regions but one,
// whose audit must not take it away, and theirs bring it back from there (federation 17, traps 5 and 6).
import { assert, bytesOf, present } from "../../../base/index.ts";
import type { Key } from "../../../base/index.ts";
import {
  answerOf,
  auditOf,
  encodeChange,
  foundRecord,
  hydrated,
  isLive,
  keyRowKey,
} from "../../../federation/index.ts";
import type {
  AuditReply,
  AuditReport,
  AuditStep,
  FederationBug,
  OriginId,
} from "../../../federation/index.ts";
import { demand } from "../violation.ts";
import type { Judge } from "./judge.ts";
import { shownOf } from "./keys-judge.ts";
import { ListLog } from "./list-log.ts";
import type { Member, Region } from "./region.ts";

/** Everything is applied everywhere, and nobody writes. */
export function auditEnd(
  regions: readonly Region[],
  judge: Judge,
  planted: FederationBug | undefined,
): void {
  const [first, ...others] = regions;
  if (first === undefined || others.length === 0) return;
  for (const region of regions) {
    const { findings } = audit(region, regions, { planted });
    const keys = findings.map(({ key }) => key).join();
    demand(keys === "", "merkle", () => `${region.name} finds damage in ${keys}, where is none`);
  }
  const key = keptBy(first);
  if (key === undefined) return;
  for (const region of others) listOf(region).loseRow(keyRowKey(key));
  audit(first, regions, { planted });
  for (const member of first.members) judge.keys.check(first, member, key);
  for (const region of others) {
    audit(region, regions, { planted, source: leaderOf(first).federated.self });
    for (const member of region.members) judge.keys.check(region, member, key);
  }
}

/** Some plain key that is there. */
function keptBy(region: Region): Key | undefined {
  const { state } = leaderOf(region).federated;
  return state.keys().find((key) => {
    const policy = state.rules.policyOf(key);
    const isPlain = policy?.progress.stage === "open" && policy.kind === undefined;
    return isPlain && state.recordOf(key).siblings.some(isLive);
  });
}

/** What a consensus group applies at its own time is not audited here. */
function listOf({ log }: Region): ListLog {
  assert(log instanceof ListLog, "audits are of regions whose log is a list");
  return log;
}

function leaderOf(region: Region): Member {
  return present(region.leader, "a settled region has a leader");
}

function audit(
  region: Region,
  regions: readonly Region[],
  more: { readonly planted: FederationBug | undefined; readonly source?: OriginId | undefined },
): AuditReport {
  const of = (origin: OriginId): Member => {
    const found = regions.find((one) => leaderOf(one).federated.self === origin);
    return leaderOf(present(found, "a region that is compared"));
  };
  const own = leaderOf(region);
  const self = present(own.federated.self, "a settled region has an origin");
  const take = (step: AuditStep): AuditReply => {
    switch (step.step) {
      case "read":
        return records(own, step.keys);
      case "ask": {
        const { question } = step;
        if (question.ask === "records") return records(of(step.of), question.keys);
        return {
          reply: "answer",
          answer: answerOf(of(step.of).federated.state.comparing, question),
        };
      }
      case "await":
        return { reply: "awaited", covered: true };
      case "repair": {
        const { key, copy } = step;
        const { region: from, applied, record: content } = copy;
        const body = encodeChange({ change: "repair", key, from, copy: { applied, content } });
        return { reply: "repaired", why: listOf(region).commitNow({ kind: "federation", body }) };
      }
    }
  };
  const origins = regions.flatMap((one) => leaderOf(one).federated.self ?? []);
  const run = auditOf({
    self,
    mine: own.federated.state.comparing,
    neighbours: origins.filter((origin) => origin !== self),
    regionCount: regions.length,
    damaged: [],
    repairs: true,
    ...(more.source === undefined ? {} : { source: more.source }),
    ...(more.planted === undefined ? {} : { planted: more.planted }),
  });
  let next = run.next({ reply: "awaited", covered: true });
  while (next.done !== true) next = run.next(take(next.value));
  return next.value;
}

function records(member: Member, keys: readonly Key[]): AuditReply {
  const { state, applied } = member.federated;
  const found = keys.map((key) => {
    const { siblings, kinds, digest } = state.recordOf(key);
    const values = hydrated(siblings, () => bytesOf((shownOf(member, key)?.value ?? "") as Key));
    return foundRecord(key, { siblings: values, kinds }, digest?.hash);
  });
  return { reply: "answer", answer: { answer: "records", applied, records: found } };
}
