// The program of the thread that runs custom handlers: questions come as messages, and so do the answers, in order.
import { parentPort } from "node:worker_threads";
import { present } from "../base/index.ts";
import { openInterpreter } from "./handler-interpreter.ts";
import { HANDLER_THREAD_READY } from "./handler-question.ts";
import type { HandlerTask } from "./handler-question.ts";

const port = present(parentPort, "the port of a worker thread");

openInterpreter().then(
  (run) => {
    port.on("message", (task: HandlerTask) => {
      port.postMessage(run(task));
    });
    port.postMessage(HANDLER_THREAD_READY);
  },
  (cause: unknown) => {
    setImmediate(() => {
      throw cause;
    });
  },
);
