// `--watch`: in place on a terminal, one below the other elsewhere, until it is interrupted; a failure does not end it.
import { describe, expect, test } from "@jest/globals";
import { run } from "../../cli/program.ts";
import type { Stdio } from "../../cli/stdio.ts";

/** Interrupts after the frame in which `text` has come for the n-th time. */
function lent(options: { isTerminal: boolean; text: string; times: number }): {
  stdio: Stdio;
  printed: string[];
} {
  const printed: string[] = [];
  const interruption = new AbortController();
  const stdio: Stdio = {
    readInput: () => Promise.resolve(new Uint8Array()),
    out: (bytes) => {
      printed.push(Buffer.from(bytes).toString());
      const seen = printed.filter((part) => part.includes(options.text)).length;
      if (seen === options.times) interruption.abort();
    },
    err: (text) => printed.push(`stderr: ${text}`),
    env: {},
    terminal: { out: options.isTerminal, err: options.isTerminal, columns: 100 },
    interrupted: () => interruption.signal,
  };
  return { stdio, printed };
}

/** Nobody listens there. */
const NOWHERE = ["--endpoints", "127.0.0.1:1", "--timeout", "200ms"];

describe("--watch", () => {
  test("on a terminal every frame is drawn over the one before, the screen cleared once", async () => {
    const { stdio, printed } = lent({ isTerminal: true, text: "UNAVAILABLE", times: 2 });
    expect(await run([...NOWHERE, "member", "list", "--watch", "200ms"], stdio)).toBe(0);
    expect(printed).toHaveLength(2);
    expect(printed[0]).toMatch(/^\u001b\[2J\u001b\[H/);
    expect(printed[1]).toMatch(/^\u001b\[H/);
    for (const frame of printed) {
      expect(frame).toContain("every 0.2 s: hansa member list (Ctrl-C ends)");
      expect(frame).toMatch(/\u001b\[J$/);
    }
  });

  test("elsewhere frames follow each other, parted by an empty line", async () => {
    const { stdio, printed } = lent({ isTerminal: false, text: "Error: ", times: 3 });
    expect(await run([...NOWHERE, "lease", "list", "--watch", "200ms"], stdio)).toBe(0);
    expect(printed).toHaveLength(3);
    expect(printed[0]).toMatch(/^Error: UNAVAILABLE/);
    expect(printed[1]).toMatch(/^\nError: UNAVAILABLE/);
    expect(printed.join("")).not.toContain("\u001b");
  });

  test.each(["10ms", "2h", "soon"])("%s is no interval", async (span) => {
    const { stdio, printed } = lent({ isTerminal: false, text: "never", times: 1 });
    expect(await run(["member", "list", "--watch", span], stdio)).toBe(2);
    expect(printed.join("")).toMatch(/stderr: Error: .*--watch/);
  });
});
