// A queue on an array with a moving head: shifting a long array would cost its length each time.

export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest, which stays. */
  peek(): T | undefined {
    return this.#items[this.#head];
  }

  /** The oldest, removed; undefined when empty. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The youngest, removed; undefined when empty. */
  pop(): T | undefined {
    return this.size === 0 ? undefined : this.#items.pop();
  }
}
