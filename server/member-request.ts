// From what a client asks of the member table to the change that is proposed: addresses are checked, and a new
// member gets its ids here, once, whatever happens to the proposal.
import { randomBytes } from "node:crypto";
import { KvError } from "../base/index.ts";
import type { MemberRequest } from "../rpc/index.ts";
import { memberIdOf } from "./cluster.ts";
import { urlProblem } from "./config-value.ts";
import type { MemberChange } from "./member-change.ts";

/** @throws {KvError} member-urls-invalid */
export function changeOf(request: MemberRequest): MemberChange {
  if ("peerUrls" in request) checkUrls(request.peerUrls);
  if (request.kind !== "add") return request;
  const { peerUrls, isLearner } = request;
  // etcd mixes in the time, so that a member added again at the same address is another one.
  const id = memberIdOf(peerUrls, randomBytes(8).toString("hex"));
  const incarnation = randomBytes(8).readBigUInt64BE();
  return { kind: "add", id, incarnation, peerUrls, isLearner };
}

function checkUrls(urls: readonly string[]): void {
  const good = urls.every((url) => urlProblem(url) === undefined);
  if (urls.length > 0 && good && new Set(urls).size === urls.length) return;
  throw new KvError(
    "member-urls-invalid",
    "not-applied",
    "etcdserver: given member URLs are invalid",
  );
}
