// When a region takes another's state, and whose (federation 10, 11; scenario 33).
import { describe, expect, test } from "@jest/globals";
import { documentOf } from "../test/federation/document.ts";
import { GoneBook, donorsOf } from "./bootstrap-need.ts";
import { originId, sequence } from "./dot.ts";
import type { OriginId, Sequence } from "./dot.ts";
import type { Report } from "./exchange-message.ts";
import type { Vector } from "./vector.ts";

const [A, B, C] = [originId(1), originId(2), originId(3)];

function vector(...counts: readonly number[]): Vector {
  const entries = counts.flatMap((count, at): (readonly [OriginId, Sequence])[] =>
    count === 0 ? [] : [[originId(at + 1), sequence(count)]],
  );
  return new Map(entries);
}

describe("what is lacked", () => {
  test("is what every neighbour that has it has refused, and no less", () => {
    const book = new GoneBook();
    const neighbours = [
      { origin: B, vector: vector(9, 9) },
      { origin: C, vector: vector(4, 9) },
    ];
    expect(book.lacked(vector(3, 9), neighbours)).toEqual([]);
    book.note(A, B, 6);
    expect(book.lacked(vector(3, 9), neighbours)).toEqual([]);
    book.note(A, C, 5);
    expect(book.lacked(vector(3, 9), neighbours)).toEqual([A]);
    // The one that refused and is not reached has no say; one that is reached and may have it has.
    expect(book.lacked(vector(4, 9), neighbours)).toEqual([A]);
    book.forget(B);
    expect(book.lacked(vector(4, 9), neighbours)).toEqual([]);
  });

  test("is lacked no more once it is applied", () => {
    const book = new GoneBook();
    book.note(A, B, 6);
    const neighbours = [{ origin: B, vector: vector(9, 9) }];
    expect(book.lacked(vector(4, 0), neighbours)).toEqual([A]);
    expect(book.lacked(vector(5, 0), neighbours)).toEqual([]);
    expect(book.lacked(vector(4, 0), neighbours)).toEqual([]);
  });
});

describe("a donor", () => {
  const config = documentOf([{ name: "a" }, { name: "b" }, { name: "c" }], { epoch: 5 });
  const question = { config, self: A, standing: vector(2, 1, 1) };
  const report = (origin: OriginId, epoch: number, of: Vector): Report => ({
    origin,
    epoch,
    vector: of,
  });
  const names = (lacked: readonly OriginId[], reports: readonly Report[]): readonly string[] =>
    donorsOf({ ...question, lacked, reports }).map(({ name }) => name);

  test("has what is lacked; the one that has all that is here comes first, then the one that has most", () => {
    expect(names([B], [report(B, 5, vector(1, 9, 9)), report(C, 5, vector(2, 3, 1))])).toEqual([
      "c",
      "b",
    ]);
    expect(names([B], [report(B, 5, vector(2, 9, 9)), report(C, 5, vector(2, 3, 1))])).toEqual([
      "b",
      "c",
    ]);
    expect(names([B], [report(B, 5, vector(2, 1, 9)), report(C, 5, vector(2, 3, 1))])).toEqual([
      "c",
    ]);
    expect(names([], [report(A, 5, vector(2, 3, 1))])).toEqual([]);
  });

  test("has logged the admission, is live and is not being closed", () => {
    const [a, b, c] = config.members;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three members");
    const all = [report(B, 4, vector(2, 9, 1)), report(C, 3, vector(2, 9, 1))];
    const at = (
      members: typeof config.members,
      rest: Partial<typeof config> = {},
    ): readonly string[] =>
      donorsOf({
        ...question,
        config: { ...config, members, ...rest },
        lacked: [B],
        reports: all,
      }).map(({ name }) => name);
    expect(at([{ ...a, admitted: 4 }, b, c])).toEqual(["b"]);
    expect(at([a, { ...b, live: false }, c])).toEqual(["c"]);
    const closing = [{ region: "b", then: "part" as const }];
    const freeze = { epoch: 5, closing, origins: [B], reports: [] };
    expect(at([a, b, c], { freeze })).toEqual(["c"]);
  });
});
