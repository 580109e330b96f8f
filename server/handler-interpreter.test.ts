// What a hostile handler can do in its interpreter: nothing but answer, and be stopped (federation 8, scenario 26).
import { beforeAll, describe, expect, test } from "@jest/globals";
import { openInterpreter } from "./handler-interpreter.ts";
import type { HandlerInterpreter } from "./handler-interpreter.ts";
import { HANDLER_ANSWER_BYTES_MAX } from "./handler-question.ts";
import type { HandlerAnswer } from "./handler-question.ts";

const UNION = `
  function resolve(key, siblings) {
    const all = siblings.flatMap(({ value }) => (value === undefined ? [] : JSON.parse(value)));
    return JSON.stringify([...new Set(all)].sort());
  }`;

let run: HandlerInterpreter;

beforeAll(async () => {
  run = await openInterpreter();
});

type Value = string | Uint8Array | undefined;

function ask(source: string, ...values: readonly Value[]): HandlerAnswer {
  const bytes = values.map((value) => (typeof value === "string" ? Buffer.from(value) : value));
  return run({ source, key: Buffer.from("carts/7"), values: bytes });
}

/** The body of `resolve`, asked about two siblings. */
function body(code: string): HandlerAnswer {
  return ask(`function resolve(key, siblings) { ${code} }`, "one", "two");
}

function text(answer: HandlerAnswer): string | undefined {
  const isValue = "action" in answer && answer.action === "value";
  return isValue ? Buffer.from(answer.value).toString() : undefined;
}

describe("a handler", () => {
  test("makes a value of what it is given, deletes or keeps", () => {
    expect(text(ask(UNION, '["tea"]', '["milk","tea"]', undefined))).toBe('["milk","tea"]');
    expect(text(body("return key;"))).toBe("carts/7");
    expect(body("return null;")).toEqual({ action: "delete" });
    expect(body("")).toEqual({ action: "keep" });
    expect(text(ask("const resolve = () => 'declared in any way';", "a", "b"))).toMatch(/any way/);
  });

  test("is given text as text, other bytes as bytes, a delete as one; no byte is special", () => {
    const seen = "return siblings.map((one) => Object.keys(one) + typeof one.value).sort().join();";
    const source = `function resolve(key, siblings) { ${seen} }`;
    const raw = Uint8Array.of(0xff, 0, 0x80);
    expect(text(ask(source, "t", raw, undefined))).toBe(
      "deleted,bytesundefined,deleted,valuestring,deletedundefined",
    );
    const first = "function resolve(key, [{ value, bytes }]) { return value ?? bytes; }";
    for (const value of ["a\0b\ufeff\u2028\u{1f600}", "\ufeffbom", '"\\', "", raw]) {
      const answer = ask(first, value);
      const made = "action" in answer && answer.action === "value" ? answer.value : undefined;
      expect(made).toEqual(new Uint8Array(Buffer.from(value)));
    }
  });

  test.each([
    ["a number", "return 7;", /is of type number; expected text/],
    ["an object", "return { value: 'x' };", /is of type object/],
    ["a promise", "return Promise.resolve('x');", /is of type object/],
    ["more than a value may be", `return "x".repeat(${HANDLER_ANSWER_BYTES_MAX + 1});`, /1048577/],
  ])("that answers %s is told so", (_, code, why) => {
    expect(body(code)).toMatchObject({ fault: "answer", why: expect.stringMatching(why) });
  });

  test.each([
    ["of async", "async function resolve() { return 'x'; }", "answer"],
    ["without resolve", "function other() {}", "source"],
    ["that is no JavaScript", "function resolve( {", "threw"],
    ["that imports", "import fs from 'fs'; function resolve() {}", "threw"],
  ])("%s is none", (_, source, fault) => {
    expect(ask(source, "one", "two")).toMatchObject({ fault });
  });
});

describe("a hostile handler", () => {
  test.each([
    ["loops", "for (;;) {}"],
    ["loops and catches", "for (;;) { try { for (;;) {} } catch {} }"],
    ["loops in an expression", "return /(a+)+b/.test('a'.repeat(64)) ? 'x' : 'y';"],
    ["loops in a getter of what it throws", "throw { get message() { for (;;) {} } };"],
    ["sorts for ever", "return [...'ab'].sort(() => { for (;;) {} }).join('');"],
  ])("%s: its fuel ends", (_, code) => {
    expect(body(code)).toEqual({ fault: "looped", why: "it does not end" });
  });

  test.each([
    ["arrays", "const all = []; for (;;) all.push(new Array(10000).fill(all));"],
    ["a string", "let all = 'x'; for (;;) all += all;"],
    ["a buffer", "return new Uint8Array(1e9);"],
  ])("fills memory with %s: it is refused, and the next question is answered", (_, code) => {
    expect(body(code)).toMatchObject({ fault: expect.stringMatching(/^(?:memory|threw)$/) });
    expect(text(ask(UNION, "[1]", "[2]"))).toBe("[1,2]");
  });

  test("calls itself without end: that is an error of its own", () => {
    expect(body("return resolve(key, siblings);")).toMatchObject({
      fault: "threw",
      why: expect.stringMatching(/stack overflow/),
    });
  });

  test("finds nothing of the process, no clock, no chance, no locale (trap 8)", () => {
    const names = [
      "process",
      "require",
      "module",
      "globalThis.fetch",
      "setTimeout",
      "Date",
      "Intl",
    ];
    const more = ["console", "performance", "Math.random", "WebAssembly", "std", "os", "Buffer"];
    for (const name of [...names, ...more]) {
      expect(text(body(`return typeof ${name};`))).toBe("undefined");
    }
    const ways = [
      "return this.constructor.constructor('return typeof process')();",
      "return siblings.constructor.constructor('return typeof process')();",
      "try { null.x } catch (e) { return e.constructor.constructor('return typeof process')(); }",
      "return Function('return typeof require')();",
    ];
    for (const way of ways) expect(text(body(way))).toBe("undefined");
    expect(body("import('fs').then((fs) => fs.rmSync('/'));")).toEqual({ action: "keep" });
  });

  test("spoils its own prototypes, and nobody else's", () => {
    const spoils = `
      Object.prototype.action = "value"; Object.prototype.text = "poison";
      Array.prototype.map = () => [{ value: "poison" }]; JSON.parse = () => "poison";
      JSON.stringify = () => "poison"; String.prototype.charCodeAt = () => 0;
      globalThis.kept = "poison";`;
    body(spoils);
    expect(text(ask(UNION, '["a"]', '["b"]'))).toBe('["a","b"]');
    expect(text(body("return typeof kept + typeof {}.action;"))).toBe("undefinedundefined");
    expect(({} as { action?: string }).action).toBeUndefined();
  });

  test("changes its answers: by counting, by the order, by what it keeps", () => {
    const counts = "let count = 0; function resolve() { return String((count += 1)); }";
    expect(ask(counts, "one", "two")).toMatchObject({ fault: "changed" });
    expect(body("return siblings[0].value;")).toMatchObject({ fault: "changed" });
    expect(body("return globalThis.seen ? null : (globalThis.seen = 'x');")).toMatchObject({
      fault: "changed",
    });
  });
});
