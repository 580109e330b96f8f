// The JSON gateway of real members: the same requests to Hansa and to Debian's etcd, answers compared text by text with
// the differences named; and Debian's python3-etcd3gw, whose own live tests must pass.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Cluster } from "./cluster.ts";
import { EtcdCluster } from "./etcd.ts";
import { etcd3gwTests, missingForEtcd3gw } from "./etcd3gw.ts";
import { describeWith } from "./tools.ts";

interface Asked {
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of an answer that goes on: what is read of it. */
  readonly lines?: number;
}

const b64 = (text: string): string => Buffer.from(text).toString("base64");

/** `path {json}`; in it `<word>` is a string of base64. */
function ask(path: string, body: unknown, more: Partial<Asked> = {}): Asked {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { path, body: text.replaceAll(/<([^>]*)>/g, (_, word: string) => b64(word)), ...more };
}

const KEYS: readonly Asked[] = [
  ask("/v3/kv/range", { key: "<nothing>" }),
  ask("/v3/kv/put", { key: "<a>", value: "<1>" }),
  ask("/v3/kv/put", { key: "<b>", value: "" }),
  ask("/v3beta/kv/put", { key: "<b>", value: "<22>", prev_kv: true }),
  ask("/v3/kv/put", { key: "<dir/x>", value: "<10>", lease: "0", unheard_of: [{}] }),
  ask("/v3/kv/put", { key: "<missing>", ignore_value: true }),
  ask("/v3/kv/put", { key: "", value: "<empty>" }),
  ask("/v3/kv/put", { key: "<a>", lease: 123 }),
  ask("/v3/kv/range", { key: "<a>", rangeEnd: "<c>" }),
  ask("/v3/kv/range", { key: "<a>", range_end: "<\0>", limit: "2" }),
  ask("/v3/kv/range", { key: "<a>", range_end: "<z>", sort_order: "DESCEND", sort_target: 3 }),
  ask("/v3/kv/range", { key: "<a>", range_end: "<z>", count_only: true }),
  ask("/v3/kv/range", { key: "<a>", range_end: "<z>", keys_only: true, limit: null }),
  ask("/v3/kv/range", { key: "<b>", revision: 3 }),
  ask("/v3/kv/range", { key: "<b>", revision: "999" }),
  ask("/v3/kv/range", ""),
  ask("/v3/kv/range", "null"),
  ask("/v3/kv/deleterange", { key: "<nothing>" }),
  ask("/v3/kv/deleterange", { key: "<dir/>", range_end: "<dir0>", prev_kv: true }),
  ask("/v3/kv/compaction", { revision: "4" }),
  ask("/v3/kv/compaction", { revision: "3" }),
  ask("/v3/kv/compaction", { revision: "9999" }),
  ask("/v3/kv/range", { key: "<b>", revision: 2 }),
];

const TRANSACTIONS: readonly Asked[] = [
  ask("/v3/kv/txn", {
    compare: [{ key: "<t>", result: "EQUAL", target: "CREATE", create_revision: 0 }],
    success: [{ request_put: { key: "<t>", value: "<1>" } }],
    failure: [],
  }),
  ask("/v3/kv/txn", {
    compare: [{ key: "<t>", target: "CREATE", create_revision: "0" }],
    success: [{ request_put: { key: "<t>", value: "<2>" } }],
  }),
  ask("/v3/kv/txn", {
    compare: [{ key: "<t>", result: 1, target: "MOD", mod_revision: "1" }],
    success: [
      { request_range: { key: "<t>" } },
      { requestDeleteRange: { key: "<t>", prevKv: true } },
      { request_txn: { success: [{ request_range: { key: "<t>" } }] } },
    ],
    failure: [{ request_range: { key: "<t>" } }],
  }),
  ask("/v3/kv/txn", {
    success: [{ request_put: { key: "<d>" } }, { request_put: { key: "<d>" } }],
  }),
  ask("/v3/kv/txn", {}),
];

