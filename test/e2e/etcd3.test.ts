// The `etcd3` npm package, unchanged, against three members: its KV builders, its transaction builder and
// its error classes.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Etcd3, GRPCOutOfRangeError, GRPCInvalidArgumentError } from "etcd3";
import { Cluster, protocolsFor } from "./cluster.ts";

describe.each(protocolsFor("raft"))("the etcd3 package over %s", (protocol) => {
  let cluster: Cluster;
  let client: Etcd3;

  beforeAll(async () => {
    cluster = await Cluster.start({ voters: 3, flags: ["--consensus", protocol] });
    client = new Etcd3({ hosts: cluster.voters.map((member) => `http://${member.endpoint}`) });
  });

  afterAll(async () => {
    client.close();
    await cluster.stop();
  });

  test("puts and gets strings, buffers, numbers and JSON", async () => {
    await client.put("text").value("grüße");
    await client.put("number").value(42);
    await client.put("json").value(JSON.stringify({ on: true }));
    await client.put("bytes").value(Buffer.from([0, 1, 255]));
    expect(await client.get("text").string()).toBe("grüße");
    expect(await client.get("number").number()).toBe(42);
    expect(await client.get("json").json()).toEqual({ on: true });
    expect(await client.get("bytes").buffer()).toEqual(Buffer.from([0, 1, 255]));
    expect(await client.get("absent").string()).toBeNull();
    expect(await client.get("absent").exists()).toBe(false);
  });

  test("put returns the previous pair, touch keeps the value", async () => {
    await client.put("twice").value("one");
    const previous = await client.put("twice").value("two").getPrevious();
    expect(previous?.value.toString()).toBe("one");
    const before = await client.get("twice").exec();
    await client.put("twice").touch();
    const after = await client.get("twice").exec();
    expect(after.kvs[0]?.value.toString()).toBe("two");
    expect(after.kvs[0]?.version).toBe("3");
    expect(Number(after.kvs[0]?.mod_revision)).toBeGreaterThan(Number(before.kvs[0]?.mod_revision));
  });

  test("ranges: prefix, limit, order, keys, count, at a revision", async () => {
    for (const [key, value] of [
      ["fruit/apple", "3"],
      ["fruit/pear", "1"],
      ["fruit/plum", "2"],
    ] as const) {
      await client.put(key).value(value);
    }
    const all = client.getAll().prefix("fruit/");
    expect(await all.strings()).toEqual({
      "fruit/apple": "3",
      "fruit/pear": "1",
      "fruit/plum": "2",
    });
    expect(await client.getAll().prefix("fruit/").keys()).toEqual([
      "fruit/apple",
      "fruit/pear",
      "fruit/plum",
    ]);
    const byValue = await client.getAll().prefix("fruit/").sort("Value", "Descend").limit(2).exec();
    expect(byValue.kvs.map((pair) => pair.key.toString())).toEqual(["fruit/apple", "fruit/plum"]);
    expect(byValue.more).toBe(true);
    expect(byValue.count).toBe("3");
    expect(await client.getAll().prefix("fruit/").count()).toBe(3);
    const { header } = await client.get("fruit/apple").exec();
    await client.put("fruit/apple").value("9");
    expect(await client.get("fruit/apple").revision(header.revision).string()).toBe("3");
    expect(await client.get("fruit/apple").serializable(false).string()).toBe("9");
  });

  test("deletes one, a prefix and with the previous pairs", async () => {
    await client.put("gone/a").value("1");
    await client.put("gone/b").value("2");
    const first = await client.delete().key("gone/a").getPrevious();
    expect(first.map((pair) => pair.value.toString())).toEqual(["1"]);
    expect((await client.delete().prefix("gone/")).deleted).toBe("1");
    expect(await client.getAll().prefix("gone/").count()).toBe(0);
  });

  test("transactions compare and choose a branch", async () => {
    await client.put("account").value("10");
    const seen = await client.get("account").exec();
    const version = seen.kvs[0]?.mod_revision ?? "0";
    const attempt = (value: string) =>
      client
        .if("account", "Mod", "==", version)
        .then(client.put("account").value(value), client.get("account"))
        .else(client.get("account"))
        .commit();
    const won = await attempt("11");
    expect(won.succeeded).toBe(true);
    expect(won.responses[1]?.response_range?.kvs[0]?.value.toString()).toBe("11");
    const lost = await attempt("12");
    expect(lost.succeeded).toBe(false);
    expect(lost.responses[0]?.response_range?.kvs[0]?.value.toString()).toBe("11");
    const created = await client
      .if("fresh", "Create", "==", 0)
      .and("account", "Version", ">", 1)
      .then(client.put("fresh").value("yes"))
      .commit();
    expect(created.succeeded).toBe(true);
    expect(await client.get("fresh").string()).toBe("yes");
  });

  test("a software transaction settles concurrent increments", async () => {
    await client.put("counter").value("0");
    const increment = () =>
      client
        .stm({ retries: 50 })
        .transact(async (tx) =>
          tx.put("counter").value(Number(await tx.get("counter").number()) + 1),
        );
    await Promise.all(Array.from({ length: 8 }, increment));
    expect(await client.get("counter").number()).toBe(8);
  });

  test("a namespace prefixes every key", async () => {
    const space = client.namespace("team/");
    await space.put("lead").value("ada");
    expect(await client.get("team/lead").string()).toBe("ada");
    expect(await space.getAll().keys()).toEqual(["lead"]);
  });

  test("errors arrive as the package's own classes", async () => {
    await client.put("old").value("1");
    const { header } = await client.put("old").value("2");
    await client.kv.compact({ revision: header.revision });
    await expect(client.get("old").revision(1).exec()).rejects.toThrow(GRPCOutOfRangeError);
    await expect(client.get("old").revision(1).exec()).rejects.toThrow(/has been compacted/);
    await expect(
      client
        .if("x", "Create", "==", 0)
        .then(client.put("d").value("1"), client.put("d").value("2"))
        .commit(),
    ).rejects.toThrow(/duplicate key given in txn request/);
    await expect(client.put("").value("1")).rejects.toThrow(GRPCInvalidArgumentError);
  });
});
