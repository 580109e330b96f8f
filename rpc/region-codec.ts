// Messages of an exchange between regions, between types and bytes. What a transaction or a configuration holds is
// the federation's; here it is bytes. Hostile bytes give one typed error and nothing else.
import { unreachable } from "../base/index.ts";
import type { WallMs } from "../base/index.ts";
import {
  CHAIN_HASH_BYTES,
  CONFIG_LIMITS,
  EXCHANGE_LIMITS_DEFAULT,
  PART_BYTES_MAX,
} from "../federation/index.ts";
import type {
  ConfigNews,
  ExchangeHello,
  Identity,
  OriginId,
  Part,
  Position,
  PullMessage,
  Report,
  ServeMessage,
} from "../federation/index.ts";
import { exactNumberOf, hansa } from "../proto/index.ts";
import type { Reader } from "../proto/index.ts";
import { decoded, invalid } from "./decode.ts";
import { batchShape, transactionsIn } from "./region-batch.ts";
import { answerShape, comparedOf, questionOf, questionShape } from "./region-compare.ts";
import { originOf, vectorOf, vectorShape } from "./region-vector.ts";

const wire = hansa.region.v1;
const IDENTITY = /^[0-9a-f]{32}$/;

export function pullMessageBytes(message: PullMessage): Uint8Array {
  switch (message.kind) {
    case "hello":
      return wire.PullMessage.encode({ hello: helloShape(message.hello) }).finish();
    case "want":
      return wire.PullMessage.encode({ want: { positions: [...message.positions] } }).finish();
    case "config":
      return wire.PullMessage.encode({ config: message.config }).finish();
    case "clock":
      return wire.PullMessage.encode({ clock: { asked_at_ms: message.askedAtMs } }).finish();
    case "ask":
      return wire.PullMessage.encode({ ask: askShape(message) }).finish();
    case "compare": {
      const compare = { id: message.id, ...questionShape(message.question) };
      return wire.PullMessage.encode({ compare }).finish();
    }
    default:
      return unreachable(message);
  }
}

export function serveMessageBytes(message: ServeMessage): Uint8Array {
  switch (message.kind) {
    case "hello":
      return wire.ServeMessage.encode({ hello: helloShape(message.hello) }).finish();
    case "batch":
      return wire.ServeMessage.encode({ batch: batchShape(message.batch) }).finish();
    case "part": {
      const { totalBytes: total_bytes, offset, bytes, ...position } = message.part;
      return wire.ServeMessage.encode({ part: { position, total_bytes, offset, bytes } }).finish();
    }
    case "reports": {
      const reports = message.reports.map(reportShape);
      return wire.ServeMessage.encode({ reports: { reports } }).finish();
    }
    case "clock": {
      const { askedAtMs: asked_at_ms, answerMs: answer_ms } = message;
      return wire.ServeMessage.encode({ clock: { asked_at_ms, answer_ms } }).finish();
    }
    case "answer": {
      const { id, report } = message;
      const answer = report === undefined ? { id } : { id, report: reportShape(report) };
      return wire.ServeMessage.encode({ answer }).finish();
    }
    case "compared": {
      const { id, answer } = message;
      const compared = answer === undefined ? { id } : { id, ...answerShape(answer) };
      return wire.ServeMessage.encode({ compared }).finish();
    }
    case "config":
      return wire.ServeMessage.encode({ config: message.config }).finish();
    case "gone": {
      const { origin, retainedFrom: retained_from } = message;
      return wire.ServeMessage.encode({ gone: { origin, retained_from } }).finish();
    }
    case "forked": {
      const { theirs, ours } = message;
      return wire.ServeMessage.encode({ forked: { theirs, ours } }).finish();
    }
    default:
      return unreachable(message);
  }
}

/** Undefined: a kind that a later version speaks. @throws {KvError} `invalid-argument`, naming what is wrong. */
export function decodePullMessage(bytes: Uint8Array): PullMessage | undefined {
  return decoded(bytes, readPullMessage);
}

/** As `decodePullMessage`. */
export function decodeServeMessage(bytes: Uint8Array): ServeMessage | undefined {
  return decoded(bytes, readServeMessage);
}

function readPullMessage(reader: Reader): PullMessage | undefined {
  const { hello, want, config, clock, ask, compare } = wire.PullMessage.decode(reader);
  if (hello) return { kind: "hello", hello: helloOf(hello) };
  if (want) {
    const positions = want.positions ?? [];
    if (positions.length > EXCHANGE_LIMITS_DEFAULT.originsMax) {
      throw invalid(
        `${positions.length} origins are wanted; expected at most ${EXCHANGE_LIMITS_DEFAULT.originsMax}`,
      );
    }
    return { kind: "want", positions: positions.map(positionOf) };
  }
  if (clock) return { kind: "clock", askedAtMs: askedAtOf(clock) };
  if (ask) return askOf(ask);
  if (compare) {
    const id = exactNumberOf(compare.id ?? 0, "id");
    return { kind: "compare", id, question: questionOf(compare) };
  }
  return config ? { kind: "config", config: configOf(config) } : undefined;
}

