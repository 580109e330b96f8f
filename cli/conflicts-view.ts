// What `hansa conflicts list` and `watch` print: a line a conflict, those that are open or those that were settled.
import type { OpenConflict, SettledConflict } from "../client/index.ts";
import { base64 } from "./output-json.ts";
import type { Json } from "./output-json.ts";
import { shownInLine } from "./output-simple.ts";
import { dotJson, dotText, instantText, siblingsJson, valueText } from "./siblings-view.ts";
import type { View } from "./view.ts";

export function openConflictsView(conflicts: readonly OpenConflict[], hex: boolean): View {
  return {
    simple: conflicts.map(
      (conflict) => `${shownInLine(conflict.key, hex)}: ${writesText(conflict, hex)}\n`,
    ),
    table: {
      head: ["KEY", "POLICY", "SIBLINGS", "WRITES"],
      rows: conflicts.map((conflict) => [
        shownInLine(conflict.key, hex),
        conflict.siblings.policy,
        String(conflict.siblings.siblings.length),
        writesText(conflict, hex),
      ]),
    },
    json: conflicts.map(openJson),
  };
}

function openJson({ key, siblings }: OpenConflict): { readonly [name: string]: Json } {
  return { key: base64(key), ...siblingsJson(siblings) };
}

/** Of a watch: one line, or one object. */
export function openEventView(conflict: OpenConflict, hex: boolean): View {
  const line = `open ${shownInLine(conflict.key, hex)}: ${writesText(conflict, hex)}\n`;
  return { simple: [line], json: { event: "open", ...openJson(conflict) } };
}

export function settledEventView(conflict: SettledConflict, hex: boolean): View {
  const line = `settled ${settledText(conflict, hex)}`;
  return { simple: [line], json: { event: "settled", ...settledJson(conflict) } };
}

function writesText({ siblings }: OpenConflict, hex: boolean): string {
  return siblings.siblings
    .map((sibling) => `${sibling.region} ${dotText(sibling.dot)} ${valueText(sibling, hex)}`)
    .join(", ");
}

export function settledConflictsView(conflicts: readonly SettledConflict[], hex: boolean): View {
  return {
    simple: conflicts.map((conflict) => settledText(conflict, hex)),
    table: {
      head: ["NUMBER", "KEY", "DECIDED BY", "REGION", "AT", "KEPT", "LOST"],
      rows: conflicts.map((conflict) => [
        String(conflict.number),
        shownInLine(conflict.key, hex),
        `${conflict.decidedBy} ${dotText(conflict.dot)}`,
        conflict.region,
        instantText(conflict.wallMs),
        dotText(conflict.kept),
        lostText(conflict, hex),
      ]),
    },
    json: conflicts.map(settledJson),
  };
}

function settledText(conflict: SettledConflict, hex: boolean): string {
  const { number, key, region, dot, decidedBy, kept, wallMs } = conflict;
  const decider = `${decidedBy} ${dotText(dot)} of ${region} at ${instantText(wallMs)}`;
  const lost = lostText(conflict, hex);
  return `${number} ${shownInLine(key, hex)}: ${decider} kept ${dotText(kept)}, lost ${lost}\n`;
}

function settledJson(conflict: SettledConflict): { readonly [name: string]: Json } {
  const { number, key, dot, region, wallMs, decidedBy, kept, lost } = conflict;
  return {
    number,
    key: base64(key),
    dot: dotJson(dot),
    region,
    wall_ms: wallMs,
    decided_by: decidedBy,
    kept: dotJson(kept),
    lost: lost.map((one) => ({
      dot: dotJson(one.dot),
      region: one.region,
      wall_ms: one.wallMs,
      ...(one.value === undefined ? { deleted: true } : { value: base64(one.value) }),
      value_bytes: one.valueBytes,
    })),
  };
}

function lostText({ lost }: SettledConflict, hex: boolean): string {
  return lost.map((one) => `${one.region} ${dotText(one.dot)} ${valueText(one, hex)}`).join(", ");
}
