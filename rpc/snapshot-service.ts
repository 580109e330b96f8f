// etcdserverpb.Maintenance/Snapshot: the state as a file of our own format, drawn as fast as the client reads.
// As etcd's it is padded to a multiple of 512 bytes and ends with the SHA-256 of everything before, so that
// `etcdctl snapshot save` finds it whole.
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { KvError } from "../base/index.ts";
import { Writer, etcdserverpb } from "../proto/index.ts";
import type { Backend, SnapshotSource } from "./backend.ts";
import { writeHeader } from "./header.ts";
import { stream } from "./service.ts";
import type { ServiceTable, StreamSink, StreamSource } from "./service.ts";

const PAGE_BYTES = 512;

export function snapshotTable(backend: Backend): ServiceTable {
  return {
    "/etcdserverpb.Maintenance/Snapshot": stream((sink) => new SnapshotStream(backend, sink)),
  };
}

class SnapshotStream implements StreamSource {
  readonly #backend: Backend;
  readonly #sink: StreamSink;
  readonly #hash: Hash = createHash("sha256");
  #source: SnapshotSource | undefined;
  #sentBytes = 0;
  #drawing = false;
  #full = false;
  #closed = false;

  constructor(backend: Backend, sink: StreamSink) {
    this.#backend = backend;
    this.#sink = sink;
  }

  /** The request is empty. */
  onMessage(): void {
    this.#backend.openSnapshot((source) => {
      if (source === undefined) {
        this.#sink.end(noState());
      } else if (this.#closed) source.close();
      else {
        this.#source = source;
        this.#draw(source);
      }
    });
  }

  onDrain(): void {
    this.#full = false;
    if (this.#source !== undefined) this.#draw(this.#source);
  }

  onEnd(): void {
    // The one request is all that a server stream's client sends.
  }

  onClose(): void {
    this.#closed = true;
    this.#source?.close();
    this.#source = undefined;
  }

  #draw(source: SnapshotSource): void {
    if (this.#drawing || this.#full) return;
    this.#drawing = true;
    source.next((failure, block) => {
      this.#drawing = false;
      if (this.#closed) return;
      if (failure !== undefined) this.#sink.end(failure);
      else if (block === undefined) this.#finish(source);
      else {
        this.#hash.update(block);
        this.#sentBytes += block.length;
        this.#full = !this.#write(block, Math.max(1, source.sizeBytes - this.#sentBytes));
        this.#draw(source);
      }
    });
  }

  #finish(source: SnapshotSource): void {
    const padding = new Uint8Array((PAGE_BYTES - (this.#sentBytes % PAGE_BYTES)) % PAGE_BYTES);
    this.#hash.update(padding);
    if (padding.length > 0) this.#write(padding, 32);
    this.#write(this.#hash.digest(), 0);
    source.close();
    this.#source = undefined;
    this.#sink.end();
  }

  /** `remainingBytes` is an estimate until the end, where it is 0. */
  #write(blob: Uint8Array, remainingBytes: number): boolean {
    const header = this.#backend.header();
    const writer = new Writer().reserve(blob.length + 128);
    writeHeader(writer, header, header.revision);
    const { version } = this.#backend.status();
    const message = { remaining_bytes: remainingBytes, blob, version };
    return this.#sink.write(etcdserverpb.SnapshotResponse.encode(message, writer).finish(true));
  }
}

function noState(): KvError {
  const text = "hansa: the state of this member is not whole, or empty; ask another";
  return new KvError("unavailable", "not-applied", text);
}
