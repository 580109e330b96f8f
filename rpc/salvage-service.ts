// hansa.v1.Salvage: what is kept beyond the cuts of closed origins, for the operator who exports it (federation 11).
import { KvError, bytesOf, hlcMs, unreachable } from "../base/index.ts";
import type { Key } from "../base/index.ts";
import { originId } from "../federation/index.ts";
import type { Operation, OriginId, Transaction } from "../federation/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { CallContext, Done } from "./backend.ts";
import { decoded, invalid } from "./decode.ts";
import { headed } from "./header.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const wire = hansa.v1;

export interface SalvagePage {
  readonly transactions: readonly Transaction[];
  /** There are others from there on. */
  readonly next?: Place;
}

/** The number is one to come, or 0. */
export interface Place {
  readonly origin: number;
  readonly sequence: number;
}

/** Port: what the service needs of the member beneath it. */
export interface Salvaging {
  /** From that place on; origin 0: from the beginning. */
  list(from: Place, context: CallContext, done: Done<SalvagePage>): void;
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
      const from = decoded(bytes, (reader) => placeOf(wire.SalvageListRequest.decode(reader).from));
      const desk = present();
      desk.list(from, call, (answer) => {
        if (!answer.ok) {
          reply(answer.error);
          return;
        }
        const { transactions, next } = answer.value;
        const message = {
          transactions: transactions.map((one) => shapeOf(one, desk.regionOf(one.origin))),
          ...(next && { next }),
        };
        reply(wire.SalvageListResponse.encode(message, headed(answer.header)).finish(true));
      });
    }),
    "/hansa.v1.Salvage/Discard": unary((bytes, call, reply) => {
      const { origin, sequence } = decoded(bytes, (reader) =>
        placeOf(wire.SalvageDiscardRequest.decode(reader).through),
      );
      if (origin === 0 || sequence === 0) throw invalid("an origin and a number are wanted");
      present().discard(originId(origin), sequence, call, (answer) => {
        if (!answer.ok) reply(answer.error);
        else reply(wire.SalvageDiscardResponse.encode({}, headed(answer.header)).finish(true));
      });
    }),
  };
}

function placeOf(dot: hansa.v1.IDot | null | undefined): Place {
  return { origin: dot?.origin ?? 0, sequence: exactNumberOf(dot?.sequence ?? 0, "sequence") };
}

function shapeOf(
  { origin, sequence, hlc, operations }: Transaction,
  region: string,
): hansa.v1.ISalvagedTransaction {
  const dot = { origin, sequence };
  return { dot, region, wall_ms: hlcMs(hlc), operations: operations.map(operationOf) };
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

/** Elements, fields and values of kinds are UTF-8. */
function plain(this: Readonly<Record<string, unknown>>, name: string): unknown {
  // The holder's own: a Buffer has been made JSON of before it is handed over.
  const value = this[name];
  if (typeof value === "bigint") return String(value);
  if (typeof value === "string") return Buffer.from(bytesOf(value as Key)).toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
