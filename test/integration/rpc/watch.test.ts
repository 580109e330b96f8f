// etcdserverpb.Watch over a real connection, with a real machine beneath: what is asked of a stream and what
// comes of it, for clients that read and clients that do not.
import { afterAll, describe, expect, test } from "@jest/globals";
import { etcdserverpb } from "../../../proto/index.ts";
import { until as eventually } from "../../e2e/until.ts";
import { compact, del, put } from "../../store/requests.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { endServed, served, servicesOf } from "./served.ts";

type Create = etcdserverpb.IWatchCreateRequest;
type Answer = etcdserverpb.WatchResponse.$Shape;

const { WatchRequest, WatchResponse } = etcdserverpb;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (given: Uint8Array | null | undefined): string => Buffer.from(given ?? []).toString();

afterAll(endServed);

async function watching(options: Parameters<typeof servicesOf>[1] = {}) {
  const backend = new MemoryBackend();
  const { client } = await served(servicesOf(backend, options));
  return { backend, client, ...open(client) };
}

/** A stream of watches, and what has come of it. */
function open(client: Awaited<ReturnType<typeof served>>["client"], headers = {}) {
  const stream = client.stream("/etcdserverpb.Watch/Watch", headers);
  const answers: Answer[] = [];
  let wake = (): void => undefined;
  stream.on("data", (message: Uint8Array) => {
    answers.push(WatchResponse.decode(message));
    wake();
  });
  const ended = new Promise<string>((resolve) => {
    stream.on("error", (error: Error & { readonly details?: string }) =>
      resolve(error.details ?? error.message),
    );
    stream.on("end", () => resolve("well"));
  });
  const send = (request: etcdserverpb.IWatchRequest): void => {
    stream.write(WatchRequest.encode(request).finish());
  };
  return {
    stream,
    answers,
    ended,
    send,
    create: (create_request: Create) => send({ create_request }),
    until: async (holds: () => boolean): Promise<void> => {
      while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

/** "PUT a=1@2", in the order of arrival. */
function shown(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ events }) =>
    (events ?? []).map(({ type, kv, prev_kv }) => {
      const pair = `${text(kv?.key)}=${text(kv?.value)}@${String(kv?.mod_revision ?? 0)}`;
      const before = prev_kv ? ` was ${text(prev_kv.value)}@${String(prev_kv.mod_revision)}` : "";
      return `${type === 1 ? "DELETE" : "PUT"} ${pair}${before}`;
    }),
  );
}

function countOf(answers: readonly Answer[]): number {
  return answers.reduce((sum, { events }) => sum + (events?.length ?? 0), 0);
}

describe("a watch", () => {
  test("is created, then told what is written to its range, and canceled", async () => {
    const { backend, create, send, until, answers } = await watching();
    const { watches } = backend;
    create({ key: bytes("a"), range_end: bytes("c") });
    await until(() => answers.length === 1);
    expect(answers[0]).toMatchObject({ created: true, header: { revision: 1, raft_term: 7 } });
    expect(answers[0]?.watch_id ?? 0).toBe(0);
    watches.run(put("a", "1"));
    watches.run(put("c", "1"));
    watches.run(put("b", "1"));
    watches.run(del("a"));
    await until(() => shown(answers).length === 3);
    expect(shown(answers)).toEqual(["PUT a=1@2", "PUT b=1@4", "DELETE a=@5"]);
    send({ cancel_request: { watch_id: 0 } });
    send({ cancel_request: { watch_id: 77 } });
    await until(() => answers.at(-1)?.canceled === true);
    expect(answers.at(-1)).toMatchObject({ canceled: true, header: { revision: 5 } });
    expect(watches.count).toBe(0);
  });

  test("begins in the past where it asks to, with the pairs before and without what it filters", async () => {
    const { backend, create, until, answers } = await watching();
    const { watches } = backend;
    for (const value of ["1", "2", "3"]) watches.run(put("k", value));
    watches.run(del("k"));
    create({ key: bytes("k"), start_revision: 3, prev_kv: true });
    create({ key: bytes("k"), start_revision: 1, filters: [1] });
    create({ key: bytes("k"), start_revision: 1, filters: [0] });
    await until(() => shown(answers).length === 7);
    const of = (id: number): string[] => shown(answers.filter((one) => (one.watch_id ?? 0) === id));
    expect(of(0)).toEqual(["PUT k=2@3 was 1@2", "PUT k=3@4 was 2@3", "DELETE k=@5 was 3@4"]);
    expect(of(1)).toEqual(["PUT k=1@2", "PUT k=2@3", "PUT k=3@4"]);
    expect(of(2)).toEqual(["DELETE k=@5"]);
  });

  test("has the id its client chose, once, or the next free one", async () => {
    const { create, until, answers } = await watching();
    create({ key: bytes("a"), watch_id: 1 });
    create({ key: bytes("a") });
    create({ key: bytes("a") });
    create({ key: bytes("a"), watch_id: 2n ** 62n });
    create({ key: bytes("a"), watch_id: 1 });
    await until(() => answers.length === 5);
    expect(answers.map(({ watch_id }) => watch_id ?? 0)).toEqual([1, 0, 2, 2n ** 62n, -1]);
    expect(answers[4]).toMatchObject({
      created: true,
      canceled: true,
      cancel_reason: "mvcc: duplicate watch ID provided on the WatchStream",
    });
  });

  test("of an empty range, or beyond what the member takes, is canceled as it is created", async () => {
    const { create, until, answers } = await watching({ watchesMax: 1 });
    create({ key: bytes("b"), range_end: bytes("a") });
    create({ key: bytes("b"), start_revision: -1 });
    create({ key: bytes("b") });
    create({ key: bytes("b") });
    await until(() => answers.length === 4);
    expect(answers.map(({ cancel_reason }) => cancel_reason ?? "")).toEqual([
      "mvcc: watcher range is empty",
      "mvcc: required revision has been compacted",
      "",
      "etcdserver: too many requests",
    ]);
  });

  test("below the compaction ends with the revision to begin at, and no reason (etcd)", async () => {
    const { backend, create, until, answers } = await watching();
    for (const value of ["1", "2", "3"]) backend.watches.run(put("k", value));
    backend.watches.run(compact(4));
    create({ key: bytes("k"), start_revision: 2 });
    create({ key: bytes("k"), start_revision: 4 });
    await until(() => shown(answers).length === 1);
    expect(answers[0]).toMatchObject({ created: true });
    expect(answers[1]).toMatchObject({ canceled: true, compact_revision: 4 });
    expect(answers[1]?.cancel_reason ?? "").toBe("");
    expect(shown(answers)).toEqual(["PUT k=3@4"]);
  });

  test("takes a revision in fragments where it asks for them", async () => {
    const { backend, create, until, answers } = await watching({ requestBytesMax: 1_000 });
    const value = "x".repeat(400);
    create({ key: bytes("\0"), range_end: bytes("\0"), fragment: true });
    await until(() => answers.length === 1);
    for (const key of ["a", "b", "c", "d", "e"]) backend.watches.run(put(key, value));
    await until(() => shown(answers).length === 5);
    const parts = answers.slice(1);
    expect(parts.map(({ fragment }) => fragment ?? false)).toEqual([true, true, false]);
    expect(parts.map(({ events }) => events?.length)).toEqual([2, 2, 1]);
  });

  test("states the age of what it tells, where it is asked to", async () => {
    const { backend, create, until, answers } = await watching();
    create({ key: bytes("k"), with_proof: true });
    await until(() => answers.length === 1);
    backend.watches.run(put("k", "1"));
    await until(() => answers.length === 2);
    for (const { proof } of answers)
      expect(proof).toMatchObject({ staleness_bound_ms: 7, role: 4 });
  });
});

