// What an operator asks of a member, over a real gRPC connection, with a machine beneath: etcd's answers and
// etcd's refusals.
import { afterAll, describe, expect, test } from "@jest/globals";
import { etcdserverpb } from "../../../proto/index.ts";
import type { MethodPath, Writer } from "../../../proto/index.ts";
import { alarm, compact, put } from "../../store/requests.ts";
import { MachineBackend } from "./machine-backend.ts";
import { endServed, served, servicesOf } from "./served.ts";

const wire = etcdserverpb;
const { AlarmAction } = wire.AlarmRequest;
const { DowngradeAction } = wire.DowngradeRequest;
const { NONE, NOSPACE, CORRUPT } = wire.AlarmType;

afterAll(endServed);

interface Answer {
  readonly header?: { readonly revision?: unknown } | null;
}

async function started() {
  const backend = new MachineBackend();
  const { client } = await served(servicesOf(backend));
  const ask = async <T extends Answer>(
    path: string,
    request: Writer,
    answer: { decode(bytes: Uint8Array): T },
  ): Promise<T> => {
    const method = `/etcdserverpb.Maintenance/${path}` as MethodPath;
    return answer.decode(await client.call(method, request.finish()));
  };
  return { backend, ask };
}

describe("alarms", () => {
  test("are raised, listed by type and taken back, in etcd's messages", async () => {
    const { ask } = await started();
    const does = async (action: number, memberID: bigint, alarmType: number) => {
      const request = wire.AlarmRequest.encode({ action, memberID, alarm: alarmType });
      return (await ask("Alarm", request, wire.AlarmResponse)).alarms;
    };
    const one = { memberID: 2n ** 63n, alarm: NOSPACE };
    const two = { memberID: 7, alarm: CORRUPT };
    expect(await does(AlarmAction.ACTIVATE, 2n ** 63n, NOSPACE)).toEqual([one]);
    expect(await does(AlarmAction.ACTIVATE, 7n, CORRUPT)).toEqual([two]);
    expect(await does(AlarmAction.ACTIVATE, 7n, NONE)).toEqual([]);
    expect(await does(AlarmAction.GET, 0n, NONE)).toEqual([two, one]);
    expect(await does(AlarmAction.GET, 0n, NOSPACE)).toEqual([one]);
    expect(await does(AlarmAction.DEACTIVATE, 7n, CORRUPT)).toEqual([two]);
    expect(await does(AlarmAction.DEACTIVATE, 7n, CORRUPT)).toEqual([]);
    await expect(does(9, 7n, CORRUPT)).rejects.toMatchObject({ code: 3 });
    await expect(does(AlarmAction.ACTIVATE, 7n, 9)).rejects.toMatchObject({ code: 3 });
  });
});

describe("hashes", () => {
  test("are told with their revisions; -1 before the first compaction, as etcd has it", async () => {
    const { backend, ask } = await started();
    const hashKv = (revision: number) =>
      ask("HashKV", wire.HashKVRequest.encode({ revision }), wire.HashKVResponse);
    for (const value of ["1", "2", "3"]) backend.run(put("k", value));
    const now = await hashKv(0);
    expect(now).toMatchObject({ compact_revision: -1, hash_revision: 4, header: { revision: 4 } });
    const before = await hashKv(3);
    expect(before).toMatchObject({ hash_revision: 3 });
    expect(before.hash).not.toBe(now.hash);
    backend.run(compact(3));
    expect(await hashKv(0)).toMatchObject({ compact_revision: 3, hash_revision: 4 });
    await expect(hashKv(2)).rejects.toMatchObject({
      code: 11,
      details: "etcdserver: mvcc: required revision has been compacted",
    });
    await expect(hashKv(5)).rejects.toMatchObject({
      code: 11,
      details: "etcdserver: mvcc: required revision is a future revision",
    });
    const whole = () => ask("Hash", wire.HashRequest.encode({}), wire.HashResponse);
    const first = (await whole()).hash;
    backend.run(alarm("activate", 7n));
    expect((await whole()).hash).not.toBe(first);
  });
});

describe("the rest", () => {
  test("a defragmentation is answered when it is done", async () => {
    const { backend, ask } = await started();
    const answer = await ask(
      "Defragment",
      wire.DefragmentRequest.encode({}),
      wire.DefragmentResponse,
    );
    expect(answer.header).toMatchObject({ revision: 1 });
    expect(backend.maintenance.defragmented).toBe(1);
  });

  test.each([
    [DowngradeAction.VALIDATE, "3.3", 3, "etcdserver: invalid downgrade target version"],
    [DowngradeAction.VALIDATE, "3.3.0", 3, "etcdserver: invalid downgrade target version"],
    [DowngradeAction.ENABLE, "three", 3, "etcdserver: wrong downgrade target version format"],
    [DowngradeAction.ENABLE, "", 3, "etcdserver: wrong downgrade target version format"],
    [DowngradeAction.CANCEL, "", 9, "etcdserver: no inflight downgrade job"],
    [7, "", 12, "hansa: not implemented"],
  ])(
    "a downgrade, action %d to %j, is refused as etcd refuses it",
    async (action, version, ...as) => {
      const { ask } = await started();
      const [code, details] = as;
      const request = wire.DowngradeRequest.encode({ action, version });
      await expect(ask("Downgrade", request, wire.DowngradeResponse)).rejects.toMatchObject({
        code,
        details,
      });
    },
  );

  test("the status tells the quota, the storage and the alarms", async () => {
    const { backend, ask } = await started();
    backend.run(alarm("activate", 7n));
    const status = await ask("Status", wire.StatusRequest.encode({}), wire.StatusResponse);
    expect(status).toMatchObject({
      dbSizeQuota: 1 << 20,
      storageVersion: "3.4.0",
      downgradeInfo: { enabled: false },
    });
  });
});
