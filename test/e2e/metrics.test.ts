// /metrics of real members: the format, every name that etcd's dashboards and alerts ask for, with the type, labels and
// buckets of Debian's etcd, and values that move as what they count does.
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Client } from "../../client/index.ts";
import { Cluster } from "./cluster.ts";
import { EtcdCluster, etcdctl } from "./etcd.ts";
import { parseExposition, valueOf } from "./exposition.ts";
import type { Family } from "./exposition.ts";
import { metricsNamedIn, scraped } from "./scrape.ts";
import { describeWith } from "./tools.ts";
import { until } from "./until.ts";
import { READ_MODES, WireClient, bytes } from "./wire-client.ts";

const CALL_MS_MAX = 10_000;
const WAIT_MS_MAX = 30_000;

/** What the etcd mixin's dashboards and alerts, and operators, ask for. */
const EXPECTED = `
  etcd_server_has_leader etcd_server_is_leader etcd_server_is_learner
  etcd_server_leader_changes_seen_total etcd_server_proposals_committed_total
  etcd_server_proposals_applied_total etcd_server_proposals_pending
  etcd_server_proposals_failed_total etcd_server_quota_backend_bytes etcd_server_slow_apply_total
  etcd_server_slow_read_indexes_total etcd_server_read_indexes_failed_total
  etcd_server_health_success etcd_server_health_failures etcd_server_id etcd_server_version
  etcd_cluster_version etcd_disk_wal_fsync_duration_seconds
  etcd_disk_backend_commit_duration_seconds etcd_mvcc_db_total_size_in_bytes
  etcd_mvcc_db_total_size_in_use_in_bytes etcd_mvcc_put_total etcd_mvcc_delete_total
  etcd_mvcc_range_total etcd_mvcc_txn_total etcd_network_peer_sent_bytes_total
  etcd_network_peer_received_bytes_total etcd_network_peer_round_trip_time_seconds
  etcd_network_peer_sent_failures_total etcd_network_active_peers
  etcd_network_client_grpc_sent_bytes_total etcd_network_client_grpc_received_bytes_total
  etcd_debugging_mvcc_watcher_total etcd_debugging_mvcc_watch_stream_total
  etcd_debugging_mvcc_slow_watcher_total etcd_debugging_mvcc_pending_events_total
  etcd_debugging_mvcc_events_total etcd_debugging_mvcc_keys_total
  etcd_debugging_mvcc_current_revision etcd_debugging_mvcc_compact_revision
  etcd_debugging_lease_granted_total etcd_debugging_lease_renewed_total
  etcd_debugging_lease_revoked_total etcd_debugging_server_lease_expired_total
  grpc_server_started_total grpc_server_handled_total grpc_server_msg_sent_total
  grpc_server_msg_received_total grpc_server_handling_seconds
  process_cpu_seconds_total process_resident_memory_bytes process_open_fds process_max_fds
  process_start_time_seconds process_virtual_memory_bytes`
  .trim()
  .split(/\s+/);

const SPEAKING_OF_METRICS = [
  "deploy/monitoring/prometheus-rules.yaml",
  "deploy/monitoring/grafana-dashboard.json",
  "docs/operations.md",
];

type Families = ReadonlyMap<string, Family>;

async function scrape(endpoint: string): Promise<Families> {
  return parseExposition(await scraped(endpoint));
}

/** Label names of a family, and the upper bounds of its buckets. */
function shapeOf({ type, samples }: Family): object {
  const labels = [...new Set(samples.flatMap((each) => Object.keys(each.labels)))].sort();
  const bounds = [...new Set(samples.map((each) => each.labels["le"]))];
  return { type, labels, bounds: type === "histogram" ? bounds : [] };
}

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start({ voters: 3, flags: ["--metrics", "extensive"] });
});

afterAll(async () => {
  await cluster.stop();
});

async function scrapeAll(): Promise<readonly Families[]> {
  return await Promise.all(cluster.voters.map(({ endpoint }) => scrape(endpoint)));
}

test("every member has every name that is asked for, one leads, and each knows it", async () => {
  await until("all know who leads, and heartbeats went round", WAIT_MS_MAX, async () => {
    const all = await scrapeAll();
    for (const families of all) {
      expect(EXPECTED.filter((name) => !families.has(name))).toEqual([]);
      expect(valueOf(families, "etcd_server_has_leader")).toBe(1);
      expect(families.get("etcd_network_active_peers")?.samples).toHaveLength(2);
    }
    const leaders = all.map((families) => valueOf(families, "etcd_server_is_leader"));
    expect(leaders.reduce((sum, each) => sum + each)).toBe(1);
    const measured = "etcd_network_peer_round_trip_time_seconds";
    return all.some((families) => families.get(measured)?.samples.length) || undefined;
  });
});

describeWith(["etcd", "etcdctl"], "beside Debian's etcd", () => {
  let etcd: EtcdCluster;

  beforeAll(async () => {
    etcd = await EtcdCluster.start(1);
  });

  afterAll(async () => {
    await etcd.stop();
  });

  test("what both have is of one type, with equal labels and buckets", async () => {
    const [endpoint = ""] = etcd.endpoints;
    for (const each of [endpoint, cluster.member("n1").endpoint]) {
      await etcdctl(each, ["put", "shape", "1"]);
    }
    const theirs = await scrape(endpoint);
    const ours = await scrape(cluster.member("n1").endpoint);
    const both = [...theirs.keys()].filter((name) => ours.has(name));
    expect(both.length).toBeGreaterThan(35);
    for (const name of both) {
      const [left, right] = [ours.get(name), theirs.get(name)];
      if (left === undefined || right === undefined || right.samples.length === 0) continue;
      expect([name, shapeOf(left)]).toEqual([name, shapeOf(right)]);
    }
  });
});

