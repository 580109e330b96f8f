// A machine with an engine of a sorted map under it, for tests of the store: it loads what the machine asks
// for from what was flushed, and can be stopped and restored from it, as a node is.
import { assert, bytesOf, keyOf } from "../../base/index.ts";
import type { BootNonce, Key, LogIndex, LogTimeMs, NodeId } from "../../base/index.ts";
import type { Entry, Epoch } from "../../consensus/index.ts";
import { Machine, NOBODY, encodeCommand, isRefusal } from "../../store/index.ts";
import type {
  EngineBatch,
  EngineOp,
  EngineRow,
  KeptResponse,
  MachineOptions,
  RangeRequest,
  RangeResponse,
  Refusal,
  Request,
  RequestCodec,
  Response,
  TxnRequest,
  TxnResponse,
} from "../../store/index.ts";

/** JSON, with byte arrays and wide integers marked: plain enough to be trusted. */
const jsonCodec: RequestCodec = {
  decodeRequest: (_kind, body) => fromJson(body) as Request,
  encodeResponse: (response) => toJson(response),
  decodeResponse: (bytes) => fromJson(bytes) as KeptResponse,
};

function toJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value, (name, field: unknown) => {
    if (typeof field === "bigint") return { wide: String(field) };
    if (name === "encoded") return undefined;
    return field instanceof Uint8Array ? { bytes: keyOf(field) } : field;
  });
  return new TextEncoder().encode(text);
}

function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes), (_name, field: unknown) => {
    if (typeof field !== "object" || field === null) return field;
    if ("wide" in field && typeof field.wide === "string") return BigInt(field.wide);
    if ("bytes" in field && typeof field.bytes === "string") return bytesOf(field.bytes as Key);
    return field;
  });
}

const EPOCH: Epoch = { config: 0, round: 1, node: 0 };

export function entryOf(
  index: number,
  request: Request,
  logTimeMs = 0,
  caller = NOBODY,
  stampedIn = EPOCH,
): Entry {
  const data = encodeCommand({
    kind: request.kind,
    stamp: { epoch: stampedIn, logTimeMs: logTimeMs as LogTimeMs },
    origin: { node: 1 as NodeId, boot: 7n as BootNonce, counter: index },
    caller,
    body: toJson(request),
  });
  return { index: index as LogIndex, epoch: EPOCH, kind: "command", data };
}

/** Answers without the encoded form, which is a matter of what is cached. */
export function plain<T>(value: T): T {
  return fromJson(toJson(value)) as T;
}

export class Host {
  readonly rows = new Map<Key, Uint8Array>();
  /** Every batch written, in order. */
  readonly batches: (readonly EngineOp[])[] = [];
  /** Rows asked of the engine so far. */
  loadedCount = 0;
  machine: Machine;
  readonly #options: Omit<MachineOptions, "codec">;

  constructor(options: Omit<MachineOptions, "codec"> = { valueCacheBytesMax: 1 << 20 }) {
    this.#options = options;
    this.machine = this.#boot();
  }

  #boot(): Machine {
    return this.#machine({});
  }

  /** The map has no log of its own: a checkpoint is the chain's base at once. */
  #machine(options: Partial<MachineOptions>): Machine {
    return new Machine({ codec: jsonCodec, engineLogBytesMax: 0, ...this.#options, ...options });
  }

  apply(entry: Entry): Response | undefined {
    return this.machine.apply(entry, this.load(this.machine.needs(entry)));
  }

  /** Applies a command as the next entry. */
  run(request: Request, logTimeMs = 0, caller = NOBODY, stampedIn = EPOCH): Response {
    const index = this.machine.applied + 1;
    const response = this.apply(entryOf(index, request, logTimeMs, caller, stampedIn));
    assert(response !== undefined, "a command has an answer");
    return plain(response);
  }

  load(keys: readonly Uint8Array[]): (Uint8Array | undefined)[] {
    this.loadedCount += keys.length;
    return keys.map((key) => this.rows.get(keyOf(key)));
  }

  range(request: RangeRequest): RangeResponse | Refusal {
    const plan = this.machine.planRange(request);
    return plain(isRefusal(plan) ? plan : plan.answer(this.load(plan.missing)));
  }

  /** The same in steps; between two of them `between` runs. */
  scan(
    request: RangeRequest,
    keysPerStepMax: number,
    between: () => void = () => undefined,
  ): RangeResponse | Refusal {
    const scan = this.machine.scanRange(request, keysPerStepMax);
    if (isRefusal(scan)) return plain(scan);
    for (;;) {
      between();
      const answer = scan.advance(this.load(scan.missing));
      if (answer !== undefined) return plain(answer);
    }
  }

  txn(request: TxnRequest): TxnResponse | Refusal {
    const plan = this.machine.planTxn(request);
    return plain(isRefusal(plan) ? plan : plan.answer(this.load(plan.missing)));
  }

  /** Writes the next batch; false if there was none. */
  flushOne(): boolean {
    return this.#write(this.machine.drain());
  }

  /** Writes batches until there is none. */
  flush(): void {
    while (this.flushOne());
  }

  checkpoint(): boolean {
    return this.#write(this.machine.checkpoint());
  }

  #write(batch: EngineBatch | undefined): boolean {
    if (batch === undefined) return false;
    this.batches.push(batch.ops);
    for (const op of batch.ops) {
      if (op.op === "put") this.rows.set(keyOf(op.key), op.value);
      else this.rows.delete(keyOf(op.key));
    }
    this.machine.flushed(batch.upTo);
    return true;
  }

  /** The rows as a scan of the engine gives them. */
  sortedRows(): EngineRow[] {
    return [...this.rows.entries()]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => ({ key: bytesOf(key), value: value.slice() }));
  }

  /** A fresh machine from the rows: what was not flushed is gone. Returns what `restored` said. */
  restart(options: Partial<MachineOptions> = {}): ReturnType<Machine["restored"]> {
    this.machine = this.#machine(options);
    const rows = this.sortedRows();
    for (let from = 0; from < rows.length; from += 3)
      this.machine.restore(rows.slice(from, from + 3));
    return this.machine.restored();
  }
}
