// The thread that runs custom handlers, as it is compiled: it answers in order, outlives what it is asked, and is
// replaced when a question does not come back (federation 8, scenario 26).
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { HandlerThread } from "../../server/handler-thread.ts";
import type { HandlerAnswer } from "../../server/handler-question.ts";

const SCRIPT = join(__dirname, "..", "..", "dist", "server", "handler-worker.js");
/** Longer than a thread takes to begin on a busy machine, for all but the one that is to be late. */
const WAIT_MS = 30_000;
const threads: HandlerThread[] = [];

afterEach(() => {
  for (const thread of threads.splice(0)) thread.close();
});

function open(waitMs = WAIT_MS, script = SCRIPT): HandlerThread {
  const onBug = (bug: unknown): void => {
    throw bug;
  };
  const thread = new HandlerThread({ script, waitMs, onBug });
  threads.push(thread);
  return thread;
}

function ask(thread: HandlerThread, code: string): Promise<HandlerAnswer> {
  const source = `function resolve(key, siblings) { ${code} }`;
  return new Promise((resolve) => {
    thread.ask({ source, key: Buffer.from("k"), values: [Buffer.from("v"), undefined] }, resolve);
  });
}

function text(answer: HandlerAnswer): string {
  const isValue = "action" in answer && answer.action === "value";
  return isValue ? Buffer.from(answer.value).toString() : JSON.stringify(answer);
}

test("questions are answered in order, whatever became of those before", async () => {
  const thread = open();
  const answers = await Promise.all([
    ask(thread, "return 'one';"),
    ask(thread, "for (;;) {}"),
    ask(thread, "const all = []; for (;;) all.push(new Array(10000).fill(all));"),
    ask(thread, "return Function('return this')().process === undefined ? 'alone' : 'free';"),
    ask(thread, "return 'x'.repeat(1024 * 1024);"),
    ask(thread, "return null;"),
  ]);
  expect(answers.map(text).map((answer) => answer.slice(0, 60))).toEqual([
    "one",
    '{"fault":"looped","why":"it does not end"}',
    '{"fault":"memory","why":"it uses more than 32 MiB"}',
    "alone",
    "x".repeat(60),
    '{"action":"delete"}',
  ]);
});

test("a thread that is late is ended, and the next question has another", async () => {
  const thread = open(1);
  expect(await ask(thread, "return 'in time?';")).toMatchObject({ fault: "slow" });
  expect(await ask(thread, "return 'in time?';")).toMatchObject({ fault: "slow" });
});

test("without its program there is no thread, which is nobody's fault but the machine's", async () => {
  const thread = open(WAIT_MS, join(__dirname, "no-such-program.js"));
  expect(await ask(thread, "return 'one';")).toMatchObject({
    fault: "absent",
    why: expect.stringMatching(/Cannot find module/),
  });
});
