// One answer in every format: whoever prints something new gives a View, and --write-out chooses of it.
import { encoded } from "./output-json.ts";
import type { Json } from "./output-json.ts";
import { goQuoted } from "./go-quote.ts";
import { joined } from "./output-simple.ts";
import type { Part } from "./output-simple.ts";
import type { Format } from "./output.ts";
import type { Paint } from "./paint.ts";
import { drawTable } from "./table.ts";
import type { CellTone } from "./table.ts";

export interface View {
  /** etcdctl's lines, the last newline included. */
  readonly simple: readonly Part[];
  readonly json: Json;
  /** Absent: the simple lines. */
  readonly table?: TableView;
  /** `"Name" : value` lines; absent: those of the JSON. */
  readonly fields?: readonly Field[];
}

export interface TableView {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly tone?: CellTone;
}

/** Text and bytes are quoted, a list stands in brackets; "" as a name is an empty line, which ends a group. */
export type Field = readonly [name: string, value: FieldValue];
type FieldValue = string | Uint8Array | number | bigint | boolean | readonly string[];

export const FIELDS_END: Field = ["", ""];

export function printed(view: View, format: Format, paint: Paint): Uint8Array {
  switch (format) {
    case "json":
      return encoded(view.json);
    case "fields":
      return fieldLines(view.fields ?? flattened("", view.json));
    case "table":
      if (view.table !== undefined) return joined([tableText(view.table, paint)]);
      return joined(view.simple);
    case "simple":
      return joined(view.simple);
  }
}

function tableText({ head, rows, tone }: TableView, paint: Paint): string {
  return drawTable(head, rows, tone === undefined ? { paint } : { paint, tone });
}

export function fieldLines(fields: readonly Field[]): Uint8Array {
  const line = ([name, value]: Field): string => {
    if (name === "") return "\n";
    return `"${name}" : ${fieldText(value)}\n`;
  };
  return joined(fields.map(line));
}

function fieldText(value: FieldValue): string {
  if (typeof value === "string" || value instanceof Uint8Array) return goQuoted(value);
  return typeof value === "object" ? `[${value.join(" ")}]` : String(value);
}

/** Every leaf by its path, as `Status.header.revision`; a list's items by their place. */
function flattened(path: string, value: Json): Field[] {
  if (typeof value !== "object") return [[path === "" ? "value" : path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    flattened(path === "" ? name : `${path}.${name}`, inner),
  );
}
