// A damaged log as its owner sees it (store/log.ts): what is lost by name, what is whole, and the way to a
// log that is whole again. Everything read is checked once more.
import { assert, crc32c, logIndex } from "../base/index.ts";
import type { LogIndex } from "../base/index.ts";
import { sameEpoch } from "../consensus/index.ts";
import type { Entry, Epoch } from "../consensus/index.ts";
import type { Disk, DiskDone, DiskFailure } from "./disk.ts";
import type { DamagedLog, LogFoundation, LogMending, LogOptions, LostEntry } from "./log.ts";
import { segmentName } from "./segment-file.ts";
import { entryPayload } from "./segment-frame.ts";
import { beginMending } from "./segment-mending.ts";
import { recordedOp } from "./segment-scan.ts";
import type { EntryPlace, LogSurvey } from "./segment-survey.ts";

export class SurveyedLog implements DamagedLog {
  readonly foundation: LogFoundation;
  readonly last: LogIndex;
  readonly lost: readonly LostEntry[] | undefined;
  readonly #disk: Disk;
  readonly #options: LogOptions;
  readonly #survey: LogSurvey;
  /** Ascending. */
  readonly #indexes: readonly number[];

  constructor(disk: Disk, options: LogOptions, survey: LogSurvey) {
    this.#disk = disk;
    this.#options = options;
    this.#survey = survey;
    this.#indexes = [...survey.places.keys()].sort((left, right) => left - right);
    this.foundation = survey.foundation;
    this.last = logIndex(this.#indexes.at(-1) ?? survey.foundation.meta.index);
    this.lost = survey.named ? this.#lost() : undefined;
  }

  #lost(): LostEntry[] {
    return this.#indexes.flatMap((index) => {
      const place = this.#survey.places.get(index);
      if (place === undefined || place.whole) return [];
      return [{ index: logIndex(index), epoch: place.record.epoch }];
    });
  }

  epochAt(index: LogIndex): Epoch | undefined {
    return this.#survey.places.get(index)?.record.epoch;
  }

  isLost(entry: Entry): boolean {
    const place = this.#survey.places.get(entry.index);
    if (place === undefined || place.whole) return false;
    if (this.#options.planted === "repair-of-another-epoch") return true;
    const { record } = place;
    return (
      sameEpoch(record.epoch, entry.epoch) &&
      record.crc === crc32c(entryPayload(entry), this.#survey.salt)
    );
  }

  /** One run of a segment's bytes, from the first payload to the last that follows it. */
  read(from: LogIndex, until: LogIndex, bytesMax: number, done: DiskDone<readonly Entry[]>): void {
    const run = this.#run(from, until, bytesMax);
    const [first] = run;
    if (first === undefined) {
      // Defers, so that `done` never comes inside the call.
      this.#disk.list((failure) => done(failure, []));
      return;
    }
    const name = segmentName(first.sequence);
    const base = first.record.from;
    // Slots need not lie in their order, and an empty one lies nowhere.
    const end = run.reduce((last, { record }) => Math.max(last, record.until), base);
    this.#disk.read(name, base, end - base, (failure, bytes) => {
      const entries: Entry[] = [];
      for (const { record } of failure === undefined ? run : []) {
        const payload = bytes.subarray(record.from - base, record.until - base);
        const op = recordedOp(record, payload, { ...this.#options, salt: this.#survey.salt });
        if (op?.op !== "put") break;
        entries.push(op.entry);
      }
      const readAgain = failure ?? (entries.length > 0 ? undefined : damage(name, base));
      done(readAgain, entries);
    });
  }

  #run(from: LogIndex, until: LogIndex, bytesMax: number): EntryPlace[] {
    const run: EntryPlace[] = [];
    for (let at = this.#positionOf(from); at < this.#indexes.length; at += 1) {
      const index = this.#indexes[at] ?? 0;
      const place = this.#survey.places.get(index);
      const [first] = run;
      if (place === undefined || !place.whole || index >= until) break;
      const follows =
        first === undefined ||
        (first.sequence === place.sequence && place.record.from >= first.record.from);
      if (!follows) break;
      if (first !== undefined && place.record.until - first.record.from > bytesMax) break;
      run.push(place);
    }
    return run;
  }

  /** Of the lowest index that is at least `from`. */
  #positionOf(from: LogIndex): number {
    let low = 0;
    let high = this.#indexes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#indexes[middle] ?? 0) >= from) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  mend(foundation: LogFoundation, done: DiskDone<LogMending>): void {
    const { salt, sequenceLast, generation } = this.#survey;
    assert(foundation.meta.config.incoming.length > 0, "a mended log knows its configuration");
    beginMending(this.#disk, { salt, sequence: sequenceLast + 1, generation }, foundation, done);
  }

  close(done: (failure: DiskFailure | undefined) => void): void {
    this.#disk.close(done);
  }
}

function damage(name: string, offsetBytes: number): DiskFailure {
  return { kind: "corrupt", message: `log: ${name} at byte ${offsetBytes}, read again: damaged` };
}
