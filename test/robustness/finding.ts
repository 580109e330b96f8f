// What a validator found: which guarantee is broken, and in which words. docs/testing.md says what each demands.

export type WatchGuarantee =
  | "watch-filter"
  | "watch-ordered"
  | "watch-unique"
  | "watch-atomic"
  | "watch-bookmarkable"
  | "watch-reliable"
  | "watch-resumable"
  | "watch-prev-kv"
  | "watch-is-create"
  | "watch-true"
  | "watch-fresh";

export type LeaseGuarantee =
  "lease-held" | "lease-ended" | "lease-extended" | "lease-renewed" | "lease-keys";

export type LockGuarantee = "lock-exclusion" | "lock-fencing";

export type Guarantee = WatchGuarantee | LeaseGuarantee | LockGuarantee;

export interface Finding {
  readonly guarantee: Guarantee;
  readonly what: string;
}
