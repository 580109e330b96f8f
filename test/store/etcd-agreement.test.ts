// The machine against etcd itself, as Debian ships it: the same random commands and reads, the same answers,
// revisions and error texts. Skipped, and saying so, where there is no etcd.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Revision } from "../../base/index.ts";
import { checkRange, checkRequest, isRefusal } from "../../store/index.ts";
import type { RangeRequest, Request, RequestOp, Response, TxnRequest } from "../../store/index.ts";
import { EtcdCluster } from "../e2e/etcd.ts";
import { commands, ranges } from "./arbitrary.ts";
import { EtcdWire } from "./etcd-wire.ts";
import { Host } from "./host.ts";

const SEED = 20_261_120;
const STEPS = 3_000;
/** How far behind the store's revision the smallest revision of a random request lies. */
const LOOKBACK = 8;

const installed = spawnSync("etcd", ["--version"]).status === 0;
const described = installed ? describe : describe.skip;
if (!installed) console.warn("etcd is not installed: agreement with it is not tested here");

described("the machine agrees with etcd", () => {
  let cluster: EtcdCluster;
  let etcd: EtcdWire;

  beforeAll(async () => {
    cluster = await EtcdCluster.start(1);
    etcd = new EtcdWire(cluster.endpoints[0] ?? "");
  });

  afterAll(async () => {
    etcd.close();
    await cluster.stop();
  });

  test("in every answer to random commands and reads", async () => {
    const host = new Host({ valueCacheBytesMax: 0 });
    const script = fc.sample(fc.tuple(commands, ranges), { seed: SEED, numRuns: STEPS });
    for (const [drawnCommand, drawnRange] of script) {
      const offset = host.machine.revision - LOOKBACK;
      const command = shiftRequest(drawnCommand, offset);
      // etcd 3.4 dies of a put that keeps the value of a key deleted earlier in its own transaction.
      if (mayKeepWhatItDeletes(command)) continue;
      expect({ command, answer: shown(ours(host, command)) }).toEqual({
        command,
        answer: shown(await etcd.run(command)),
      });
      const range = shiftRange(drawnRange, offset);
      expect({ range, answer: shown(checkRange(range) ?? host.range(range)) }).toEqual({
        range,
        answer: shown(await etcd.range(range)),
      });
      host.flush();
    }
    // Most of it was not refused, and history was compacted on the way.
    expect(host.machine.revision).toBeGreaterThan(STEPS / 4);
    expect(host.machine.compacted).toBeGreaterThan(STEPS / 4);
  }, 120_000);
});

function ours(host: Host, command: Request): Response | object {
  return checkRequest(command) ?? host.run(command);
}

/** A refusal as a client sees it: its text. */
function shown(answer: object): object {
  return isRefusal(answer) ? { error: answer.message } : answer;
}

function shift(revision: number, offset: number): number {
  return revision === 0 ? 0 : Math.max(revision + offset, 1);
}

function shiftRange(range: RangeRequest, offset: number): RangeRequest {
  return {
    ...range,
    revision: shift(range.revision, offset) as Revision,
    minModRevision: shift(range.minModRevision, offset),
    maxModRevision: shift(range.maxModRevision, offset),
    minCreateRevision: shift(range.minCreateRevision, offset),
    maxCreateRevision: shift(range.maxCreateRevision, offset),
  };
}

function shiftRequest(request: Request, offset: number): Request {
  if (request.kind === "txn") return { ...request, txn: shiftTxn(request.txn, offset) };
  if (request.kind !== "compaction") return request;
  const revision = shift(request.compaction.revision, offset) as Revision;
  return { ...request, compaction: { ...request.compaction, revision } };
}

function shiftTxn(txn: TxnRequest, offset: number): TxnRequest {
  const shiftOperation = (operation: RequestOp): RequestOp => {
    if (operation.kind === "txn") return { ...operation, txn: shiftTxn(operation.txn, offset) };
    if (operation.kind !== "range") return operation;
    return { ...operation, range: shiftRange(operation.range, offset) };
  };
  return {
    compare: txn.compare.map((compare) => {
      if (compare.target === "create") {
        return { ...compare, createRevision: shift(compare.createRevision, offset) };
      }
      if (compare.target !== "mod") return compare;
      return { ...compare, modRevision: shift(compare.modRevision, offset) };
    }),
    success: txn.success.map(shiftOperation),
    failure: txn.failure.map(shiftOperation),
  };
}

function mayKeepWhatItDeletes(request: Request): boolean {
  if (request.kind !== "txn") return false;
  const operations = operationsOf(request.txn);
  const keeps = operations.some(
    (operation) =>
      operation.kind === "put" && (operation.put.ignoreValue || operation.put.ignoreLease),
  );
  return keeps && operations.some(({ kind }) => kind === "delete-range");
}

function operationsOf(txn: TxnRequest): readonly RequestOp[] {
  return [...txn.success, ...txn.failure].flatMap((operation) =>
    operation.kind === "txn" ? operationsOf(operation.txn) : [operation],
  );
}
