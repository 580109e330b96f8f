// Half-open ranges of keys, and which of them hold a key: a treap by (from, until), each node with the
// furthest end below it, so that a look-up costs what it finds and a logarithm.
import { Mulberry32, assert } from "../base/index.ts";
import type { Key } from "../base/index.ts";

interface Node<T> {
  readonly from: Key;
  readonly until: Key;
  readonly value: T;
  readonly priority: number;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
  /** The greatest `until` of this node and those below it. */
  furthest: Key;
}

export class IntervalTree<T> {
  /** Only the shape depends on it, and the shape decides nothing. */
  readonly #random = new Mulberry32(0);
  #root: Node<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(from: Key, until: Key): T | undefined {
    let node = this.#root;
    while (node !== undefined) {
      const order = compare(from, until, node);
      if (order === 0) return node.value;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** `[from, until)` is not there yet. */
  add(from: Key, until: Key, value: T): void {
    assert(this.get(from, until) === undefined, "a range is added once");
    const priority = this.#random.u32();
    const added = { from, until, value, priority, left: undefined, right: undefined };
    this.#root = insert(this.#root, { ...added, furthest: until });
    this.#size += 1;
  }

  /** `[from, until)` is there. */
  remove(from: Key, until: Key): void {
    assert(this.get(from, until) !== undefined, "only a range that is there is removed");
    this.#root = without(this.#root, from, until);
    this.#size -= 1;
  }

  /** Calls `onRange` with the value of each range that holds `key`, in the order of their starts. */
  stab(key: Key, onRange: (value: T) => void): void {
    stab(this.#root, key, onRange);
  }

  each(onRange: (value: T) => void): void {
    each(this.#root, onRange);
  }
}

function stab<T>(node: Node<T> | undefined, key: Key, onRange: (value: T) => void): void {
  if (node === undefined || node.furthest <= key) return;
  stab(node.left, key, onRange);
  if (node.from > key) return;
  if (key < node.until) onRange(node.value);
  stab(node.right, key, onRange);
}

function each<T>(node: Node<T> | undefined, onRange: (value: T) => void): void {
  if (node === undefined) return;
  each(node.left, onRange);
  onRange(node.value);
  each(node.right, onRange);
}

function insert<T>(node: Node<T> | undefined, added: Node<T>): Node<T> {
  if (node === undefined) return added;
  if (added.priority > node.priority) {
    [added.left, added.right] = split(node, added);
    return measured(added);
  }
  if (compare(added.from, added.until, node) < 0) node.left = insert(node.left, added);
  else node.right = insert(node.right, added);
  return measured(node);
}

/** What comes before `at`, and what after it. */
function split<T>(
  node: Node<T> | undefined,
  at: Node<T>,
): [Node<T> | undefined, Node<T> | undefined] {
  if (node === undefined) return [undefined, undefined];
  if (compare(at.from, at.until, node) < 0) {
    const [before, after] = split(node.left, at);
    node.left = after;
    return [before, measured(node)];
  }
  const [before, after] = split(node.right, at);
  node.right = before;
  return [measured(node), after];
}

function without<T>(node: Node<T> | undefined, from: Key, until: Key): Node<T> | undefined {
  if (node === undefined) return undefined;
  const order = compare(from, until, node);
  if (order === 0) return merged(node.left, node.right);
  if (order < 0) node.left = without(node.left, from, until);
  else node.right = without(node.right, from, until);
  return measured(node);
}

/** All of `before` comes before all of `after`. */
function merged<T>(before: Node<T> | undefined, after: Node<T> | undefined): Node<T> | undefined {
  if (before === undefined) return after;
  if (after === undefined) return before;
  if (before.priority > after.priority) {
    before.right = merged(before.right, after);
    return measured(before);
  }
  after.left = merged(before, after.left);
  return measured(after);
}

function measured<T>(node: Node<T>): Node<T> {
  let furthest = node.until;
  if (node.left !== undefined && node.left.furthest > furthest) furthest = node.left.furthest;
  if (node.right !== undefined && node.right.furthest > furthest) furthest = node.right.furthest;
  node.furthest = furthest;
  return node;
}

function compare<T>(from: Key, until: Key, node: Node<T>): number {
  if (from !== node.from) return from < node.from ? -1 : 1;
  if (until === node.until) return 0;
  return until < node.until ? -1 : 1;
}
