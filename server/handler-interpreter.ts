// Runs a custom handler on one question, in an interpreter of its own: QuickJS, compiled to WebAssembly, which has no
// way to the process around it. Each question gets a new runtime, so nothing outlives it, and fuel, memory and stack
// are counted inside: what one region's handler runs into, every region's does (federation 8, trap 8).
import {
  DefaultIntrinsics,
  Scope,
  newQuickJSWASMModuleFromVariant,
  newVariant,
} from "quickjs-emscripten-core";
import type { QuickJSContext, QuickJSHandle, QuickJSWASMModule } from "quickjs-emscripten-core";
import variant from "@jitl/quickjs-wasmfile-release-sync";
import { HANDLER_PRELUDE } from "./handler-prelude.ts";
import { answerOf, questionOf } from "./handler-question.ts";
import type { HandlerAnswer, HandlerFault, HandlerTask } from "./handler-question.ts";

/** Of one question, which is asked twice. */
const HANDLER_RUN_LIMITS = {
  /** Of 10,000 branches and calls each: about half a second. */
  fuelMax: 1_000,
  memoryBytesMax: 32 * 1024 * 1024,
  stackBytesMax: 256 * 1024,
} as const;

/** Node has it; its types do not. */
declare const WebAssembly: {
  readonly Memory: new (pages: { initial: number; maximum: number }) => object;
};

/** Of 64 KiB: the interpreter with a handler's memory. It is had at once and never grows, which would be slow. */
const MEMORY_PAGES = 640;

const WHY_LENGTH_MAX = 200;

/** Of one thread. Synchronous: it returns when the handler has, or has used up its fuel. */
export type HandlerInterpreter = (task: HandlerTask) => HandlerAnswer;

export async function openInterpreter(): Promise<HandlerInterpreter> {
  const wasmMemory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
  const module = await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory }));
  return (task) => answered(module, task);
}

function answered(module: QuickJSWASMModule, task: HandlerTask): HandlerAnswer {
  let fuel = 0;
  const isSpent = (): boolean => fuel > HANDLER_RUN_LIMITS.fuelMax;
  return Scope.withScope((scope) => {
    const runtime = scope.manage(module.newRuntime());
    runtime.setMemoryLimit(HANDLER_RUN_LIMITS.memoryBytesMax);
    runtime.setMaxStackSize(HANDLER_RUN_LIMITS.stackBytesMax);
    runtime.setInterruptHandler(() => {
      fuel += 1;
      return isSpent();
    });
    const context = scope.manage(
      runtime.newContext({ intrinsics: { ...DefaultIntrinsics, Date: false } }),
    );
    return new Asking(context, scope, isSpent).ask(task);
  });
}

class Asking {
  readonly #context: QuickJSContext;
  readonly #scope: Scope;
  readonly #isSpent: () => boolean;

  constructor(context: QuickJSContext, scope: Scope, isSpent: () => boolean) {
    this.#context = context;
    this.#scope = scope;
    this.#isSpent = isSpent;
  }

  /** Once in the order of dots and once backwards: it may depend on neither order nor history. */
  ask({ source, key, values }: HandlerTask): HandlerAnswer {
    const asked = this.#run(HANDLER_PRELUDE, "prelude.js");
    if ("fault" in asked) return asked;
    const loaded = this.#run(source, "handler.js");
    if ("fault" in loaded) return loaded;
    const resolve = this.#run("typeof resolve === 'function' ? resolve : undefined", "handler.js");
    if ("fault" in resolve) return resolve;
    if (this.#context.typeof(resolve.handle) !== "function") {
      return { fault: "source", why: "it has no function named resolve" };
    }
    const first = this.#call(asked.handle, resolve.handle, questionOf(key, values));
    if (typeof first !== "string") return first;
    const again = this.#call(asked.handle, resolve.handle, questionOf(key, [...values].reverse()));
    if (typeof again !== "string") return again;
    if (first === again) return answerOf(first);
    return {
      fault: "changed",
      why: "it answers the same siblings in another way in another order",
    };
  }

  #run(code: string, file: string): { readonly handle: QuickJSHandle } | HandlerFault {
    const result = this.#context.evalCode(code, file);
    if (result.error !== undefined) return this.#faultOf(this.#scope.manage(result.error));
    return { handle: this.#scope.manage(result.value) };
  }

  #call(asked: QuickJSHandle, resolve: QuickJSHandle, question: string): string | HandlerFault {
    const context = this.#context;
    const given = this.#scope.manage(context.newString(question));
    const result = context.callFunction(asked, context.undefined, resolve, given);
    if (result.error !== undefined) return this.#faultOf(this.#scope.manage(result.error));
    return context.getString(this.#scope.manage(result.value));
  }

  #faultOf(error: QuickJSHandle): HandlerFault {
    const name = this.#textOf(error, "name");
    const message = this.#textOf(error, "message");
    if (this.#isSpent()) return { fault: "looped", why: "it does not end" };
    if (message === "out of memory") {
      const most = `${HANDLER_RUN_LIMITS.memoryBytesMax / 1024 / 1024} MiB`;
      return { fault: "memory", why: `it uses more than ${most}` };
    }
    const thrown = [name, message].filter((part) => part !== "").join(": ");
    return { fault: "threw", why: `it throws ${thrown === "" ? "what is no error" : thrown}` };
  }

  /** A getter of the handler's own counts as the rest of it does. */
  #textOf(error: QuickJSHandle, property: string): string {
    const context = this.#context;
    if (context.typeof(error) !== "object") return "";
    const value = this.#scope.manage(context.getProp(error, property));
    if (context.typeof(value) !== "string") return "";
    return context.getString(value).slice(0, WHY_LENGTH_MAX);
  }
}
