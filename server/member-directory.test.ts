// Client URLs: each member's own word counts, another's fills the gap, and one question is open at a time.
import { expect, test } from "@jest/globals";
import { nodeId } from "../base/index.ts";
import type { MemberId, NodeId } from "../base/index.ts";
import type { Member } from "../rpc/index.ts";
import { bootstrapCluster } from "./cluster.ts";
import { MemberDirectory } from "./member-directory.ts";

const result = bootstrapCluster({
  name: "a",
  initialCluster: "a=http://h:1,b=http://h:2,c=http://h:3",
  initialAdvertisePeerUrls: ["http://h:1"],
  initialLearners: ["c"],
  token: "t",
  protocol: "raft",
  leaseMs: 1000,
});
if (!result.ok) throw new Error(JSON.stringify(result.issues));
const { bootstrap } = result;

function nodeOf(name: string): NodeId {
  const seed = bootstrap.members.find((member) => member.name === name);
  return nodeId(seed?.node ?? 0);
}

function row(name: string, url: string): Member {
  const seed = bootstrap.members.find((member) => member.name === name);
  const id = seed?.id ?? (0n as MemberId);
  return { id, name, peerUrls: [], clientUrls: url === "" ? [] : [url], isLearner: false };
}

function directory() {
  const asked: { node: NodeId; done: (members: readonly Member[] | undefined) => void }[] = [];
  const it = new MemberDirectory({
    bootstrap,
    clientUrls: ["http://a"],
    ask: (node, done) => asked.push({ node, done }),
  });
  const urls = (name: string): readonly string[] | undefined =>
    it.members.get(nodeOf(name))?.clientUrls;
  const answer = (name: string, rows: readonly Member[] | undefined): void => {
    const at = asked.findIndex((question) => question.node === nodeOf(name));
    const [question] = asked.splice(at, 1);
    question?.done(rows);
  };
  return { it, asked, urls, answer };
}

test("starts from the member file and its own URLs, learners marked", () => {
  const { it, urls } = directory();
  expect(it.members.size).toBe(3);
  expect(urls("a")).toEqual(["http://a"]);
  expect(urls("b")).toEqual([]);
  expect(it.members.get(nodeOf("c"))?.isLearner).toBe(true);
});

test("asks each other member once at a time, soon again without an answer, later with one", () => {
  const { it, asked, answer } = directory();
  it.refresh(0);
  it.refresh(10_000);
  expect(asked).toHaveLength(2);
  answer("b", undefined);
  answer("c", [row("c", "http://c")]);
  it.refresh(400);
  expect(asked).toHaveLength(0);
  it.refresh(500);
  expect(asked.map(({ node }) => node)).toEqual([nodeOf("b")]);
});

test("a member's own word counts before another's, and nobody's before this member's own", () => {
  const { it, urls, answer } = directory();
  it.refresh(0);
  answer("b", [row("a", "http://wrong"), row("b", "http://b"), row("c", "http://hearsay")]);
  expect([urls("a"), urls("b"), urls("c")]).toEqual([
    ["http://a"],
    ["http://b"],
    ["http://hearsay"],
  ]);
  answer("c", [row("c", "http://c"), row("b", "http://wrong")]);
  expect([urls("b"), urls("c")]).toEqual([["http://b"], ["http://c"]]);
  it.refresh(10_000);
  answer("b", [row("b", ""), row("c", "http://old")]);
  expect([urls("b"), urls("c")]).toEqual([["http://b"], ["http://c"]]);
});
