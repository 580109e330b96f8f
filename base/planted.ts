// The safety guards that the simulator can switch off, one at a time, to prove that its checks see the harm.
// Production composition never sets one: only test/sim passes a name down.

/** Each names the guard that it removes; docs/testing.md says which check must catch it. */
export type PlantedBug =
  | "skip-vote-persist"
  | "commit-old-term-by-count"
  | "ack-before-fsync"
  | "lease-from-ack-time"
  | "read-index-before-own-commit"
  | "reuse-read-round"
  | "learner-serves-uncommitted"
  | "learner-trusts-deposed-leader"
  | "apply-twice-on-restart"
  | "session-forgotten-on-restart"
  | "send-before-epoch-durable"
  | "stamp-from-earlier-boot"
  | "echo-before-own-commit"
  | "read-id-without-boot"
  | "state-gap-ignored-at-boot"
  | "writes-reordered";
