// The TLS files of one port, kept up to date: looked at once a second, taken over when all of them are right
// together. While they are not, what was loaded before stays in use, and the log says so.
import { stat } from "node:fs/promises";
import { ExitCode, StartRefusal } from "./exit-code.ts";
import type { Journal } from "./ports.ts";
import { loadTlsMaterial } from "./tls-material.ts";
import type { TlsFiles, TlsMaterial, TlsRules } from "./tls-material.ts";

const LOOK_MS = 1_000;
/** A change that stays broken is told of again this often. */
const REMIND_MS = 60 * 60 * 1_000;

export interface TlsKeeperInit {
  readonly files: TlsFiles;
  readonly rules: TlsRules;
  readonly journal: Journal;
  readonly onBug: (bug: unknown) => void;
}

export class TlsKeeper {
  readonly #init: TlsKeeperInit;
  readonly #listeners: ((material: TlsMaterial) => void)[] = [];
  #material: TlsMaterial;
  /** What the files looked like when they were loaded, or when they could not be. */
  #seen: string;
  #brokenSinceMs: number | undefined;
  #toldAtMs: number | undefined;
  #generation = 1;
  #timer: NodeJS.Timeout | undefined;

  private constructor(init: TlsKeeperInit, material: TlsMaterial, seen: string) {
    this.#init = init;
    this.#material = material;
    this.#seen = seen;
    this.#warn();
    this.#watch();
  }

  /** @throws {StartRefusal} badConfiguration, when the files cannot be used. */
  static async open(init: TlsKeeperInit): Promise<TlsKeeper> {
    const seen = await looksOf(init.files);
    try {
      return new TlsKeeper(init, await loadTlsMaterial(init.files, init.rules), seen);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new StartRefusal(ExitCode.badConfiguration, reason, { cause });
    }
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** Grows with every change that is taken over. */
  get generation(): number {
    return this.#generation;
  }

  /** Called with what is in force from here on. What it throws keeps what was before. */
  onRenewed(listener: (material: TlsMaterial) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #watch(): void {
    this.#timer = setTimeout(() => {
      this.#look().then(() => {
        if (this.#timer !== undefined) this.#watch();
      }, this.#init.onBug);
    }, LOOK_MS).unref();
  }

  async #look(): Promise<void> {
    const { files, rules, journal } = this.#init;
    const looks = await looksOf(files);
    if (looks === this.#seen && this.#brokenSinceMs === undefined) return;
    try {
      const material = await loadTlsMaterial(files, rules);
      for (const listener of this.#listeners) listener(material);
      this.#material = material;
    } catch (cause) {
      this.#onBroken(cause instanceof Error ? cause.message : String(cause), looks);
      return;
    }
    this.#generation += 1;
    this.#seen = looks;
    this.#brokenSinceMs = undefined;
    this.#toldAtMs = undefined;
    journal.info("certificates loaded anew; handshakes use them from here on", {
      files: pathsOf(files),
      ...shownOf(this.#material),
    });
    this.#warn();
  }

  /** Files are replaced one after the other: what is still wrong at the next look is wrong. */
  #onBroken(reason: string, looks: string): void {
    const nowMs = performance.now();
    const isStill = looks === this.#seen;
    this.#seen = looks;
    this.#brokenSinceMs ??= nowMs;
    if (!isStill) this.#toldAtMs = undefined;
    const isDue = this.#toldAtMs === undefined || nowMs - this.#toldAtMs >= REMIND_MS;
    if (!isStill || !isDue) return;
    this.#toldAtMs = nowMs;
    this.#init.journal.error("certificates have changed and cannot be used: those before stay", {
      reason,
      ...shownOf(this.#material),
    });
  }

  #warn(): void {
    for (const warning of this.#material.warnings) this.#init.journal.warn(warning, {});
  }
}

function pathsOf(files: TlsFiles): string[] {
  return [files.cert, files.key, files.ca, files.crl].flatMap(({ path }) =>
    path === "" ? [] : [path],
  );
}

/** Of what is in use; nothing of it is secret. */
function shownOf({ certificate }: TlsMaterial): Readonly<Record<string, unknown>> {
  if (certificate === undefined) return {};
  const { serialNumber, validTo } = certificate;
  return { serialNumber, validTo };
}

/** Times, sizes and places on the disk: a file that is replaced by a rename, or by a link, differs. */
async function looksOf(files: TlsFiles): Promise<string> {
  const looks = await Promise.all(
    pathsOf(files).map(async (path) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(path);
        return [ino, size, mtimeMs, ctimeMs].join();
      } catch (cause) {
        return cause instanceof Error ? cause.message : String(cause);
      }
    }),
  );
  return looks.join(";");
}
