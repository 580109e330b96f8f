// The backend before there is one: ports are bound before the data is opened, and until the replica stands
// every call is refused as unavailable, so that a client goes to another member instead of waiting.
import { KvError } from "../base/index.ts";
import type {
  Backend,
  CallContext,
  Done,
  Header,
  Member,
  NodeStatus,
  RangeAnswer,
  ReadOptions,
} from "../rpc/index.ts";
import type { RangeRequest, Request, Response, TxnRequest, TxnResponse } from "../store/index.ts";

export class GatedBackend implements Backend {
  #backend: Backend | undefined;

  /** From here on every call reaches `backend`. */
  open(backend: Backend): void {
    this.#backend = backend;
  }

  /** @throws {KvError} unavailable, while starting. */
  header(): Header {
    return this.#opened().header();
  }

  /** @throws {KvError} unavailable, while starting. */
  status(): NodeStatus {
    return this.#opened().status();
  }

  range(
    request: RangeRequest,
    options: ReadOptions,
    context: CallContext,
    done: Done<RangeAnswer>,
  ): void {
    this.#pass(done, (backend) => {
      backend.range(request, options, context, done);
    });
  }

  readTxn(request: TxnRequest, context: CallContext, done: Done<TxnResponse>): void {
    this.#pass(done, (backend) => {
      backend.readTxn(request, context, done);
    });
  }

  write(request: Request, body: Uint8Array, context: CallContext, done: Done<Response>): void {
    this.#pass(done, (backend) => {
      backend.write(request, body, context, done);
    });
  }

  members(linearizable: boolean, context: CallContext, done: Done<readonly Member[]>): void {
    this.#pass(done, (backend) => {
      backend.members(linearizable, context, done);
    });
  }

  healthy(context: CallContext, done: (healthy: boolean) => void): void {
    if (this.#backend === undefined) done(false);
    else this.#backend.healthy(context, done);
  }

  #pass<T>(done: Done<T>, call: (backend: Backend) => void): void {
    if (this.#backend === undefined) done({ ok: false, error: starting() });
    else call(this.#backend);
  }

  #opened(): Backend {
    if (this.#backend === undefined) throw starting();
    return this.#backend;
  }
}

function starting(): KvError {
  return new KvError("unavailable", "not-applied", "etcdserver: server is starting");
}