test("alerts, the dashboard and the guide speak of metrics that are there", async () => {
  const families = await scrape(cluster.member("n1").endpoint);
  // Garbage collection shows once there was some.
  const known = new Set([...families.keys(), "nodejs_gc_duration_seconds"]);
  for (const path of SPEAKING_OF_METRICS) {
    const names = metricsNamedIn(path, "Metrics and alerts");
    expect(names.length).toBeGreaterThan(12);
    expect([path, names.filter((name) => !known.has(name))]).toEqual([path, []]);
  }
});

test("values move as what they count", async () => {
  const [first] = cluster.voters;
  if (first === undefined) throw new Error("no voters");
  const before = await scrape(first.endpoint);
  const client = new WireClient(first.endpoint);
  try {
    for (const key of ["m/1", "m/2", "m/3"]) {
      await client.put({ key: bytes(key), value: bytes("x") }, CALL_MS_MAX);
    }
    const put = { request_put: { key: bytes("m/4"), value: bytes("y") } };
    const range = { request_range: { key: bytes("m/1") } };
    await client.txn({ success: [put, range] }, CALL_MS_MAX);
    for (const mode of ["index", "local"] as const) {
      await client.range({ key: bytes("m/1"), read_mode: READ_MODES[mode] }, CALL_MS_MAX);
    }
    await expect(client.put({ key: bytes("") }, CALL_MS_MAX)).rejects.toThrow(
      "key is not provided",
    );
  } finally {
    client.close();
  }
  const after = await scrape(first.endpoint);
  const moved = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
    valueOf(after, name, labels) - valueOf(before, name, labels);
  expect(moved("etcd_mvcc_put_total")).toBe(4);
  expect(moved("etcd_mvcc_txn_total")).toBe(1);
  expect(moved("etcd_mvcc_range_total")).toBe(3);
  expect(moved("etcd_debugging_mvcc_keys_total")).toBe(4);
  expect(moved("etcd_debugging_mvcc_current_revision")).toBe(4);
  expect(moved("etcd_server_proposals_applied_total")).toBeGreaterThanOrEqual(4);
  expect(moved("hansa_reads_total", { asked: "index" })).toBe(1);
  expect(moved("hansa_reads_total", { asked: "local", used: "local" })).toBe(1);
  const method = { grpc_service: "etcdserverpb.KV", grpc_method: "Put" };
  expect(moved("grpc_server_started_total", method)).toBe(4);
  expect(moved("grpc_server_handled_total", { ...method, grpc_code: "OK" })).toBe(3);
  expect(moved("grpc_server_handled_total", { ...method, grpc_code: "InvalidArgument" })).toBe(1);
  expect(moved("etcd_network_client_grpc_received_bytes_total")).toBeGreaterThan(50);
  expect(moved("etcd_network_peer_sent_bytes_total")).toBeGreaterThan(100);
  expect(after.get("etcd_disk_wal_fsync_duration_seconds")?.samples.at(-1)?.value).toBeGreaterThan(
    4,
  );
  await fetch(`http://${first.endpoint}/health`);
  const healthy = await scrape(first.endpoint);
  expect(valueOf(healthy, "etcd_server_health_success")).toBeGreaterThan(0);
});

test("watches and leases are counted while they stand, and what came of them after", async () => {
  const { endpoint } = cluster.member("n2");
  const before = await scrape(endpoint);
  const client = new Client({ endpoints: [`http://${endpoint}`] });
  const moved = async (name: string, by: number): Promise<void> => {
    await until(`${name} moves by ${by}`, WAIT_MS_MAX, async () => {
      const now = valueOf(await scrape(endpoint), name);
      return now - valueOf(before, name) === by ? true : undefined;
    });
  };
  const watcher = client.watch({ prefix: "w/" });
  const events = watcher[Symbol.asyncIterator]();
  const next = events.next();
  await moved("etcd_debugging_mvcc_watcher_total", 1);
  await moved("etcd_debugging_mvcc_watch_stream_total", 1);
  await client.put("w/1", "x");
  await next;
  await moved("etcd_debugging_mvcc_events_total", 1);
  watcher.close();
  await moved("etcd_debugging_mvcc_watcher_total", 0);
  const { id } = await client.leases.grant(60);
  await moved("etcd_debugging_lease_granted_total", 1);
  await moved("hansa_leases", 1);
  await client.leases.revoke(id);
  await moved("etcd_debugging_lease_revoked_total", 1);
  await moved("hansa_leases", 0);
  await client.close();
});

test("a lost leader shows at those who stay", async () => {
  const leader = await cluster.leader();
  const stays = cluster.voters.find((member) => member !== leader);
  if (stays === undefined) throw new Error("nobody stays");
  const before = await scrape(stays.endpoint);
  await leader.kill();
  await until("another leads, and one peer is gone", WAIT_MS_MAX, async () => {
    const now = await scrape(stays.endpoint);
    const seen = "etcd_server_leader_changes_seen_total";
    const active = now.get("etcd_network_active_peers")?.samples.map(({ value }) => value) ?? [];
    const isSeen = valueOf(now, seen) > valueOf(before, seen);
    return isSeen && active.reduce((sum, each) => sum + each, 0) === 1 ? true : undefined;
  });
});
