// `hansa check` over a whole cluster: looks at every member for a while, then judges what it has seen.
import { setTimeout as delay } from "node:timers/promises";
import { KvError } from "../client/index.ts";
import type { Client, Member } from "../client/index.ts";
import { finding } from "./check-finding.ts";
import type { Finding } from "./check-finding.ts";
import {
  judgeAnswer,
  judgeCertificate,
  judgeDisk,
  judgeDrift,
  judgeLag,
  judgeLeader,
  judgeSkew,
  judgeSpace,
  judgeVersions,
  syncFinding,
} from "./check-rules.ts";
import { askStatus, readMetrics } from "./check-sample.ts";
import type { MemberSample, TimedStatus } from "./check-sample.ts";
import { syncTimesMs } from "./disk-probe.ts";
import type { Session } from "./session.ts";

export interface CheckPlan {
  readonly rounds: number;
  readonly durationMs: number;
  /** Where a disk is to be probed, on this machine. */
  readonly dataDir?: string;
  readonly stop: AbortSignal;
}

const HASH_TRIES = 10;
const HASH_PAUSE_MS = 100;
/** All keys are read for it, with everything else going on beside. */
const HASH_MS_MAX = 120_000;
/** Of a member that tells none. */
const DRIFT_DEFAULT = 0.1;

export async function checkCluster(session: Session, plan: CheckPlan): Promise<Finding[]> {
  const { client, endpoints } = session;
  const found: Finding[] = [];
  const members = await membersOf(client, found);
  const asked = members.length === 0 ? endpoints : members.flatMap(endpointOf);
  for (const { name, id, clientUrls } of members) {
    if (clientUrls.length > 0) continue;
    const of = `member ${name === "" ? id.toString(16) : name}`;
    found.push(finding(of, "warn", "has told no client URL", "start it, or remove it"));
  }
  const nameAt = new Map(members.flatMap((one) => endpointOf(one).map((url) => [url, one.name])));
  const samples = await sampled(session, asked, nameAt, plan);
  const driftMax = await driftBound(client);
  found.push(...samples.map(judgeAnswer));
  found.push(judgeLeader(samples), judgeVersions(samples), ...judgeLag(samples));
  found.push(...samples.flatMap(judgeSpace), ...samples.map(judgeDisk));
  found.push(...samples.flatMap(judgeSkew));
  found.push(...samples.flatMap((sample) => judgeDrift(sample, driftMax)));
  found.push(...samples.flatMap(judgeCertificate));
  const living = samples.filter(({ statuses }) => statuses.length > 0);
  found.push(await judgeAlarms(client), await judgeHashes(client, living));
  if (plan.dataDir !== undefined) {
    const times = await syncTimesMs(plan.dataDir);
    const p99 = times[Math.ceil(times.length * 0.99) - 1] ?? 0;
    found.push(syncFinding(`disk of ${plan.dataDir}`, p99, `of ${times.length} syncs of 4 KiB`));
  }
  return found;
}

function endpointOf({ clientUrls: [url] }: Member): string[] {
  return url === undefined ? [] : [url.replace(/^http:\/\//, "")];
}

async function membersOf(client: Client, found: Finding[]): Promise<readonly Member[]> {
  try {
    const answer = await client.members();
    const members = [...answer.members].sort((left, right) => (left.name < right.name ? -1 : 1));
    found.push(finding("quorum", "pass", `${members.length} members, linearizable`, ""));
    return members;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    found.push(finding("quorum", "fail", error.message, "see that a majority runs and is reached"));
    return [];
  }
}

async function sampled(
  { client, tls }: Session,
  endpoints: readonly string[],
  nameAt: ReadonlyMap<string, string>,
  plan: CheckPlan,
): Promise<MemberSample[]> {
  const statuses = endpoints.map((): TimedStatus[] => []);
  const failures = endpoints.map((): string | undefined => undefined);
  for (let round = 0; round < plan.rounds && !plan.stop.aborted; round += 1) {
    if (round > 0) {
      const pauseMs = plan.durationMs / (plan.rounds - 1);
      await delay(pauseMs, undefined, { signal: plan.stop }).catch(() => undefined);
    }
    const answers = await Promise.all(endpoints.map((endpoint) => askStatus(client, endpoint)));
    answers.forEach((answer, at) => {
      if ("failure" in answer) failures[at] = answer.failure;
      else statuses[at]?.push(answer);
    });
  }
  return Promise.all(
    endpoints.map(async (endpoint, at) => {
      const failure = failures[at];
      return {
        endpoint,
        name: nameAt.get(endpoint) ?? "",
        statuses: statuses[at] ?? [],
        ...(failure === undefined ? {} : { failure }),
        ...(await readMetrics(endpoint, tls, Date.now())),
      };
    }),
  );
}

/** What the members' own proofs say that leases rest on. */
async function driftBound(client: Client): Promise<number> {
  try {
    const { proof } = await client.get("\0hansa-check", { mode: "local" });
    return proof?.clockDriftMax ?? DRIFT_DEFAULT;
  } catch (error) {
    if (error instanceof KvError) return DRIFT_DEFAULT;
    throw error;
  }
}

async function judgeAlarms(client: Client): Promise<Finding> {
  try {
    const { alarms } = await client.maintenance.alarms();
    const told = alarms.map(({ type, memberId }) => `${type} of ${memberId.toString(16)}`);
    const advice = "mend the cause, then `hansa alarm disarm`";
    if (told.length === 0) return finding("alarms", "pass", "0 stand", "");
    return finding("alarms", "fail", told.join(", "), advice);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return finding("alarms", "fail", error.message, "see that a majority runs and is reached");
  }
}

/** One hash at one revision, on every member that answers. */
async function judgeHashes(client: Client, samples: readonly MemberSample[]): Promise<Finding> {
  const revision = Math.max(
    0,
    ...samples.map(({ statuses }) => statuses.at(-1)?.status.revision ?? 0),
  );
  const hashes = await Promise.all(
    samples.map(({ endpoint }) => hashAt(client, endpoint, revision)),
  );
  const failures = hashes.filter((hash) => typeof hash === "string");
  if (failures.length > 0) {
    return finding("hashes", "warn", failures.join("; "), "look again when all members answer");
  }
  const distinct = new Set(hashes);
  if (distinct.size <= 1) {
    const [hash = 0] = distinct;
    return finding(
      "hashes",
      "pass",
      `${hash} at revision ${revision} on ${hashes.length} members`,
      "",
    );
  }
  const found = `${distinct.size} at revision ${revision}: ${hashes.join(", ")}`;
  const advice = "stop writing, compare the members, and replace the one that differs";
  return finding("hashes", "fail", found, advice);
}

/** A text is why there is none. A member that lags is waited for. */
async function hashAt(
  client: Client,
  endpoint: string,
  revision: number,
): Promise<number | string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await client.maintenance.hashKv({ endpoint, revision, deadlineMs: HASH_MS_MAX }))
        .hash;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      if (error.code !== "future-revision" || attempt === HASH_TRIES) return error.message;
      await delay(HASH_PAUSE_MS);
    }
  }
}
