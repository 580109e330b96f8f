// The faults of faults.ts over Multi-Paxos: with `npm run e2e`. `npm test` cuts the network over Raft alone; faults that
// are no network's, and thousands of partitions in the simulator, meet both.
import { test } from "@jest/globals";
import { protocolsFor } from "../../e2e/cluster.ts";
import { describeFaults } from "./faults.ts";

if (protocolsFor("raft").includes("paxos")) describeFaults("paxos");
else test.skip("npm run e2e cuts the network over Multi-Paxos too", () => undefined);
