// What `hansa lock` and `hansa elect` print: the key that is held, as etcdctl does, and its fencing token.
import type { KeyValue, Turn } from "../client/index.ts";
import { base64 } from "./output-json.ts";
import { shown } from "./output-simple.ts";
import type { View } from "./view.ts";

export function heldView({ key, fencingToken, lease }: Turn, hex: boolean): View {
  return {
    simple: [shown(key, hex), "\n"],
    json: { key: base64(key), fencing_token: fencingToken, lease: String(lease.id) },
    fields: [
      ["Key", key],
      ["FencingToken", fencingToken],
      ["Lease", lease.id],
    ],
  };
}

/** Who leads, and what it says of itself. */
export function leaderView(kv: KeyValue, hex: boolean): View {
  const { key, value, createRevision, modRevision, lease } = kv;
  return {
    simple: [shown(key, hex), "\n", shown(value, hex), "\n"],
    json: {
      key: base64(key),
      value: base64(value),
      create_revision: createRevision,
      mod_revision: modRevision,
      lease: String(lease),
    },
    fields: [
      ["Key", key],
      ["Value", value],
      ["CreateRevision", createRevision],
      ["ModRevision", modRevision],
      ["Lease", lease],
    ],
  };
}
