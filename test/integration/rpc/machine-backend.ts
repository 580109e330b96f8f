// The port beneath the services with a real machine in it, whose commands are applied as they come: what a single
// member answers, without a log.
import { KvError } from "../../../base/index.ts";
import type { CallContext, Done, Header } from "../../../rpc/index.ts";
import type { Request, Response, TxnRequest, TxnResponse } from "../../../store/index.ts";
import { MemoryBackend } from "./memory-backend.ts";

export class MachineBackend extends MemoryBackend {
  override header(): Header {
    return { ...super.header(), revision: this.watches.revision };
  }

  /** Applies a command as another client's. */
  run(request: Request): void {
    this.watches.run(request);
  }

  override readTxn(request: TxnRequest, _: CallContext, done: Done<TxnResponse>): void {
    const value = this.watches.host.txn(request);
    if ("code" in value) {
      done({ ok: false, error: new KvError(value.code, "not-applied", value.message) });
    } else done({ ok: true, header: this.header(), value });
  }

  override write(request: Request, body: Uint8Array, _: CallContext, done: Done<Response>): void {
    this.writes.push({ request, body });
    const value = this.watches.apply(request);
    const revision = "revision" in value ? value.revision : this.header().revision;
    done({ ok: true, header: { ...this.header(), revision }, value });
  }
}
