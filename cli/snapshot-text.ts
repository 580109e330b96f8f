// What `hansa snapshot status` prints: etcdctl's four facts first, then what etcd's snapshots do not know.
import type { SnapshotSummary } from "../server/index.ts";
import { humanBytes } from "./output-simple.ts";
import { drawTable } from "./output-table.ts";
import type { Format } from "./output.ts";

const HEAD = ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"];
const OWN_HEAD = ["COMPACTED", "CLUSTER", "INDEX", "EPOCH", "ROWS"];

export function snapshotSummaryText(summary: SnapshotSummary, format: Format): string {
  const { hash, revision, keys, sizeBytes, compacted, clusterId, meta, rows } = summary;
  const { config, round, node } = meta.epoch;
  const cells = [hash.toString(16), String(revision), String(keys), humanBytes(sizeBytes)];
  const cluster = clusterId.toString(16);
  switch (format) {
    case "simple":
      return `${cells.join(", ")}\n`;
    case "table": {
      const own = [String(compacted), cluster, String(meta.index), `${config}.${round}.${node}`];
      return drawTable([...HEAD, ...OWN_HEAD], [[...cells, ...own, String(rows)]]);
    }
    case "json": {
      const facts = { hash, revision, totalKey: keys, totalSize: sizeBytes, compacted, cluster };
      return `${JSON.stringify({ ...facts, index: meta.index, epoch: meta.epoch, rows })}\n`;
    }
  }
}
