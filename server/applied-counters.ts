// What the entries that are applied here did, counted as etcd counts: by operation, nested ones too.
import type { Response, ResponseOp, TxnResponse } from "../store/index.ts";

export class AppliedCounters {
  puts = 0;
  /** DeleteRange operations, whatever they found. */
  deletes = 0;
  /** Inside transactions that write; others are counted where they are read. */
  ranges = 0;
  /** Of more than one operation. */
  txns = 0;
  leasesGranted = 0;
  leasesRevoked = 0;
  leasesRenewed = 0;
  leasesExpired = 0;
  refused = 0;

  onApplied(response: Response | undefined): void {
    switch (response?.kind) {
      case "put":
        this.puts += 1;
        return;
      case "delete-range":
        this.deletes += 1;
        return;
      case "txn":
        if (this.#onTxn(response.txn) > 1) this.txns += 1;
        return;
      case "lease-grant":
        this.leasesGranted += 1;
        return;
      case "lease-revoke":
        this.leasesRevoked += 1;
        return;
      case "lease-renew":
        for (const ttlMs of response.ttlsMs) if (ttlMs > 0) this.leasesRenewed += 1;
        return;
      case "lease-expire":
        this.leasesExpired += response.count;
        return;
      case "refused":
        this.refused += 1;
        return;
      default:
    }
  }

  /** @returns how many operations. */
  #onTxn({ responses }: TxnResponse): number {
    return responses.reduce((count, response) => count + this.#onOperation(response), 0);
  }

  #onOperation(response: ResponseOp): number {
    switch (response.kind) {
      case "put":
        this.puts += 1;
        return 1;
      case "delete-range":
        this.deletes += 1;
        return 1;
      case "range":
        this.ranges += 1;
        return 1;
      case "txn":
        return this.#onTxn(response.txn);
    }
  }
}