function readServeMessage(reader: Reader): ServeMessage | undefined {
  const message = wire.ServeMessage.decode(reader);
  const { hello, batch, reports, clock, answer, compared, config, gone, forked, part } = message;
  if (hello) return { kind: "hello", hello: helloOf(hello) };
  if (batch) {
    const from = exactNumberOf(batch.from ?? 0, "from");
    if (from < 1) throw invalid("a batch begins at 0; expected at least 1");
    const transactions = transactionsIn(batch);
    const origin = originOf(batch.origin);
    return { kind: "batch", batch: { origin, from, transactions, hash: hashOf(batch.hash) } };
  }
  if (part) return { kind: "part", part: partOf(part) };
  if (reports) {
    return { kind: "reports", reports: (reports.reports ?? []).map(reportOf) };
  }
  if (clock) {
    const answerMs = exactNumberOf(clock.answer_ms ?? 0, "answer_ms") as WallMs;
    return { kind: "clock", askedAtMs: askedAtOf(clock), answerMs };
  }
  if (answer) {
    const report = answer.report ? reportOf(answer.report) : undefined;
    return { kind: "answer", id: exactNumberOf(answer.id ?? 0, "id"), report };
  }
  if (compared) {
    const id = exactNumberOf(compared.id ?? 0, "id");
    return { kind: "compared", id, answer: comparedOf(compared) };
  }
  if (config) return { kind: "config", config: configOf(config) };
  if (gone) {
    const retainedFrom = exactNumberOf(gone.retained_from ?? 0, "retained_from");
    return { kind: "gone", origin: originOf(gone.origin), retainedFrom };
  }
  if (!forked) return undefined;
  const theirs = positionOf(forked.theirs ?? {});
  return { kind: "forked", theirs, ours: hashOf(forked.ours) };
}

export function helloShape(hello: ExchangeHello): hansa.region.v1.Hello.$Properties {
  const { version, from, to, epoch, leads } = hello;
  return {
    ...{ version, to, epoch, leads },
    federation_id: from.federationId,
    from: from.origin,
    incarnation: bytesOfHex(from.incarnation),
  };
}

/** @throws {KvError} `invalid-argument`, naming what is wrong. */
export function helloOf(hello: hansa.region.v1.Hello.$Properties): ExchangeHello {
  const from = {
    federationId: identityOf(hello.federation_id ?? "", "federation_id"),
    origin: originOf(hello.from),
    incarnation: identityOf(hexOf(hello.incarnation ?? NO_BYTES), "incarnation"),
  };
  const { version, leads } = hello;
  return {
    ...{ from, version: version ?? 0, leads: leads ?? false, to: originOf(hello.to) },
    epoch: exactNumberOf(hello.epoch ?? 0, "epoch"),
  };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

function identityOf(text: string, field: string): Identity {
  if (!IDENTITY.test(text)) throw invalid(`${field} is no identity of 32 hexadecimal digits`);
  return text as Identity;
}

function bytesOfHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

function hashOf(value: Uint8Array | null | undefined): Uint8Array {
  const length = value?.length ?? 0;
  if (value?.length === CHAIN_HASH_BYTES) return value;
  throw invalid(`a chain's hash has ${length} bytes; expected ${CHAIN_HASH_BYTES}`);
}

function partOf(part: hansa.region.v1.Part.$Properties): Part {
  const { position, total_bytes: totalBytes, offset } = part;
  const bytes = part.bytes ?? NO_BYTES;
  if (bytes.length > PART_BYTES_MAX) {
    throw invalid(`a part of ${bytes.length} bytes; expected at most ${PART_BYTES_MAX}`);
  }
  return {
    ...positionOf(position ?? {}),
    ...{ totalBytes: totalBytes ?? 0, offset: offset ?? 0, bytes },
  };
}

type Ask = Extract<PullMessage, { readonly kind: "ask" }>;

function askShape({ id, of, via }: Ask): hansa.region.v1.Ask.$Properties {
  return { id, of: [...of], via: [...via] };
}

function askOf({ id, of, via }: hansa.region.v1.Ask.$Properties): Ask {
  return { kind: "ask", id: exactNumberOf(id ?? 0, "id"), of: originsOf(of), via: originsOf(via) };
}

function originsOf(origins: readonly number[] | null | undefined): readonly OriginId[] {
  const count = origins?.length ?? 0;
  if (count > CONFIG_LIMITS.membersMax) {
    throw invalid(`${count} regions in a question; expected at most ${CONFIG_LIMITS.membersMax}`);
  }
  // Each is answered for once.
  if (new Set(origins).size < count) throw invalid("a question names a region twice");
  return (origins ?? []).map(originOf);
}

/** @throws {KvError} `invalid-argument`, naming what is wrong. */
export function positionOf(position: hansa.region.v1.Position.$Properties): Position {
  const origin = originOf(position.origin);
  return {
    origin,
    sequence: exactNumberOf(position.sequence ?? 0, "sequence"),
    hash: hashOf(position.hash),
  };
}

function askedAtOf({ asked_at_ms }: hansa.region.v1.Clock.$Properties): WallMs {
  return exactNumberOf(asked_at_ms ?? 0, "asked_at_ms") as WallMs;
}

function configOf({ epoch, document }: hansa.region.v1.Config.$Properties): ConfigNews {
  return { epoch: exactNumberOf(epoch ?? 0, "epoch"), document: document ?? NO_BYTES };
}

function reportShape({ origin, epoch, vector }: Report): hansa.region.v1.Report.$Properties {
  return { origin, epoch, vector: vectorShape(vector) };
}

function reportOf(report: hansa.region.v1.Report.$Properties): Report {
  return {
    origin: originOf(report.origin),
    epoch: exactNumberOf(report.epoch ?? 0, "epoch"),
    vector: vectorOf(report.vector ?? []),
  };
}
