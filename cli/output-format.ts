// The choice among the three formats.
import { JsonOutput } from "./output-json.ts";
import { SimpleOutput } from "./output-simple.ts";
import { TableOutput } from "./output-table.ts";
import type { Format, Output, OutputOptions } from "./output.ts";

export function outputOf(format: Format, options: OutputOptions): Output {
  if (format === "json") return new JsonOutput();
  const simple = new SimpleOutput(options);
  return format === "simple" ? simple : new TableOutput(simple, options);
}
