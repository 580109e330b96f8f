export * from "./contract.ts";
export * from "./entry.ts";
export * from "./freshness.ts";
