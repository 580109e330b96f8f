// etcdctl's "simple" format, byte for byte, so that a script does not notice which of the two it runs.
import type {
  DeleteAnswer,
  DeleteResult,
  Header,
  KeyValue,
  Member,
  MembersAnswer,
  PutAnswer,
  PutResult,
  RangeAnswer,
  RangeResult,
  StatusAnswer,
  WatchAnswer,
} from "../client/index.ts";
import { textFrom } from "../client/index.ts";
import type { Output, OutputOptions, PrintedTxn, TxnItem } from "./output.ts";

/** Text, or bytes as they are. */
export type Part = string | Uint8Array;

export class SimpleOutput implements Output {
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  range(answer: RangeAnswer): Uint8Array {
    return joined(this.#range(answer));
  }

  put(answer: PutAnswer): Uint8Array {
    return joined([...this.#put(answer), reachText(answer.header)]);
  }

  del(answer: DeleteAnswer): Uint8Array {
    return joined([...this.#del(answer), reachText(answer.header)]);
  }

  txn(answer: PrintedTxn): Uint8Array {
    const parts: Part[] = [answer.succeeded ? "SUCCESS\n" : "FAILURE\n"];
    for (const item of answer.items) parts.push("\n", ...this.#item(item));
    return joined([...parts, reachText(answer.header)]);
  }

  compact(_header: Header, revision: number): Uint8Array {
    return joined([`compacted revision ${revision}\n`]);
  }

  members({ members }: MembersAnswer): Uint8Array {
    return joined(members.map((member) => `${memberCells(member).join(", ")}\n`));
  }

  watch({ revision, events }: WatchAnswer): Uint8Array {
    if (events.length === 0) return joined([`progress notify: ${revision}\n`]);
    return joined(
      events.flatMap(({ kind, kv, prevKv }) => [
        kind === "put" ? "PUT\n" : "DELETE\n",
        ...(prevKv === undefined ? [] : this.#pair(prevKv)),
        ...this.#pair(kv),
      ]),
    );
  }

  statuses(answers: readonly StatusAnswer[]): Uint8Array {
    return joined(answers.map((answer) => `${statusCells(answer).join(", ")}\n`));
  }

  #item(item: TxnItem): Part[] {
    if (item.kind === "get") return this.#range(item.range);
    return item.kind === "put" ? this.#put(item.put) : this.#del(item.del);
  }

  #range(range: RangeResult): Part[] {
    // etcdctl has no simple form of a count.
    if (this.#options.countOnly) return [`${range.count}\n`];
    return range.kvs.flatMap((kv) => this.#pair(kv));
  }

  #put(put: PutResult): Part[] {
    return ["OK\n", ...(put.prevKv === undefined ? [] : this.#pair(put.prevKv))];
  }

  #del(del: DeleteResult): Part[] {
    return [`${del.deleted}\n`, ...del.prevKvs.flatMap((kv) => this.#pair(kv))];
  }

  #pair(kv: KeyValue): Part[] {
    const value = [shown(kv.value, this.#options.hex), "\n"];
    return this.#options.valueOnly ? value : [shown(kv.key, this.#options.hex), "\n", ...value];
  }
}

/** Of a write that asked how far it came; otherwise nothing. */
export function reachText({ reach }: Header): string {
  if (reach === undefined) return "";
  const { outcome, asked, reached, sloppy, names } = reach;
  const by = sloppy ? ", stand-ins counted" : "";
  const told = `${reached} of ${asked} regions asked for have it${by}: ${names.join(", ")}`;
  return outcome === "reached" ? `${told}\n` : `committed here; ${told}\n`;
}

/** As `shown`, in one line: line breaks and other control characters are shown as JSON may write them. */
export function shownInLine(bytes: Uint8Array, hex: boolean): string {
  const part = shown(bytes, hex);
  const text = typeof part === "string" ? part : textFrom(part);
  return text.replace(/\p{Cc}/gu, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return escaped === character ? `\\u${code}` : escaped;
  });
}

export function shown(bytes: Uint8Array, hex: boolean): Part {
  if (!hex) return bytes;
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

/** Id, state, name, peer and client URLs, learner. */
export function memberCells(member: Member): string[] {
  return [
    member.id.toString(16),
    member.name === "" ? "unstarted" : "started",
    member.name,
    member.peerUrls.join(","),
    member.clientUrls.join(","),
    String(member.isLearner),
  ];
}

/** Endpoint, id, version, size, leader, learner, term, index, applied index, errors. */
export function statusCells(answer: StatusAnswer): string[] {
  return [
    answer.endpoint,
    answer.header.memberId.toString(16),
    answer.version,
    humanBytes(answer.dbSizeBytes),
    String(answer.leader === answer.header.memberId),
    String(answer.isLearner),
    String(answer.header.raftTerm),
    String(answer.raftIndex),
    String(answer.raftAppliedIndex),
    answer.errors.join(", "),
  ];
}

/** Powers of 1000 with one decimal below 10, as etcdctl shows sizes. */
export function humanBytes(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(1000)), units.length - 1);
  const tenths = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10;
  return `${tenths < 10 ? tenths.toFixed(1) : roundedToEven(tenths)} ${units[power] ?? ""}`;
}

/** As Go's %.0f: 20.5 is 20, 21.5 is 22. */
function roundedToEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

export function joined(parts: readonly Part[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}