const LEASES: readonly Asked[] = [
  ask("/v3/lease/grant", { TTL: 600, ID: 7 }),
  ask("/v3/lease/grant", { TTL: "600", ID: "7" }),
  ask("/v3/lease/grant", { TTL: "1", ID: 8 }),
  ask("/v3/kv/put", { key: "<l>", value: "<1>", lease: 7 }),
  ask("/v3/kv/range", { key: "<l>" }),
  ask("/v3/kv/lease/timetolive", { ID: 99 }),
  ask("/v3/lease/keepalive", { ID: 7 }),
  ask("/v3/lease/keepalive", '{"ID":7}{"ID":"99"}'),
  ask("/v3/lease/keepalive", ""),
  ask("/v3/lease/leases", {}),
  ask("/v3/lock/lock", { name: "<lock>", lease: 7 }),
  ask("/v3/lock/unlock", { key: "<lock/7>" }),
  ask("/v3/election/leader", { name: "<vote>" }),
  ask("/v3/election/campaign", { name: "<vote>", lease: "7", value: "<me>" }),
  ask("/v3/election/observe", { name: "<vote>" }, { lines: 1 }),
  ask("/v3/election/proclaim", { value: "<me>" }),
  ask("/v3/kv/lease/revoke", { ID: "7" }),
  ask("/v3/lease/revoke", { ID: "7" }),
];

const WATCHES: readonly Asked[] = [
  ask("/v3/kv/put", { key: "<w>", value: "<1>" }),
  ask("/v3/kv/deleterange", { key: "<w>" }),
  ask("/v3/watch", { create_request: { key: "<w>", start_revision: 5 } }, { lines: 2 }),
  ask("/v3/watch", { create_request: { key: "<w>", start_revision: 1 } }, { lines: 2 }),
  ask(
    "/v3/watch",
    '{"create_request":{"key":"dw=="}}{"create_request":{"key":"YQ==","watch_id":9}}',
    {
      lines: 2,
    },
  ),
  ask("/v3/watch", { create_request: { key: "<b>", range_end: "<a>" } }, { lines: 1 }),
];

const ACCOUNTS: readonly Asked[] = [
  ask("/v3/auth/authenticate", { name: "root", password: "secret" }),
  ask("/v3/auth/enable", {}),
  ask("/v3/auth/user/add", { name: "root", password: "secret" }),
  ask("/v3/auth/user/add", { name: "root", password: "secret" }),
  ask("/v3/auth/role/add", { name: "root" }),
  ask("/v3/auth/role/add", { name: "reader" }),
  ask("/v3/auth/role/grant", {
    name: "reader",
    perm: { permType: "READ", key: "<a>", range_end: "<c>" },
  }),
  ask("/v3/auth/role/get", { role: "reader" }),
  ask("/v3/auth/user/grant", { user: "root", role: "root" }),
  ask("/v3/auth/user/get", { name: "root" }),
  ask("/v3/auth/user/list", {}),
  ask("/v3/auth/role/list", {}),
  ask("/v3/auth/user/delete", { name: "nobody" }),
];

const ROUTES: readonly Asked[] = [
  ask("/v3/kv/nothing", {}),
  ask("/v3/kv/range/", {}),
  ask("/v3/cluster/member/add", { peerURLs: ["nonsense"] }),
  ask("/v3/kv/range", { key: "<a>" }, { headers: { "grpc-timeout": "soon" } }),
];

/** Requests that the two answer differently, and why. */
const DIFFERENCES: readonly {
  readonly why: string;
  readonly asked: Asked;
  readonly ours: number;
  readonly theirs: number | "gone";
}[] = [
  {
    why: "a second value behind the request is refused, not passed over",
    asked: ask("/v3/kv/range", '{"key":"YQ=="} {}'),
    ours: 400,
    theirs: 200,
  },
  {
    why: "a name that is given twice is refused",
    asked: ask("/v3/kv/range", '{"key":"YQ==","key":"Yg=="}'),
    ours: 400,
    theirs: 200,
  },
  {
    why: "two operations in one are refused, where etcd takes the last",
    asked: ask(
      "/v3/kv/txn",
      '{"success":[{"request_range":{"key":"YQ=="},"request_put":{"key":"YQ=="}}]}',
    ),
    ours: 400,
    theirs: 200,
  },
  {
    why: "null in a list is refused, where etcd's handler panics and drops the connection",
    asked: ask("/v3/kv/txn", '{"success":[null]}'),
    ours: 400,
    theirs: "gone",
  },
  {
    why: "base64 of the other alphabet, or without padding, is taken (proto3's rule)",
    asked: ask("/v3/kv/range", '{"key":"Zm9-_w"}'),
    ours: 200,
    theirs: 400,
  },
  {
    why: "a whole number may be written with an exponent (proto3's rule)",
    asked: ask("/v3/kv/range", '{"key":"YQ==","limit":1e2}'),
    ours: 200,
    theirs: 400,
  },
  {
    why: "a stream's request that is no message is the client's fault, not the server's",
    asked: ask("/v3/lease/keepalive", '{"ID":"x"}'),
    ours: 400,
    theirs: 500,
  },
  {
    why: "etcd 3.4 does not have it",
    asked: ask("/v3/auth/status", "{}"),
    ours: 200,
    theirs: 404,
  },
  {
    why: "the oldest prefix is still there",
    asked: ask("/v3alpha/kv/range", '{"key":"YQ=="}'),
    ours: 200,
    theirs: 404,
  },
];

