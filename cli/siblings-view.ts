// What `hansa get --siblings` and `hansa conflicts show` print: the writes to a key that no other write replaced.
import type { Dot, GetAnswer, KeySiblings, Sibling } from "../client/index.ts";
import { base64, headerJson, nonZero } from "./output-json.ts";
import type { Json } from "./output-json.ts";
import { shown, shownInLine } from "./output-simple.ts";
import type { View } from "./view.ts";

const NONE: KeySiblings = {
  policy: "",
  kind: "",
  siblings: [],
  context: new Uint8Array(0),
  rights: 0n,
};

export function siblingsView(key: string, answer: GetAnswer, hex: boolean): View {
  const { header, kv, siblings = NONE } = answer;
  const { policy, kind, rights } = siblings;
  const context = base64(siblings.context);
  const rows = siblings.siblings.map((sibling) => [
    sibling.region,
    dotText(sibling.dot),
    instantText(sibling.wallMs),
    valueText(sibling, hex),
  ]);
  return {
    simple: [
      `${key}: ${kind === "" ? policy : kind}\n`,
      ...(kv === undefined ? [] : ["shown: ", shown(kv.value, hex), "\n"]),
      ...rows.map((row) => `${row.join(" ")}\n`),
      ...(kind === "bounded-counter" ? [`rights of this region: ${rights}\n`] : []),
      ...(kind === "" ? [`context ${context}\n`] : []),
    ],
    table: { head: ["REGION", "DOT", "WRITTEN", "VALUE"], rows },
    json: {
      header: headerJson(header),
      key: base64(Buffer.from(key)),
      ...(kv === undefined ? {} : { shown: base64(kv.value) }),
      ...siblingsJson(siblings),
    },
  };
}

export function siblingsJson(kept: KeySiblings): Readonly<Record<string, Json>> {
  const { policy, kind, siblings, context, rights } = kept;
  return {
    policy,
    ...nonZero({ kind }),
    siblings: siblings.map(({ dot, region, wallMs, value, valueBytes }) => ({
      dot: dotJson(dot),
      region,
      wall_ms: wallMs,
      ...(value === undefined ? { deleted: true } : { value: base64(value) }),
      ...(value !== undefined && value.length < valueBytes ? { value_bytes: valueBytes } : {}),
    })),
    context: base64(context),
    ...(kind === "bounded-counter" ? { rights: String(rights) } : {}),
  };
}

export function dotJson({ origin, sequence }: Dot): Json {
  return { origin, sequence };
}

/** As the server's own messages name a write. */
export function dotText({ origin, sequence }: Dot): string {
  return `${origin}:${sequence}`;
}

export function instantText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** In one line; a value that is cut short ends with dots. */
export function valueText(
  { value, valueBytes }: Pick<Sibling, "value" | "valueBytes">,
  hex: boolean,
): string {
  if (value === undefined) return "(deleted)";
  const line = shownInLine(value, hex);
  return value.length < valueBytes ? `${line}...` : line;
}
