// The response header and the read proof as bytes. A member's own ids never change, so their bytes are
// made once.
import type { ClusterId, MemberId, Revision } from "../base/index.ts";
import type { Role } from "../consensus/index.ts";
import { Writer } from "../proto/index.ts";
import type { AskedReadMode, Header, ReadProof, RegionReach } from "./backend.ts";

const READ_MODES: Readonly<Record<AskedReadMode, number>> = {
  default: 0,
  quorum: 1,
  index: 2,
  lease: 3,
  follower: 4,
  learner: 5,
  local: 6,
};

/** As in hansa.v1.ReadProof. */
export const ROLES: Readonly<Record<Role, number>> = {
  leader: 1,
  candidate: 2,
  follower: 3,
  learner: 4,
  halted: 5,
};

/** The last ids and region written, with their bytes: one member has one of each. */
let lastIds: HeaderIds = idsOf({
  clusterId: 0n as ClusterId,
  memberId: 0n as MemberId,
  region: "",
});

interface HeaderIds {
  readonly header: Pick<Header, "clusterId" | "memberId" | "region">;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

function idsOf(header: HeaderIds["header"]): HeaderIds {
  const before = new Writer();
  if (header.clusterId !== 0n) before.uint32(1 << 3).uint64(header.clusterId);
  if (header.memberId !== 0n) before.uint32(2 << 3).uint64(header.memberId);
  const after = new Writer();
  if (header.region !== "") after.uint32((1001 << 3) | 2).string(header.region);
  return { header, before: before.finish(), after: after.finish() };
}

/** As field 1 of the answer. Without a revision where etcd states none. */
export function writeHeader(writer: Writer, header: Header, revision?: Revision): void {
  const last = lastIds.header;
  const same =
    last.memberId === header.memberId &&
    last.clusterId === header.clusterId &&
    last.region === header.region;
  if (!same) lastIds = idsOf(header);
  writer.uint32((1 << 3) | 2).fork();
  writer.raw(lastIds.before);
  if (revision !== undefined) writer.uint32(3 << 3).int64(revision);
  if (header.raftTerm !== 0) writer.uint32(4 << 3).uint64(header.raftTerm);
  writer.raw(lastIds.after);
  if (header.causalToken !== undefined) {
    writer.uint32((1002 << 3) | 2).bytes(header.causalToken);
  }
  if (header.reach !== undefined) writeReach(writer, header.reach);
  if (header.home !== undefined) writer.uint32((1004 << 3) | 2).string(header.home);
  writer.ldelim();
}

/** An answer that begins with its header; the message is written behind it. */
export function headed(header: Header): Writer {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  return writer;
}

function writeReach(writer: Writer, { asked, reached, sloppy, names }: RegionReach): void {
  writer.uint32((1003 << 3) | 2).fork();
  writer.uint32(1 << 3).uint32(asked);
  writer.uint32(2 << 3).uint32(reached);
  if (sloppy) writer.uint32(3 << 3).bool(true);
  for (const name of names) writer.uint32((4 << 3) | 2).string(name);
  writer.ldelim();
}

/** As field 1001 of a RangeResponse. */
export function writeProof(writer: Writer, proof: ReadProof): void {
  writer.uint32((1001 << 3) | 2).fork();
  if (proof.asked !== "default") writer.uint32(1 << 3).uint32(READ_MODES[proof.asked]);
  writer.uint32(2 << 3).uint32(READ_MODES[proof.used]);
  writer.uint32(3 << 3).uint64(proof.memberId);
  writer.uint32(4 << 3).uint32(ROLES[proof.role]);
  if (proof.region !== "") writer.uint32((5 << 3) | 2).string(proof.region);
  if (proof.appliedIndex !== 0) writer.uint32(6 << 3).uint64(proof.appliedIndex);
  if (proof.revision !== 0) writer.uint32(7 << 3).int64(proof.revision);
  if (proof.stalenessBoundMs !== undefined) {
    writer.uint32(8 << 3).int64(proof.stalenessBoundMs);
  }
  if (proof.clockDriftMax !== 0) writer.uint32((9 << 3) | 1).double(proof.clockDriftMax);
  writer.ldelim();
}