describe("progress", () => {
  test("is told when asked, once all of the stream were told everything", async () => {
    const { backend, create, send, until, answers } = await watching();
    create({ key: bytes("k") });
    await until(() => answers.length === 1);
    backend.watches.run(put("k", "1"));
    send({ progress_request: {} });
    await until(() => answers.length === 3);
    expect(shown(answers)).toEqual(["PUT k=1@2"]);
    expect(answers[2]).toMatchObject({ watch_id: -1, header: { revision: 2 } });
  });

  test("is told by interval, when nothing else is", async () => {
    const { create, until, answers } = await watching();
    create({ key: bytes("k"), progress_notify: true, progress_interval_ms: 1 });
    create({ key: bytes("k"), progress_notify: true });
    await until(() => answers.length === 4);
    expect(answers.slice(2).map(({ watch_id }) => watch_id ?? 0)).toEqual([0, 0]);
    expect(answers[3]).toMatchObject({ header: { revision: 1 } });
  });
});

describe("a stream", () => {
  test("that is not read holds little, and is told everything when it is read again", async () => {
    const { backend, client, create, until, answers, stream } = await watching();
    const other = open(client);
    create({ key: bytes("k") });
    other.create({ key: bytes("k") });
    await until(() => answers.length === 1);
    await other.until(() => other.answers.length === 1);
    stream.pause();
    const MESSAGES = 60;
    const value = "x".repeat(100_000);
    for (let at = 0; at < MESSAGES; at += 1) {
      backend.watches.run(put("k", value));
      await other.until(() => countOf(other.answers) === at + 1);
    }
    stream.resume();
    await until(() => countOf(answers) === MESSAGES);
    expect(answers.flatMap(({ events }) => events?.map(({ kv }) => kv?.mod_revision))).toEqual(
      Array.from({ length: MESSAGES }, (_, at) => at + 2),
    );
  });

  test("goes on when its client has no more to ask, until the client has gone (etcd)", async () => {
    const { backend, create, until, answers, stream } = await watching();
    create({ key: bytes("k") });
    await until(() => answers.length === 1);
    stream.end();
    backend.watches.run(put("k", "v"));
    await until(() => answers.length === 2);
    stream.cancel();
    await eventually("the watch is gone", 10_000, () => backend.watches.count === 0 || undefined);
  });

  test("that asked for a leader ends when there has been none for a while", async () => {
    const { backend, client } = await watching({ leaderLossMs: 20 });
    const required = open(client, { hasleader: "true" });
    required.create({ key: bytes("k") });
    await required.until(() => required.answers.length === 1);
    backend.leader = 0n;
    expect(await required.ended).toBe("etcdserver: no leader");
    expect(await open(client, { hasleader: "true" }).ended).toBe("etcdserver: no leader");
  });
});

test("a watch from the revision after an answer sees all that came after it", async () => {
  const { backend, create, until, answers } = await watching();
  const { watches } = backend;
  watches.run(put("k", "1"));
  const answered = watches.revision;
  watches.run(put("k", "2"));
  create({ key: bytes("k"), start_revision: answered + 1 });
  watches.run(put("k", "3"));
  await until(() => shown(answers).length === 2);
  expect(shown(answers)).toEqual(["PUT k=2@3", "PUT k=3@4"]);
  const upTo = answers.at(-1)?.header?.revision;
  expect(upTo).toBe(4);
});
