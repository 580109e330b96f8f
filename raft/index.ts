export * from "./message.ts";
export { createRaft } from "./raft.ts";
