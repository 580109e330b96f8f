// The cluster at its first start, from --initial-cluster: members, ids and the first configuration. Ids are
// etcd's (SHA-1 over peer URLs and token), so every member computes the same without a word to the others.
import { createHash } from "node:crypto";
import { LOG_INDEX_ZERO, nodeId, present } from "../base/index.ts";
import type { ClusterId, MemberId, NodeId } from "../base/index.ts";
import type { MemberRow, Membership, Roster } from "../consensus/index.ts";
import type { ConfigIssue } from "./config-issue.ts";
import { isLabel, urlProblem } from "./config-value.ts";

/** What a member is known by before it has said a word. */
export interface MemberSeed {
  /** Its ordinal in the group: 1, 2, ... by ascending member id. */
  readonly node: NodeId;
  readonly id: MemberId;
  readonly name: string;
  /** Sorted. */
  readonly peerUrls: readonly string[];
  /**
   * Derived from the whole first configuration: a member that was started with another list of members
   * or learners, another protocol or another lease constant has another, and its peers refuse it (R10).
   */
  readonly incarnation: bigint;
}

/** What orders the group's log, for its whole life. */
export type ProtocolName = "raft" | "paxos";

export interface Bootstrap {
  readonly protocol: ProtocolName;
  readonly clusterId: ClusterId;
  readonly self: MemberSeed;
  /** By ascending node. */
  readonly members: readonly MemberSeed[];
  /** Index 0. */
  readonly membership: Membership;
}

export interface BootstrapRequest {
  readonly name: string;
  /** NAME=URL,NAME=URL,...; a name given twice has several URLs. */
  readonly initialCluster: string;
  readonly initialAdvertisePeerUrls: readonly string[];
  readonly initialLearners: readonly string[];
  readonly token: string;
  readonly protocol: ProtocolName;
  /** The group's lease constant (R7). */
  readonly leaseMs: number;
}

export type BootstrapResult =
  | { readonly ok: true; readonly bootstrap: Bootstrap }
  | { readonly ok: false; readonly issues: readonly ConfigIssue[] };

/** Computes the cluster that the options describe, or everything that is wrong with them. */
export function bootstrapCluster(request: BootstrapRequest): BootstrapResult {
  const issues: ConfigIssue[] = [];
  const urlsByName = parseInitialCluster(request.initialCluster, issues);
  if (issues.length === 0) checkOwnName(request, urlsByName, issues);
  if (issues.length === 0) checkLearners(request, urlsByName, issues);
  if (issues.length > 0) return { ok: false, issues };

  const identified = [...urlsByName]
    .map(([name, urls]) => ({
      name,
      peerUrls: [...urls].sort(),
      id: memberIdOf(urls, request.token),
    }))
    .sort((left, right) => (left.id < right.id ? -1 : 1));
  const collision = identified.find((member, at) => member.id === identified[at + 1]?.id);
  if (collision !== undefined) {
    const problem = `two members have the id ${hexId(collision.id)}; change a peer URL`;
    return { ok: false, issues: [{ option: "--initial-cluster", problem }] };
  }
  const clusterId = clusterIdOf(identified.map((member) => member.id));
  const nodes = identified.map((member, at) => ({ ...member, node: nodeId(at + 1) }));
  const isLearner = (member: { name: string }): boolean =>
    request.initialLearners.includes(member.name);
  const membership: Membership = {
    index: LOG_INDEX_ZERO,
    incoming: nodes.filter((member) => !isLearner(member)).map((member) => member.node),
    learners: nodes.filter(isLearner).map((member) => member.node),
    leaseMs: request.leaseMs,
  };
  const members = nodes.map((member) => ({
    ...member,
    incarnation: incarnationOf(member.id, clusterId, request.protocol, membership),
  }));
  const roster = rosterOf(members);
  const self = members.find((member) => member.name === request.name);
  if (self === undefined) throw new TypeError("the own name was checked to be a member's");
  return {
    ok: true,
    bootstrap: {
      protocol: request.protocol,
      clusterId,
      self,
      members,
      membership: { ...membership, roster },
    },
  };
}

function parseInitialCluster(text: string, issues: ConfigIssue[]): Map<string, string[]> {
  const option = "--initial-cluster";
  const urlsByName = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const part of text.split(",").map((piece) => piece.trim())) {
    const at = part.indexOf("=");
    const name = at < 0 ? "" : part.slice(0, at).trim();
    const url = part.slice(at + 1).trim();
    const problem = urlProblem(url);
    if (!isLabel(name)) {
      issues.push({ option, given: part, problem: "expected NAME=PEER-URL" });
    } else if (problem !== undefined) {
      issues.push({ option, given: part, problem: `expected the peer URL as ${problem}` });
    } else if (seen.has(url)) {
      issues.push({ option, given: part, problem: "initial cluster has duplicate url" });
    }
    seen.add(url);
    const urls = urlsByName.get(name);
    if (urls === undefined) urlsByName.set(name, [url]);
    else urls.push(url);
  }
  return urlsByName;
}

