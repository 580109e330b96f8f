// The edge: bytes become types here, and answers bytes.
export * from "./backend.ts";
export * from "./peer-message.ts";
