// The guards of a federation that the simulator and the tests can take away, one at a time, to prove that a check
// sees the harm. Production composition never sets one.

/** Each names the guard that it removes; docs/testing.md says which check must catch it. */
export type FederationBug =
  | "blind-own-origin-filter"
  | "drop-on-overtake"
  | "local-prune"
  | "purge-with-sibling"
  | "context-omits-tombstone"
  | "tombstone-by-wall-time"
  | "part-without-freeze"
  | "rebootstrap-drops-own-suffix"
  | "snapshot-before-marker"
  | "fork-undetected"
  | "dot-reused-after-restore"
  | "merkle-deletes"
  | "counter-applied-twice"
  | "range-delete-shipped-raw"
  | "ttl-expired-everywhere"
  | "resolver-storm"
  | "cas-kills-hidden-sibling"
  | "revision-hides-sibling"
  | "lease-checked-before-commit"
  | "hlc-poison"
  | "txn-torn"
  | "ack-counted-before-quorum"
  | "settled-before-agreement"
  | "kept-before-stable";