function checkOwnName(
  request: BootstrapRequest,
  urlsByName: ReadonlyMap<string, readonly string[]>,
  issues: ConfigIssue[],
): void {
  const listed = urlsByName.get(request.name);
  if (listed === undefined) {
    const problem = `couldn't find local name ${JSON.stringify(request.name)} (--name) in the initial cluster configuration`;
    issues.push({ option: "--initial-cluster", given: request.initialCluster, problem });
    return;
  }
  const advertised = request.initialAdvertisePeerUrls;
  const pairs = (urls: readonly string[]): string =>
    urls.map((url) => `${request.name}=${url}`).join(",");
  const missing = listed.filter((url) => !advertised.includes(url));
  const extra = advertised.filter((url) => !listed.includes(url));
  if (missing.length > 0) {
    const problem = `--initial-cluster has ${pairs(missing)} but missing from --initial-advertise-peer-urls`;
    issues.push({ option: "--initial-advertise-peer-urls", given: advertised.join(","), problem });
  }
  if (extra.length > 0) {
    const problem = `--initial-advertise-peer-urls has ${extra.join(",")} but missing from --initial-cluster=${pairs(listed)}`;
    issues.push({ option: "--initial-advertise-peer-urls", given: advertised.join(","), problem });
  }
}

function checkLearners(
  request: BootstrapRequest,
  urlsByName: ReadonlyMap<string, readonly string[]>,
  issues: ConfigIssue[],
): void {
  const option = "--initial-learners";
  const given = request.initialLearners.join(",");
  for (const name of request.initialLearners) {
    if (urlsByName.has(name)) continue;
    issues.push({ option, given, problem: `${JSON.stringify(name)} is not in --initial-cluster` });
  }
  if ([...urlsByName.keys()].every((name) => request.initialLearners.includes(name))) {
    issues.push({ option, given, problem: "expected at least one member that votes" });
  }
}

/** The member table that a log begins with: nobody has said its client URLs yet. */
export function rosterOf(members: readonly MemberSeed[]): Roster {
  const rows = members.map(({ node, id, incarnation, name, peerUrls }): MemberRow => {
    return { node, id, incarnation, name, peerUrls, clientUrls: [], votesNext: false };
  });
  return { nodeLast: nodeId(Math.max(...members.map(({ node }) => node))), members: rows };
}

/** etcd's member id: the first 8 bytes of SHA-1 over the sorted peer URLs and the cluster's token. */
export function memberIdOf(peerUrls: readonly string[], token: string): MemberId {
  const hash = createHash("sha1").update([...peerUrls].sort().join("") + token, "utf8");
  return hash.digest().readBigUInt64BE(0) as MemberId;
}

/** etcd's cluster id: the first 8 bytes of SHA-1 over the sorted member ids, big-endian. */
export function clusterIdOf(memberIds: readonly MemberId[]): ClusterId {
  const hash = createHash("sha1");
  for (const id of [...memberIds].sort((left, right) => (left < right ? -1 : 1))) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(id);
    hash.update(bytes);
  }
  return hash.digest().readBigUInt64BE(0) as ClusterId;
}

/**
 * The same members as a cluster that begins from a snapshot: `origin` says from which and how. Its id is
 * another than the snapshot's own and than that of any other origin, so that none of their members meet.
 */
export function clusterFrom(origin: string, bootstrap: Bootstrap): Bootstrap {
  const { protocol, self, membership } = bootstrap;
  const hash = createHash("sha1").update(`${hexId(bootstrap.clusterId)}\n${origin}`, "utf8");
  const clusterId = hash.digest().readBigUInt64BE(0) as ClusterId;
  const members = bootstrap.members.map((member) => ({
    ...member,
    incarnation: incarnationOf(member.id, clusterId, protocol, membership),
  }));
  const own = members.find(({ node }) => node === self.node);
  return {
    ...bootstrap,
    clusterId,
    self: present(own, "a member is one of its cluster"),
    members,
    membership: { ...membership, roster: rosterOf(members) },
  };
}

function incarnationOf(
  id: MemberId,
  clusterId: ClusterId,
  protocol: string,
  membership: Membership,
): bigint {
  const { incoming, learners, leaseMs } = membership;
  const facts = [hexId(clusterId), hexId(id), protocol, incoming.join(), learners.join(), leaseMs];
  return createHash("sha256").update(facts.join("\n"), "utf8").digest().readBigUInt64BE(0);
}

/** As etcd prints member and cluster ids. */
export function hexId(id: bigint): string {
  return id.toString(16);
}
