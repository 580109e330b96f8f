// Tables for people. Members and status as etcdctl draws them; keys, which it does not, in the same style.
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
import { joined, memberCells, reachText, shownInLine, statusCells } from "./output-simple.ts";
import { drawTable } from "./table.ts";
import type { CellTone } from "./table.ts";

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
      ? this.#draw(["COUNT"], [[String(answer.count)]])
      : this.#pairs(answer.kvs);
    const { proof } = answer;
    return joined([pairs, proof === undefined ? "" : this.#draw(PROOF_HEAD, [proofCells(proof)])]);
  }

  put(answer: PutAnswer): Uint8Array {
    const { prevKv } = answer;
    const before = prevKv === undefined ? "" : this.#pairs([prevKv]);
    return joined(["OK\n", before, reachText(answer.header)]);
  }

  del(answer: DeleteAnswer): Uint8Array {
    const { deleted, prevKvs } = answer;
    const before = prevKvs.length === 0 ? "" : this.#pairs(prevKvs);
    return joined([`${deleted}\n`, before, reachText(answer.header)]);
  }

  txn(answer: PrintedTxn): Uint8Array {
    const parts = answer.items.map((item) => `\n${this.#item(item)}`);
    const reach = reachText(answer.header);
    return joined([answer.succeeded ? "SUCCESS\n" : "FAILURE\n", ...parts, reach]);
  }

  compact(header: Header, revision: number): Uint8Array {
    return this.#simple.compact(header, revision);
  }

  members({ members }: MembersAnswer): Uint8Array {
    return joined([this.#draw(MEMBER_HEAD, members.map(memberCells))]);
  }

  watch(answer: WatchAnswer): Uint8Array {
    return this.#simple.watch(answer);
  }

  statuses(answers: readonly StatusAnswer[]): Uint8Array {
    const states = answers.flatMap((answer) =>
      answer.state === undefined ? [] : [stateCells(answer, answer.state)],
    );
    const beside = states.length === 0 ? "" : this.#draw(STATE_HEAD, states);
    return joined([this.#draw(STATUS_HEAD, answers.map(statusCells)), beside]);
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
    return this.#draw(
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

  #draw(head: readonly string[], rows: readonly (readonly string[])[]): string {
    return drawTable(head, rows, { paint: this.#options.paint, tone: toneOf });
  }

  #text(bytes: Uint8Array): string {
    return shownInLine(bytes, this.#options.hex);
  }
}

const toneOf: CellTone = (column, text) => {
  if (column === "KEY") return "accent";
  if (column === "ERRORS") return "bad";
  if (column === "BUSY WITH") return "warn";
  if (column === "IS LEADER" && text === "true") return "good";
  if (column === "ROLE" && text === "leader") return "good";
  if (column === "STATUS" && text === "unstarted") return "warn";
  return column === "IS LEARNER" && text === "true" ? "accent" : undefined;
};

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
