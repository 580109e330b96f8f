// The choice among the formats.
import { FieldsOutput } from "./output-fields.ts";
import { JsonOutput } from "./output-json.ts";
import { SimpleOutput } from "./output-simple.ts";
import { TableOutput } from "./output-table.ts";
import type { Format, Output, OutputOptions } from "./output.ts";

export function outputOf(format: Format, options: OutputOptions): Output {
  if (format === "json") return new JsonOutput();
  if (format === "fields") return new FieldsOutput();
  const simple = new SimpleOutput(options);
  return format === "simple" ? simple : new TableOutput(simple, options);
}
