// etcdserverpb.Lease over a real connection, with a real machine beneath.
import { afterAll, describe, expect, test } from "@jest/globals";
import { etcdserverpb } from "../../../proto/index.ts";
import type { LeaseId } from "../../../base/index.ts";
import { put } from "../../store/requests.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { endServed, served, servicesOf } from "./served.ts";

const {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} = etcdserverpb;

afterAll(endServed);

async function started() {
  const backend = new MemoryBackend();
  const { client } = await served(servicesOf(backend));
  const grant = async (request: etcdserverpb.ILeaseGrantRequest) =>
    LeaseGrantResponse.decode(
      await client.call(
        "/etcdserverpb.Lease/LeaseGrant",
        LeaseGrantRequest.encode(request).finish(),
      ),
    );
  const stateOf = async (ID: number) =>
    LeaseTimeToLiveResponse.decode(
      await client.call(
        "/etcdserverpb.Lease/LeaseTimeToLive",
        LeaseTimeToLiveRequest.encode({ ID, keys: true }).finish(),
      ),
    );
  return { backend, client, grant, stateOf };
}

describe("a lease", () => {
  test("is granted under the client's id or one of the server's, for the least time or more", async () => {
    const { grant, client } = await started();
    expect(await grant({ ID: 5, TTL: 60 })).toMatchObject({ ID: 5, TTL: 60 });
    expect(await grant({ TTL: 0 })).toMatchObject({ ID: 7, TTL: 2 });
    expect(await grant({ ID: -9, TTL: -1 })).toMatchObject({ ID: -9, TTL: 2 });
    const listed = await client.call("/etcdserverpb.Lease/LeaseLeases", new Uint8Array(0));
    const ids = LeaseLeasesResponse.decode(listed).leases.map(({ ID }) => ID);
    expect(ids).toEqual([-9, 7, 5]);
  });

  test("is refused in etcd's words", async () => {
    const { grant, client } = await started();
    await grant({ ID: 5, TTL: 60 });
    await expect(grant({ ID: 5, TTL: 60 })).rejects.toMatchObject({
      code: 9,
      details: "etcdserver: lease already exists",
    });
    await expect(grant({ ID: 6, TTL: 9_000_000_001 })).rejects.toMatchObject({
      code: 11,
      details: "etcdserver: too large lease TTL",
    });
    const absent = LeaseRevokeRequest.encode({ ID: 6 }).finish();
    expect(await client.failure("/etcdserverpb.Lease/LeaseRevoke", absent)).toMatchObject({
      code: 5,
      details: "etcdserver: requested lease not found",
    });
  });

  test("tells its time and keys, and that it is gone once it is revoked", async () => {
    const { backend, grant, stateOf, client } = await started();
    await grant({ ID: 5, TTL: 60 });
    for (const key of ["b", "a"]) backend.watches.run(put(key, "", { lease: 5n as LeaseId }));
    const state = await stateOf(5);
    expect(state).toMatchObject({ ID: 5, TTL: 60, grantedTTL: 60 });
    expect(state.keys.map((key) => Buffer.from(key).toString())).toEqual(["a", "b"]);
    const request = LeaseRevokeRequest.encode({ ID: 5 }).finish();
    await client.call("/etcdserverpb.Lease/LeaseRevoke", request);
    expect(await stateOf(5)).toMatchObject({ ID: 5, TTL: -1 });
  });
});

describe("keeping alive", () => {
  test("answers each in order, with no time for a lease that is gone, and ends with its client", async () => {
    const { client, grant } = await started();
    await grant({ ID: 5, TTL: 60 });
    const stream = client.stream("/etcdserverpb.Lease/LeaseKeepAlive");
    const answers: string[] = [];
    stream.on("data", (bytes: Uint8Array) => {
      const { ID, TTL } = LeaseKeepAliveResponse.decode(bytes);
      answers.push(`${String(ID)}: ${String(TTL)}`);
    });
    const ended = new Promise((resolve) => stream.on("end", resolve));
    for (const ID of [5, 6, 5]) stream.write(LeaseKeepAliveRequest.encode({ ID }).finish());
    stream.end();
    await ended;
    expect(answers).toEqual(["5: 60", "6: 0", "5: 60"]);
  });
});
