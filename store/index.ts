export * from "./command.ts";
export * from "./disk.ts";
export * from "./engine.ts";
export * from "./log.ts";
export * from "./machine.ts";
export * from "./plan.ts";
export * from "./request.ts";
export * from "./response.ts";
