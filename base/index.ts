export * from "./assert.ts";
export * from "./bytes.ts";
export * from "./crc32c.ts";
export * from "./duration.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./planted.ts";
export * from "./prng.ts";
