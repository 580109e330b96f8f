// hansa.v1.Salvage: what is kept beyond the cuts of closed origins, for the operator who exports it (federation 11).
import { KvError, bytesOf, hlcMs, unreachable } from "../base/index.ts";
import type { Hlc } from "../base/index.ts";
import { originId } from "../federation/index.ts";
import type { Dot, Operation, OriginId, Transaction } from "../federation/index.ts";
import { Writer, exactNumberOf, hansa } from "../proto/index.ts";
import type { CallContext, Done, Header } from "./backend.ts";
import { decoded, invalid } from "./decode.ts";
import { writeHeader } from "./header.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const wire = hansa.v1;

export interface SalvagePage {
  readonly transactions: readonly Transaction[];
  /** There are others from there on. */
  readonly next?: Pick<Dot, "origin"> & { readonly sequence: number };
}

/** Port: what the service needs of the member beneath it. */
export interface Salvaging {
  /** From that place on; origin 0: from the beginning. */
  list(
    from: { origin: number; sequence: number },
    context: CallContext,
    done: Done<SalvagePage>,
  ): void;
  discard(origin: OriginId, through: number, context: CallContext, done: Done<undefined>): void;
  /** Whose an origin was. */
  regionOf(origin: OriginId): string;
}

/** `salvaging` absent: this member's region is in no federation. */
export function salvageTable(salvaging: Salvaging | undefined): ServiceTable {
  const present = (): Salvaging => {
    if (salvaging !== undefined) return salvaging;
    throw new KvError("federation-refused", "not-applied", "this region is in no federation");
  };
  return {
    "/hansa.v1.Salvage/List": unary((bytes, call, reply) => {
      const asked = decoded(bytes, (reader) => wire.SalvageListRequest.decode(reader));
      const sequence = exactNumberOf(asked.sequence, "sequence");
      const desk = present();
      desk.list({ origin: asked.origin, sequence }, call, (answer) => {
        if (!answer.ok) {
          reply(answer.error);
          return;
        }
        const { transactions, next } = answer.value;
        const message = {
          transactions: transactions.map((one) => shapeOf(one, desk.regionOf(one.origin))),
          next_origin: next?.origin ?? 0,
          next_sequence: next?.sequence ?? 0,
        };
        reply(wire.SalvageListResponse.encode(message, headed(answer.header)).finish(true));
      });
    }),
    "/hansa.v1.Salvage/Discard": unary((bytes, call, reply) => {
      const asked = decoded(bytes, (reader) => wire.SalvageDiscardRequest.decode(reader));
      const through = exactNumberOf(asked.through, "through");
      if (asked.origin === 0 || through === 0) throw invalid("an origin and a number are wanted");
      present().discard(originId(asked.origin), through, call, (answer) => {
        if (!answer.ok) reply(answer.error);
        else reply(wire.SalvageDiscardResponse.encode({}, headed(answer.header)).finish(true));
      });
    }),
  };
}

function shapeOf(
  { origin, sequence, hlc, operations }: Transaction,
  region: string,
): hansa.v1.ISalvagedTransaction {
  return {
    origin,
    sequence,
    region,
    wall_ms: wallMsOf(hlc),
    operations: operations.map(operationOf),
  };
}

function wallMsOf(hlc: Hlc): number {
  return hlcMs(hlc);
}

function operationOf(operation: Operation): hansa.v1.ISalvagedOperation {
  const { action } = operation;
  const key = bytesOf(operation.key);
  switch (action) {
    case "put":
      return { key, action, value: operation.value };
    case "delete":
    case "expire":
    case "settle":
      return { key, action };
    case "kind":
      return { key, action, operation: JSON.stringify(operation.operation, plain) };
    default:
      return unreachable(action);
  }
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

function headed(header: Header): Writer {
  const writer = new Writer();
  writeHeader(writer, header, header.revision);
  return writer;
}
