// The names a document may use for policies and kinds, as lists; the compiler holds them equal to the types.
import type { PolicyName } from "./config.ts";
import type { KindName } from "./kind.ts";

export const POLICY_NAMES = Object.keys({
  lww: true,
  "first-writer": true,
  priority: true,
  "home-wins": true,
  "add-wins": true,
  "delete-wins": true,
  merge: true,
  siblings: true,
  resolver: true,
} satisfies Record<PolicyName, true>) as readonly PolicyName[];

export const KIND_NAMES = Object.keys({
  counter: true,
  "bounded-counter": true,
  set: true,
  map: true,
  register: true,
  flag: true,
} satisfies Record<KindName, true>) as readonly KindName[];

export function isPolicyName(text: string): text is PolicyName {
  return (POLICY_NAMES as readonly string[]).includes(text);
}

export function isKindName(text: string): text is KindName {
  return (KIND_NAMES as readonly string[]).includes(text);
}
