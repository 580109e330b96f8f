export * from "./contract.ts";
export * from "./entry.ts";
export * from "./freshness.ts";
export * from "./membership.ts";
export * from "./quorum.ts";
