// Keys that are more than bytes: counters, sets, maps, registers, flags (federation 9). The prefix fixes the kind; an
// operation of another kind is refused where it is made.

export type KindName = "counter" | "bounded-counter" | "set" | "map" | "register" | "flag";

/** Numbers are 64-bit and saturate; never a JavaScript number. */
export type KindOperation =
  | { readonly kind: "counter"; readonly add: bigint }
  | { readonly kind: "flag"; readonly enabled: boolean };
