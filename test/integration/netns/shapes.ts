// Partitions as data: which member does not hear which. Everything that is not named is heard.

/** Packets from `from` do not arrive at `at`. */
export interface Deafness {
  readonly from: string;
  readonly at: string;
}

type Names = readonly string[];

function pairs(from: Names, at: Names): Deafness[] {
  return from.flatMap((sender) => at.map((receiver) => ({ from: sender, at: receiver })));
}

/** Two sides that hear nothing of each other. */
export function apart(one: Names, other: Names): Deafness[] {
  return [...pairs(one, other), ...pairs(other, one)];
}

/** `name` hears none of the others; they hear it. */
export function deaf(name: string, all: Names): Deafness[] {
  return pairs(without(all, name), [name]);
}

/** None of the others hears `name`; it hears them. */
export function mute(name: string, all: Names): Deafness[] {
  return pairs([name], without(all, name));
}

/** Everybody has a way to `hub`, and to nobody else. */
export function star(hub: string, all: Names): Deafness[] {
  const rim = without(all, hub);
  return rim.flatMap((name) => pairs([name], without(rim, name)));
}

export function without(all: Names, ...names: Names): string[] {
  return all.filter((name) => !names.includes(name));
}
