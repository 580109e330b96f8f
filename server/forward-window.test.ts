import { describe, expect, test } from "@jest/globals";
import type { BootNonce, NodeId } from "../base/index.ts";
import { ForwardWindow } from "./forward-window.ts";

const a = 1 as NodeId;
const b = 2 as NodeId;
const boot1 = 11n as BootNonce;
const boot2 = 22n as BootNonce;

describe("a forwarded proposal is admitted once", () => {
  test("duplicates are refused, other nodes and counters are not", () => {
    const window = new ForwardWindow();
    expect(window.admit(a, { boot: boot1, counter: 1 })).toBe(true);
    expect(window.admit(a, { boot: boot1, counter: 1 })).toBe(false);
    expect(window.admit(a, { boot: boot1, counter: 3 })).toBe(true);
    expect(window.admit(a, { boot: boot1, counter: 2 })).toBe(true);
    expect(window.admit(b, { boot: boot1, counter: 1 })).toBe(true);
  });

  test("boots are told apart, whichever is heard first: a late message silences nobody", () => {
    const window = new ForwardWindow();
    expect(window.admit(a, { boot: boot2, counter: 1 })).toBe(true);
    expect(window.admit(a, { boot: boot1, counter: 5 })).toBe(true);
    expect(window.admit(a, { boot: boot2, counter: 2 })).toBe(true);
    expect(window.admit(a, { boot: boot1, counter: 5 })).toBe(false);
    expect(window.admit(a, { boot: boot2, counter: 1 })).toBe(false);
  });

  test("of more boots than it remembers the longest unheard is forgotten", () => {
    const window = new ForwardWindow();
    for (let boot = 100n; boot < 200n; boot += 1n) {
      expect(window.admit(a, { boot: boot as BootNonce, counter: 1 })).toBe(true);
    }
    expect(window.admit(a, { boot: 199n as BootNonce, counter: 1 })).toBe(false);
    expect(window.admit(a, { boot: 150n as BootNonce, counter: 1 })).toBe(false);
    expect(window.admit(a, { boot: 100n as BootNonce, counter: 1 })).toBe(true);
  });

  test("each of many counters is admitted once, and those below the window never", () => {
    const window = new ForwardWindow();
    const countMax = 30_000;
    for (let counter = 1; counter <= countMax; counter += 1) {
      expect(window.admit(a, { boot: boot1, counter })).toBe(true);
    }
    for (const counter of [1, 100, countMax - 4096, countMax - 4095, countMax]) {
      expect(window.admit(a, { boot: boot1, counter })).toBe(false);
    }
  });
});
