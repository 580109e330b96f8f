// Every entry that anybody ever wrote, by index and epoch: whoever holds one under the same name holds the
// same content behind the same predecessor (Raft Fig. 3, Log Matching).
import type { Entry, Epoch } from "../../consensus/index.ts";
import { fingerprint } from "./trace.ts";

interface Known {
  readonly entry: Entry;
  readonly print: string;
  readonly termBefore: number;
}

export class KnownEntries {
  readonly #byName = new Map<string, Known>();

  find(index: number, epoch: Epoch): Entry | undefined {
    return this.#byName.get(nameOf(index, epoch))?.entry;
  }

  note(entry: Entry, termBefore: number): "new" | "same" | "different" {
    const name = nameOf(entry.index, entry.epoch);
    const known = this.#byName.get(name);
    if (known === undefined) {
      this.#byName.set(name, { entry, print: fingerprint(entry), termBefore });
      return "new";
    }
    const same = known.entry === entry || known.print === fingerprint(entry);
    return same && known.termBefore === termBefore ? "same" : "different";
  }
}

export function nameOf(index: number, { config, round, node }: Epoch): string {
  return `${index}.${config}.${round}.${node}`;
}

export function epochText({ config, round, node }: Epoch): string {
  return node === 0 ? `term ${round}` : `ballot ${config}.${round}.${node}`;
}