async function answer(
  base: string,
  asked: Asked,
): Promise<{ readonly status: number; readonly text: string }> {
  const abort = new AbortController();
  const response = await fetch(base + asked.path, {
    method: "POST",
    body: asked.body,
    headers: { ...asked.headers, connection: "close" },
    signal: abort.signal,
  });
  const { status, body } = response;
  if (asked.lines === undefined || body === null) return { status, text: await response.text() };
  let text = "";
  for await (const chunk of body) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (text.split("\n").length > asked.lines) break;
  }
  abort.abort();
  return { status, text };
}

/** What differs by nature: identities and terms. */
function bare(text: string): string {
  return text.replaceAll(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"#"');
}

/** What Hansa says beyond etcd 3.4, taken away. */
const ADDITIONS: readonly { readonly why: string; readonly text: RegExp; readonly left: string }[] =
  [
    { why: "a read's proof", text: /,"proof":\{[^{}]*\}/g, left: "" },
    {
      why: "grpc-gateway 2's words in a stream's error",
      text: /,"code":\d+,"details":\[\]\}\}/g,
      left: "}}",
    },
    { why: "grpc-gateway 2's words in an error", text: /,"details":\[\]/g, left: "" },
    {
      why: "a lock's fencing token",
      text: /^(\{"header".*"key":"[^"]*"),"create_revision":"\d+"\}$/g,
      left: "$1}",
    },
    {
      why: "the revision in the header of a compacted watch's end",
      text: /"revision":"\d+",("raft_term":"#"\},"canceled":true,"compact_revision")/g,
      left: "$1",
    },
  ];

function withoutAdditions(text: string): string {
  return ADDITIONS.reduce((left, addition) => left.replaceAll(addition.text, addition.left), text);
}

describeWith(["etcd"], "the gateway answers as etcd's", () => {
  let cluster: Cluster;
  let etcd: EtcdCluster;
  let ours = "";
  let theirs = "";

  beforeAll(async () => {
    [cluster, etcd] = await Promise.all([Cluster.start({ voters: 3 }), EtcdCluster.start(1)]);
    ours = `http://${(await cluster.leader()).endpoint}`;
    theirs = etcd.endpoints[0] ?? "";
  });

  afterAll(async () => {
    await Promise.all([cluster.stop(), etcd.stop()]);
  });

  async function compare(steps: readonly Asked[]): Promise<void> {
    const transcripts: { readonly ours: string[]; readonly theirs: string[] } = {
      ours: [],
      theirs: [],
    };
    for (const asked of steps) {
      const [mine, other] = await Promise.all([answer(ours, asked), answer(theirs, asked)]);
      const title = `POST ${asked.path} ${asked.body}`;
      transcripts.ours.push(`${title} -> ${mine.status}\n${withoutAdditions(bare(mine.text))}`);
      transcripts.theirs.push(`${title} -> ${other.status}\n${bare(other.text)}`);
    }
    expect(transcripts.ours).toEqual(transcripts.theirs);
  }

  test("keys", () => compare(KEYS));
  test("transactions", () => compare(TRANSACTIONS));
  test("leases, locks and elections", () => compare(LEASES));
  test("watches", () => compare(WATCHES));
  test("accounts", () => compare(ACCOUNTS));
  test("routes", () => compare(ROUTES));

  test("but for what is named", async () => {
    for (const { why, asked, ours: mine, theirs: other } of DIFFERENCES) {
      const [here, there] = await Promise.all([
        answer(ours, asked).then(({ status }) => status),
        answer(theirs, asked).then(
          ({ status }) => status,
          () => "gone",
        ),
      ]);
      expect([why, here, there]).toEqual([why, mine, other]);
    }
  });

  const missing = missingForEtcd3gw();
  if (missing.length > 0) {
    const reason = `needs Debian's ${missing.join(", ")}`;
    if (process.env["HANSA_TOOLS_REQUIRED"] !== undefined) throw new Error(reason);
    process.stdout.write(`skipped: python3-etcd3gw ${reason}\n`);
  } else {
    test("python3-etcd3gw's own live tests pass", async () => {
      const { passed, complaints } = await etcd3gwTests(Number(new URL(ours).port));
      expect(complaints).toBe("");
      expect(passed).toBeGreaterThanOrEqual(22);
    });
  }
});
