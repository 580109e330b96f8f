// Passwords and their bcrypt hashes, off the event loop: a bounded number at a time, for they share libuv's threads
// with the disks, and a bounded number that wait. Whether a user exists does not show in how long it takes.
import { compare, hash } from "bcrypt";
import { KvError } from "../base/index.ts";

/** Threads at a time, of those that thread-pool.ts makes. */
const RUNNING_MAX = 2;
const WAITING_MAX = 128;
/** bcrypt looks at no more: longer ones would be right by their beginning alone. */
const PASSWORD_BYTES_MAX = 72;

type Job = () => Promise<void>;

export class PasswordHashing {
  readonly #cost: number;
  #running = 0;
  readonly #waiting: Job[] = [];
  /** Of no password: what that of an unknown user is compared with. */
  #nobodys: string | undefined;

  /** `cost`: etcd's --bcrypt-cost. */
  constructor(cost: number) {
    this.#cost = cost;
  }

  hash(password: string, done: (result: string | KvError) => void): void {
    const bytes = Buffer.byteLength(password);
    if (bytes > PASSWORD_BYTES_MAX) {
      const text = `hansa: a password has ${bytes} bytes; expected at most ${PASSWORD_BYTES_MAX}`;
      done(new KvError("invalid-argument", "not-applied", text));
      return;
    }
    this.#run(done, () => hash(password, this.#cost));
  }

  /** `passwordHash` undefined or empty: there is no such user, or none that has a password; it is wrong. */
  matches(
    password: string,
    passwordHash: string | undefined,
    done: (result: boolean | KvError) => void,
  ): void {
    const known = passwordHash !== undefined && passwordHash !== "";
    const bounded = Buffer.byteLength(password) <= PASSWORD_BYTES_MAX;
    this.#run(done, async () => {
      this.#nobodys ??= await hash("", this.#cost);
      const right = await compare(password, known ? passwordHash : this.#nobodys);
      return right && known && bounded;
    });
  }

  #run<T>(done: (result: T | KvError) => void, work: () => Promise<T>): void {
    if (this.#waiting.length >= WAITING_MAX) {
      done(new KvError("too-many-requests", "not-applied", "etcdserver: too many requests"));
      return;
    }
    this.#waiting.push(async () => {
      const result = await work().catch((cause: unknown) => {
        return new KvError("internal", "not-applied", "hansa: bcrypt failed", { cause });
      });
      this.#running -= 1;
      this.#next();
      done(result);
    });
    this.#next();
  }

  #next(): void {
    if (this.#running >= RUNNING_MAX) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    this.#running += 1;
    void job();
  }
}
