export * from "./message.ts";
export { createPaxos } from "./paxos.ts";
