// Tables for people. Members and status as etcdctl draws them; keys, which it does not, in the same style.
import { textFrom } from "../client/index.ts";
import type {
  DeleteAnswer,
  Header,
  KeyValue,
  MembersAnswer,
  PutAnswer,
  RangeAnswer,
  ReadProof,
  StatusAnswer,
  WatchAnswer,
} from "../client/index.ts";
import { STATE_HEAD, stateCells } from "./member-state-text.ts";
import type { Output, OutputOptions, PrintedTxn, TxnItem } from "./output.ts";
import { joined, memberCells, shown, statusCells } from "./output-simple.ts";

const PAIR_HEAD = ["KEY", "VALUE", "CREATE REVISION", "MOD REVISION", "VERSION", "LEASE"];
const MEMBER_HEAD = ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"];
const STATUS_HEAD = [
  "ENDPOINT",
  "ID",
  "VERSION",
  "DB SIZE",
  "IS LEADER",
  "IS LEARNER",
  "RAFT TERM",
  "RAFT INDEX",
  "RAFT APPLIED INDEX",
  "ERRORS",
];
const PROOF_HEAD = ["READ", "MEMBER", "ROLE", "REGION", "REVISION", "APPLIED", "AGE AT MOST"];

export class TableOutput implements Output {
  readonly #simple: Output;
  readonly #options: OutputOptions;

  constructor(simple: Output, options: OutputOptions) {
    this.#simple = simple;
    this.#options = options;
  }

  range(answer: RangeAnswer): Uint8Array {
    const pairs = this.#options.countOnly
      ? drawTable(["COUNT"], [[String(answer.count)]])
      : this.#pairs(answer.kvs);
    const { proof } = answer;
    return joined([pairs, proof === undefined ? "" : drawTable(PROOF_HEAD, [proofCells(proof)])]);
  }

  put(answer: PutAnswer): Uint8Array {
    const { prevKv } = answer;
    return joined(["OK\n", prevKv === undefined ? "" : this.#pairs([prevKv])]);
  }

  del(answer: DeleteAnswer): Uint8Array {
    const { deleted, prevKvs } = answer;
    return joined([`${deleted}\n`, prevKvs.length === 0 ? "" : this.#pairs(prevKvs)]);
  }

  txn(answer: PrintedTxn): Uint8Array {
    const parts = answer.items.map((item) => `\n${this.#item(item)}`);
    return joined([answer.succeeded ? "SUCCESS\n" : "FAILURE\n", ...parts]);
  }

  compact(header: Header, revision: number): Uint8Array {
    return this.#simple.compact(header, revision);
  }

  members({ members }: MembersAnswer): Uint8Array {
    return joined([drawTable(MEMBER_HEAD, members.map(memberCells))]);
  }

  watch(answer: WatchAnswer): Uint8Array {
    return this.#simple.watch(answer);
  }

  statuses(answers: readonly StatusAnswer[]): Uint8Array {
    const states = answers.flatMap((answer) =>
      answer.state === undefined ? [] : [stateCells(answer, answer.state)],
    );
    const beside = states.length === 0 ? "" : drawTable(STATE_HEAD, states);
    return joined([drawTable(STATUS_HEAD, answers.map(statusCells)), beside]);
  }

  #item(item: TxnItem): string {
    if (item.kind === "get") return this.#pairs(item.range.kvs);
    if (item.kind === "put") {
      return item.put.prevKv === undefined ? "OK\n" : `OK\n${this.#pairs([item.put.prevKv])}`;
    }
    const { deleted, prevKvs } = item.del;
    return `${deleted}\n${prevKvs.length === 0 ? "" : this.#pairs(prevKvs)}`;
  }

  #pairs(kvs: readonly KeyValue[]): string {
    return drawTable(
      PAIR_HEAD,
      kvs.map((kv) => [
        this.#text(kv.key),
        this.#text(kv.value),
        String(kv.createRevision),
        String(kv.modRevision),
        String(kv.version),
        kv.lease === 0n ? "" : BigInt.asUintN(64, kv.lease).toString(16),
      ]),
    );
  }

  /** A cell is one line: line breaks and other control characters are shown as JSON writes them. */
  #text(bytes: Uint8Array): string {
    const part = shown(bytes, this.#options.hex);
    const text = typeof part === "string" ? part : textFrom(part);
    return text.replace(/[\p{Cc}]/gu, (character) => JSON.stringify(character).slice(1, -1));
  }
}

function proofCells(proof: ReadProof): string[] {
  const { asked, used, stalenessBoundMs } = proof;
  return [
    asked === used ? used : `${used} (${asked} asked)`,
    proof.memberId.toString(16),
    proof.role,
    proof.region,
    String(proof.revision),
    String(proof.appliedIndex),
    stalenessBoundMs === undefined ? "unknown" : `${stalenessBoundMs} ms`,
  ];
}

/** Heads centred, cells to the right, as etcdctl's. */
export function drawTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const rule = `+${widths.map((width) => "-".repeat(width + 2)).join("+")}+\n`;
  const line = (cells: readonly string[], pad: (text: string, width: number) => string): string =>
    `| ${widths.map((width, column) => pad(cells[column] ?? "", width)).join(" | ")} |\n`;
  const body = rows.map((row) => line(row, toTheRight)).join("");
  return `${rule}${line(head, centred)}${rule}${body}${rows.length === 0 ? "" : rule}`;
}

/** Characters, not UTF-16 units; wide ones count as one. */
function widthOf(text: string): number {
  return [...text].length;
}

function toTheRight(text: string, width: number): string {
  return " ".repeat(width - widthOf(text)) + text;
}

function centred(text: string, width: number): string {
  const gap = width - widthOf(text);
  const left = Math.floor(gap / 2);
  return " ".repeat(left) + text + " ".repeat(gap - left);
}
