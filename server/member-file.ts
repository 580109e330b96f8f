// The member file: who this data belongs to (S5), as text a person can read, with a checksum. One copy in
// the data directory, one beside the log, so that neither is ever paired with another's.
import { createHash } from "node:crypto";
import { z } from "zod";
import { logIndex, nodeId } from "../base/index.ts";
import type { ClusterId, MemberId } from "../base/index.ts";
import type { Bootstrap } from "./cluster.ts";
import { hexId, rosterOf } from "./cluster.ts";

export const MEMBER_FILE = "member";

/** Raised when an older release can no longer read the directory. */
const MEMBER_FORMAT = 1;

/** `creating`: the log is not complete yet, consensus has never run, nothing was promised to anybody. */
export interface MemberRecord {
  readonly state: "creating" | "ready";
  readonly bootstrap: Bootstrap;
}

export type MemberDecoding =
  | { readonly ok: true; readonly record: MemberRecord }
  | { readonly ok: false; readonly kind: "damaged" | "newer"; readonly problem: string };

const HEADER = "hansa-member";

const id64 = z
  .string()
  .regex(/^[0-9a-f]{1,16}$/)
  .transform((hex) => BigInt(`0x${hex}`));
const node = z.number().int().min(1).transform(nodeId);

const recordSchema = z.strictObject({
  state: z.enum(["creating", "ready"]),
  protocol: z.enum(["raft", "paxos"]),
  clusterId: id64.transform((id) => id as ClusterId),
  self: node,
  leaseMs: z.number().int().min(1),
  members: z.array(
    z.strictObject({
      node,
      id: id64.transform((id) => id as MemberId),
      name: z.string(),
      peerUrls: z.array(z.string()),
      incarnation: id64,
      role: z.enum(["voter", "learner"]),
    }),
  ),
});

export function encodeMember(record: MemberRecord): string {
  const { protocol, clusterId, self, members, membership } = record.bootstrap;
  const json = JSON.stringify(
    {
      state: record.state,
      protocol,
      clusterId: hexId(clusterId),
      self: self.node,
      leaseMs: membership.leaseMs,
      members: members.map((member) => ({
        node: member.node,
        id: hexId(member.id),
        name: member.name,
        peerUrls: member.peerUrls,
        incarnation: hexId(member.incarnation),
        role: membership.learners.includes(member.node) ? "learner" : "voter",
      })),
    },
    undefined,
    2,
  );
  const body = `${HEADER} ${MEMBER_FORMAT}\n${json}\n`;
  return `${body}sha256 ${checksum(body)}\n`;
}

/** Trusts nothing: a flipped bit, a cut end or a newer format each have their own answer. */
export function decodeMember(text: string): MemberDecoding {
  const header = /^hansa-member (\d{1,9})\n/.exec(text);
  if (header === null) return damaged("does not begin as a member file");
  if (Number(header[1]) > MEMBER_FORMAT) {
    const problem = `has format ${header[1]}; this release reads formats up to ${MEMBER_FORMAT}`;
    return { ok: false, kind: "newer", problem };
  }
  const trailer = /^([\s\S]*\n)sha256 ([0-9a-f]{64})\n$/.exec(text);
  if (trailer === null) return damaged("is cut short");
  const [, body = "", expected] = trailer;
  if (checksum(body) !== expected) return damaged("does not match its checksum");
  const parsed = recordSchema.safeParse(JSON.parse(body.slice(header[0].length)));
  if (!parsed.success) return damaged(z.prettifyError(parsed.error).replaceAll("\n", " "));
  const { state, protocol, clusterId, self, leaseMs, members: rows } = parsed.data;
  const members = rows.map(({ role: _, ...member }) => member);
  const own = members.find((member) => member.node === self);
  if (own === undefined) return damaged(`has no member ${self}`);
  const nodesOf = (role: string): Bootstrap["membership"]["learners"] =>
    rows.filter((row) => row.role === role).map((row) => row.node);
  const membership = {
    index: logIndex(0),
    incoming: nodesOf("voter"),
    learners: nodesOf("learner"),
    leaseMs,
    roster: rosterOf(members),
  };
  return {
    ok: true,
    record: { state, bootstrap: { protocol, clusterId, self: own, members, membership } },
  };
}

function damaged(problem: string): MemberDecoding {
  return { ok: false, kind: "damaged", problem };
}

function checksum(body: string): string {
  return createHash("sha256").update(body, "utf8").digest("hex");
}
