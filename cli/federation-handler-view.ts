// What `hansa federation handler` prints, and what `status` says of handlers that were stopped.
import type { FederationHandler, FederationStatusAnswer } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { headerJson } from "./output-json.ts";
import type { Json } from "./output-json.ts";
import type { View } from "./view.ts";

export function handlersView({ header, handlers }: FederationStatusAnswer): View {
  return {
    simple: handlers.map((handler) => `${handler.name}: ${handler.runs}, ${stateText(handler)}\n`),
    table: {
      head: ["HANDLER", "RUNS", "STATE", "HASH"],
      rows: handlers.map((handler) => [
        handler.name,
        handler.runs,
        stateText(handler),
        handler.hash,
      ]),
    },
    json: { header: headerJson(header), handlers: handlers.map(handlerJson) },
  };
}

/** @throws {UsageError} if none has the name. */
export function handlerSourceView(
  { header, handlers }: FederationStatusAnswer,
  name: string,
): View {
  const handler = handlers.find((one) => one.name === name);
  if (handler === undefined) throw new UsageError(`no handler is named ${JSON.stringify(name)}`);
  return {
    simple: [handler.source],
    json: {
      header: headerJson(header),
      handler: { ...handlerJson(handler), source: handler.source },
    },
  };
}

/** Lines of `federation status`: a handler that runs is not worth one. */
export function stoppedLines(handlers: readonly FederationHandler[]): readonly string[] {
  return handlers
    .filter(({ stoppedBy }) => stoppedBy !== "")
    .map((handler) => `handler ${handler.name} is ${stateText(handler)}\n`);
}

function stateText({ stoppedBy, stoppedWhy }: FederationHandler): string {
  return stoppedBy === "" ? "running" : `stopped by ${stoppedBy}: ${stoppedWhy}`;
}

function handlerJson({
  name,
  hash,
  runs,
  stoppedBy,
  stoppedWhy,
}: FederationHandler): Record<string, Json> {
  const stopped = stoppedBy === "" ? {} : { stopped: { region: stoppedBy, why: stoppedWhy } };
  return { name, hash, runs, ...stopped };
}
