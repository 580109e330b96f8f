// Before a member serves anybody (--initial-corrupt-check): its keys are hashed and compared with those of its
// peers, at its own revision. One that is alone with what it holds does not start.
import { KvError } from "../base/index.ts";
import type { MonotonicMs, NodeId, Revision } from "../base/index.ts";
import { membersOf } from "../consensus/index.ts";
import type { KeysQuestion } from "../rpc/index.ts";
import type { DiskFailure, StateHash } from "../store/index.ts";
import { verdictOf } from "./corruption-verdict.ts";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import type { Journal } from "./ports.ts";
import type { Replica } from "./replica.ts";
import type { StateHasher } from "./state-hasher.ts";

export interface InitialCheck {
  readonly replica: Pick<Replica, "id" | "now" | "status" | "machine" | "stop">;
  readonly hasher: StateHasher;
  /** As in CorruptionWatch; undefined: no answer. */
  readonly askHash: (
    node: NodeId,
    question: KeysQuestion,
    done: (hash: StateHash | undefined) => void,
  ) => void;
  readonly signal: AbortSignal;
  readonly journal: Journal;
}

/** For the word of a peer, which may be starting itself. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 200;
/** For a hash of this member's own keys: it may be long, but not for ever. */
const OWN_HASH_MS = 600_000;

/** @throws {StartRefusal} corruptStore, the replica stopped, when this member differs from most of the others, or from the only other. */
export async function checkAgainstPeers(check: InitialCheck): Promise<void> {
  const { replica, journal } = check;
  const { revision, compacted, applied } = replica.machine;
  if (applied === 0) return;
  const members = membersOf(replica.status().config);
  const others = members.filter((node) => node !== replica.id);
  const question = { revision, compactRevision: compacted };
  const words = await Promise.all(others.map((node) => wordOf(check, node, question)));
  const prints: { readonly member: NodeId; readonly print: string }[] = [];
  for (const { node, hash } of words) {
    if (hash === undefined) continue;
    const own = await ownHash(check, { revision, compactRevision: hash.compactRevision });
    const equal = own !== undefined && own.hash === hash.hash;
    // By this member's own hash where they agree: each was compared as if compacted as far as both are.
    if (own !== undefined) prints.push({ member: node, print: equal ? "own" : String(hash.hash) });
  }
  const compared = prints.map(({ member }) => member);
  const about = { revision, compacted, compared };
  const all = [{ member: replica.id, print: "own" }, ...prints];
  const verdict = verdictOf(all, members.length);
  if (verdict.kind === "equal") {
    if (prints.length === 0) journal.warn("no peer's keys could be compared at this start", about);
    else journal.info("the keys are equal to those of the peers", about);
    return;
  }
  if (verdict.kind === "corrupt" && !verdict.members.includes(replica.id)) {
    journal.error("a peer differs from most members", { ...about, peers: verdict.members });
    return;
  }
  // Its log is closed behind a refusal: nothing may be written to it any more.
  const failure = await new Promise<DiskFailure | undefined>((resolve) => {
    replica.stop(resolve);
  });
  if (failure !== undefined) journal.warn("the state could not be written", { ...failure });
  throw new StartRefusal(
    ExitCode.corruptStore,
    `the keys here differ from those of the peers at revision ${revision}: remove this member, clear its data directory and add it again`,
  );
}

async function wordOf(
  check: InitialCheck,
  node: NodeId,
  question: KeysQuestion,
): Promise<{ readonly node: NodeId; readonly hash: StateHash | undefined }> {
  const untilMs = check.replica.now() + PATIENCE_MS;
  for (;;) {
    const hash = await new Promise<StateHash | undefined>((resolve) => {
      check.askHash(node, question, resolve);
    });
    const patient = check.replica.now() < untilMs && !check.signal.aborted;
    if (hash !== undefined || !patient) return { node, hash };
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function ownHash(
  { replica, hasher, signal, journal }: InitialCheck,
  question: { readonly revision: Revision; readonly compactRevision: Revision },
): Promise<StateHash | undefined> {
  const deadlineAtMs = (replica.now() + OWN_HASH_MS) as MonotonicMs;
  const result = await new Promise<StateHash | KvError>((resolve) => {
    hasher.hash({ ...question, scope: "keys" }, { deadlineAtMs, signal }, resolve);
  });
  if (!(result instanceof KvError)) return result;
  journal.warn("the own keys could not be hashed", { reason: result.message });
  return undefined;
}
