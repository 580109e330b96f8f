// `hansa txn`: a transaction from standard input in etcdctl's text, or from flags.
import { Command, CommanderError } from "commander";
import { op } from "../client/index.ts";
import type { Operation } from "../client/index.ts";
import { UsageError } from "./exit-code.ts";
import { keysOf } from "./key-arguments.ts";
import {
  addDelFlags,
  addPutFlags,
  addRangeFlags,
  defined,
  putOptionsOf,
  rangeOptionsOf,
} from "./kv-flags.ts";
import type { DelFlags, PutFlags, RangeFlags } from "./kv-flags.ts";
import type { TxnItem } from "./output.ts";
import { addRegionWriteFlags, regionWriteOptionsOf } from "./region-flags.ts";
import type { RegionWriteFlags } from "./region-flags.ts";
import { withSession } from "./session.ts";
import type { Stdio } from "./stdio.ts";
import { parseCompare, readTxnText, wordsOf } from "./txn-text.ts";
import type { TxnText } from "./txn-text.ts";

interface TxnFlags extends RegionWriteFlags {
  readonly interactive?: boolean;
  readonly if?: string[];
  readonly then?: string[];
  readonly else?: string[];
  readonly exactlyOnce?: boolean;
}

const DESCRIPTION = `run a transaction

Without --if, --then and --else it is read from standard input: the compares, the success requests and the
failure requests, one a line, each section ended by an empty line.

  mod("key1") > "0"            also version, create, value, lease; =, !=, <, >

  put key1 "a new value"       also get and del, with their flags

  get key1
`;

export function addTxnCommand(program: Command, stdio: Stdio): void {
  const more = (line: string, lines: string[] | undefined): string[] => [...(lines ?? []), line];
  const txn = program
    .command("txn")
    .summary("run a transaction")
    .description(DESCRIPTION)
    .option("-i, --interactive", "prompt for each section")
    .option("--if <compare>", "a compare; may be given again", more)
    .option("--then <request>", "a success request; may be given again", more)
    .option("--else <request>", "a failure request; may be given again", more)
    .option("--exactly-once", "repeat after any failure; a server session makes it apply once");
  addRegionWriteFlags(txn).action(async (flags: TxnFlags, command: Command) => {
    const text = textOfFlags(flags) ?? (await readText(flags, stdio));
    const compares = text.compares.map(parseCompare);
    const success = text.success.map(parseRequest);
    const failure = text.failure.map(parseRequest);
    await withSession(command, stdio, flags, async ({ client, output }) => {
      const transaction = { if: compares, then: success, else: failure };
      const answer = await client.txn(transaction, regionWriteOptionsOf(flags));
      const { header, succeeded, results } = answer;
      stdio.out(output.txn({ header, succeeded, items: results }));
    });
  });
}

function textOfFlags(flags: TxnFlags): TxnText | undefined {
  if (flags.if === undefined && flags.then === undefined && flags.else === undefined) {
    return undefined;
  }
  if (flags.interactive === true) {
    throw new UsageError("--interactive reads what --if, --then and --else give");
  }
  return { compares: flags.if ?? [], success: flags.then ?? [], failure: flags.else ?? [] };
}

async function readText(flags: TxnFlags, stdio: Stdio): Promise<TxnText> {
  if (flags.interactive === true) {
    stdio.out("compares, then success requests, then failure requests (get, put, del):\n");
    stdio.out("each section ends with an empty line, the whole with the end of input\n");
  }
  return readTxnText(Buffer.from(await stdio.readInput()).toString());
}

/** One request line. @throws {UsageError} saying what is wrong with it */
export function parseRequest(line: string): Operation<TxnItem> {
  const [name = "", ...words] = wordsOf(line);
  let parsed: Operation<TxnItem> | undefined;
  const command = (flags: (bare: Command) => Command): Command =>
    flags(new Command(name)).exitOverride().helpOption(false).configureOutput(SILENT);
  try {
    if (name === "get") {
      command(addRangeFlags)
        .action((key: string, rangeEnd: string | undefined, flags: RangeFlags) => {
          const range = op.range(keysOf(key, rangeEnd, flags), rangeOptionsOf(flags));
          parsed = mapped(range, (result) => ({ kind: "get", range: result }));
        })
        .parse(words, { from: "user" });
    } else if (name === "put") {
      command((bare) => addPutFlags(bare.argument("<key>").argument("[value]")))
        .action((key: string, value: string | undefined, flags: PutFlags) => {
          if ((value === undefined) !== (flags.ignoreValue === true)) {
            throw new UsageError(`malformed request: ${line} (put takes a key and a value)`);
          }
          const put = op.put(key, value ?? "", putOptionsOf(flags));
          parsed = mapped(put, (result) => ({ kind: "put", put: result }));
        })
        .parse(words, { from: "user" });
    } else if (name === "del") {
      command(addDelFlags)
        .action((key: string, rangeEnd: string | undefined, flags: DelFlags) => {
          const keys = keysOf(key, rangeEnd, flags);
          const del = op.delete(keys, defined({ prevKv: flags.prevKv }));
          parsed = mapped(del, (result) => ({ kind: "del", del: result }));
        })
        .parse(words, { from: "user" });
    }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(`malformed request: ${line} (${error.message})`, { cause: error });
  }
  if (parsed === undefined) {
    throw new UsageError(`malformed request: ${line} (expected get, put or del)`);
  }
  return parsed;
}

const SILENT = { writeErr: (): void => undefined, writeOut: (): void => undefined };

function mapped<From, To>(operation: Operation<From>, to: (result: From) => To): Operation<To> {
  return { wire: operation.wire, result: (wire) => to(operation.result(wire)) };
}
