// "Did you mean": the nearest known name to a mistyped one, for messages only.

/** Names further apart than this share of their length are not worth suggesting. */
const DISTANCE_SHARE_MAX = 1 / 3;

/** The known name nearest to `name` by edit distance, if one is near enough. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let nearestDistance = Math.max(1, Math.floor(name.length * DISTANCE_SHARE_MAX)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

/** Edits between two names, one row at a time: a letter added, dropped or replaced, or two swapped. */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let at = 0; at < left.length; at += 1) {
    const next = [at + 1];
    for (let column = 0; column < right.length; column += 1) {
      const replaced = (row[column] ?? 0) + (left[at] === right[column] ? 0 : 1);
      const removed = (row[column + 1] ?? 0) + 1;
      const added = (next[column] ?? 0) + 1;
      const isSwap = left[at] === right[column - 1] && left[at - 1] === right[column];
      const swapped = isSwap ? (before[column - 1] ?? Infinity) + 1 : Infinity;
      next.push(Math.min(replaced, removed, added, swapped));
    }
    before = row;
    row = next;
  }
  return row[right.length] ?? 0;
}
