// What a client is told of a federated key beside what it is shown: the writes that no other dominates, and the context
// that resolves them (federation 5, 9). Of a register, the writes that it holds.
import { hlcMs } from "../base/index.ts";
import type { Hlc, Key } from "../base/index.ts";
import { emptyState, hydrated, regionOf, regionStateOf, rightsOf } from "../federation/index.ts";
import type { Dot, KindName, KindState, RegionState } from "../federation/index.ts";
import type { KeySiblings, ShownSibling } from "../rpc/index.ts";
import type { Machine, RangeResponse, Refusal } from "../store/index.ts";

/** For a read that brings them: taken in its moment, of the very state that it reads. */
export class SiblingsAsked {
  readonly #key: Key;
  #taken: SiblingsOf | undefined;

  constructor(key: Key) {
    this.#key = key;
  }

  /** Again for each attempt of the read; what it returns refuses it. */
  capture(machine: Machine): Refusal | undefined {
    const state = regionStateOf(machine);
    this.#taken = state && siblingsIn(state, this.#key);
    if (this.#taken !== undefined) return undefined;
    const message = "hansa: the key is of no federated prefix, and has no siblings";
    return { kind: "refused", code: "federation-refused", message };
  }

  of({ kvs }: RangeResponse): KeySiblings | undefined {
    return this.#taken?.(kvs[0]?.value);
  }
}

/** Given what is shown of the key, which the read brings; of the state at the moment it was made. */
type SiblingsOf = (shown: Uint8Array | undefined) => KeySiblings;

interface Write {
  readonly dot: Dot;
  readonly hlc: Hlc;
  readonly value?: Uint8Array;
}

/** Undefined: the key is of no federated prefix. */
export function siblingsIn(state: RegionState, key: Key): SiblingsOf | undefined {
  const { config, self, rules } = state;
  const policy = rules.policyOf(key);
  if (policy === undefined || config === undefined) return undefined;
  const { siblings, kinds } = state.recordOf(key);
  const context = state.siblingContextOf(key);
  const kind = policy.kind === undefined ? undefined : kindIn(kinds, policy.kind);
  const rights = kind?.kind === "bounded-counter" && self ? rightsOf(kind, self.origin) : 0n;
  return (shown) => {
    const kept = hydrated(siblings, () => shown ?? new Uint8Array(0));
    const writes: readonly Write[] = kind === undefined ? kept : writesIn(kind);
    return {
      policy: policy.policy,
      kind: policy.kind ?? "",
      siblings: writes.map((write) => shownOf(write, regionOf(config, write.dot.origin) ?? "")),
      context,
      rights,
    };
  };
}

function kindIn(kinds: readonly KindState[], name: KindName): KindState {
  return kinds.find(({ kind }) => kind === name) ?? emptyState(name);
}

function writesIn(state: KindState): readonly Write[] {
  return state.kind === "register" ? state.writes : [];
}

function shownOf({ dot, hlc, value }: Write, region: string): ShownSibling {
  const common = { dot, region, wallMs: hlcMs(hlc) };
  if (value === undefined) return { ...common, valueBytes: 0 };
  return { ...common, value, valueBytes: value.length };
}
