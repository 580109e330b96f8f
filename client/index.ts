// `hansa/client`: the client library's whole surface.
export { KvError } from "../base/index.ts";
export type { KvErrorCode, Outcome } from "../base/index.ts";
export { AccountCalls } from "./accounts.ts";
export type {
  AuthStatus,
  Permission,
  PermissionKind,
  PermissionsAnswer,
  RolesAnswer,
  UsersAnswer,
} from "./accounts.ts";
export { KeyValue } from "./answer.ts";
export type {
  Answer,
  CompactAnswer,
  DeleteAnswer,
  DeleteResult,
  GetAnswer,
  Header,
  Member,
  MembersAnswer,
  PutAnswer,
  PutResult,
  RangeAnswer,
  RangeResult,
  ReadAnswer,
  ReadProof,
  Role,
} from "./answer.ts";
export { prefixEnd, textFrom } from "./bytes.ts";
export type { Bytes, KeySelector } from "./bytes.ts";
export type { BackoffOptions } from "./backoff.ts";
export type { TlsOptions } from "./channel-security.ts";
export { Client } from "./client.ts";
export { ConflictCalls } from "./conflicts.ts";
export type {
  ConflictEventsAnswer,
  ConflictWatchOptions,
  OpenConflict,
  OpenConflictsAnswer,
  OpenConflictsOptions,
  SettledConflict,
  SettledConflictsAnswer,
  SettledConflictsOptions,
} from "./conflicts.ts";
export { Election, Leadership } from "./election.ts";
export { FederationCalls } from "./federation.ts";
export type {
  FederationAutoPart,
  FederationChangedAnswer,
  FederationCommand,
  FederationHandler,
  FederationHome,
  FederationRegion,
  FederationStatusAnswer,
  FederationVerifyAnswer,
  VerifiedKey,
  VerifiedNeighbour,
} from "./federation.ts";
export type { RegionReach, RegionReadOptions, RegionWriteOptions } from "./regions.ts";
export type { Dot, KeySiblings, Sibling } from "./siblings.ts";
export type { AuthOptions } from "./credentials.ts";
export { SalvageCalls } from "./salvage.ts";
export type { SalvagedOperation, SalvagedTransaction } from "./salvage.ts";
export { IdCalls } from "./ids.ts";
export type { IdsAnswer } from "./ids.ts";
export type { KeyCalls } from "./key-calls.ts";
export { operation } from "./kind-operation.ts";
export type { KindOperation } from "./kind-operation.ts";
export { BoundedCounter, Counter, Flag, Kinds, MapKey, Register, SetKey } from "./kinds.ts";
export type {
  BoundedCounterAnswer,
  CounterAnswer,
  FlagAnswer,
  KindReadOptions,
  MapAnswer,
  OperateOptions,
  RegisterAnswer,
  SetAnswer,
} from "./kinds.ts";
export type { TurnOptions } from "./key-queue.ts";
export { HeldLock, Lock } from "./lock.ts";
export { Namespace } from "./namespace.ts";
export type { StmAnswer, StmOptions } from "./stm.ts";
export { StmTransaction } from "./stm-transaction.ts";
export type { StmIsolation } from "./stm-transaction.ts";
export { Turn } from "./turn.ts";
export type { TurnLoss } from "./turn.ts";
export { CLIENT_LIMITS_DEFAULT } from "./options.ts";
export type {
  CallOptions,
  ClientLimits,
  ClientOptions,
  DeleteOptions,
  KeyReadOptions,
  OnMiss,
  PutOptions,
  RangeOptions,
  ReadMode,
  ReadOptions,
  ResolveOptions,
  SortBy,
} from "./options.ts";
export { KeptLease } from "./kept-lease.ts";
export type { LeaseLoss } from "./kept-lease.ts";
export { LeaseCalls } from "./leases.ts";
export type { LeaseAnswer, LeaseListAnswer, LeaseStateAnswer } from "./leases.ts";
export { MaintenanceCalls } from "./maintenance.ts";
export type {
  Alarm,
  AlarmType,
  AlarmsAnswer,
  HashAnswer,
  HashKvAnswer,
  MemberCallOptions,
} from "./maintenance.ts";
export { MembershipCalls } from "./membership.ts";
export type { MemberAddedAnswer } from "./membership.ts";
export type { MemberView } from "./router.ts";
export type { MemberState, StatusAnswer } from "./status.ts";
export { op, when } from "./txn.ts";
export type {
  Condition,
  Operation,
  Operations,
  Relation,
  ResultsOf,
  Transaction,
  TxnAnswer,
  TxnRangeOptions,
  TxnResult,
} from "./txn.ts";
export { snapshotBlobs } from "./snapshot.ts";
export { CompactedError, Watcher } from "./watch.ts";
export type { WatchAnswer, WatchEvent, WatchOptions } from "./watch.ts";
