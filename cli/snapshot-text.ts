// What `hansa snapshot status` prints: etcdctl's four facts first, then what etcd's snapshots do not know.
import type { SnapshotSummary } from "../server/index.ts";
import { humanBytes } from "./output-simple.ts";
import type { View } from "./view.ts";

const HEAD = ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"];
const OWN_HEAD = ["COMPACTED", "CLUSTER", "INDEX", "EPOCH", "ROWS"];

export function snapshotSummaryView(summary: SnapshotSummary): View {
  const { hash, revision, keys, sizeBytes, compacted, clusterId, meta, rows } = summary;
  const { config, round, node } = meta.epoch;
  const cells = [hash.toString(16), String(revision), String(keys), humanBytes(sizeBytes)];
  const cluster = clusterId.toString(16);
  const own = [String(compacted), cluster, String(meta.index), `${config}.${round}.${node}`];
  return {
    simple: [`${cells.join(", ")}\n`],
    table: { head: [...HEAD, ...OWN_HEAD], rows: [[...cells, ...own, String(rows)]] },
    json: {
      ...{ hash, revision, totalKey: keys, totalSize: sizeBytes, compacted, cluster },
      ...{ index: meta.index, epoch: { config, round, node }, rows },
    },
    fields: [
      ["Hash", hash],
      ["Revision", revision],
      ["Keys", keys],
      ["Size", sizeBytes],
      ["Compacted", compacted],
      ["Cluster", cluster],
      ["Index", meta.index],
      ["Rows", rows],
    ],
  };
}
