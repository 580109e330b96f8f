// Operations on keys of a kind, whichever it is (federation 9): what one does to the state, what a client sees of it,
// and what an origin refuses before it mints. Each kind has a file of its own in kinds/.
import type { OriginId } from "./dot.ts";
import type { KindName, KindOperation, KindState } from "./kind.ts";
import type { FederationBug } from "./planted.ts";
import type { Transaction } from "./transaction.ts";

/** What the kind's key holds before anybody wrote it. */
export declare function emptyState(kind: KindName): KindState;

/** Total, where the kinds agree: the origin has refused another. */
export declare function applyKind(
  state: KindState,
  transaction: Transaction,
  operation: KindOperation,
  planted?: FederationBug,
): KindState;

/** What an etcd client reads; undefined: there is no such key. */
export declare function valueOfKind(state: KindState): Uint8Array | undefined;

/** What an etcd delete of the key does; undefined: this kind is never deleted. */
export declare function deletionOf(state: KindState): KindOperation | undefined;

/** Why the origin does not mint it, for people; undefined: it may. */
export declare function kindRefusal(
  state: KindState,
  self: OriginId,
  operation: KindOperation,
): string | undefined;
