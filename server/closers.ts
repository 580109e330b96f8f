// What a server has opened, in order, and how to close it: each once, the last opened first, whether the
// start failed half-way or the server stops.

type Close = (done: (failure: { readonly message: string } | undefined) => void) => void;

export class Closers {
  readonly #stack: { readonly name: string; readonly close: Close }[] = [];

  add(name: string, close: Close): void {
    this.#stack.push({ name, close });
  }

  /** Closes everything. @returns what failed; the rest is closed all the same. */
  async closeAll(): Promise<readonly string[]> {
    const failures: string[] = [];
    for (let top = this.#stack.pop(); top !== undefined; top = this.#stack.pop()) {
      const { name, close } = top;
      await new Promise<void>((resolve) => {
        close((failure) => {
          if (failure !== undefined) failures.push(`${name}: ${failure.message}`);
          resolve();
        });
      });
    }
    return failures;
  }
}
