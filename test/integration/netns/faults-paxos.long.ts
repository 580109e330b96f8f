// The faults of faults.ts over Multi-Paxos: with `npm run e2e`. `npm test` cuts the network over Raft alone; faults that
// are no network's, and thousands of partitions in the simulator, meet both.
import { describeFaults } from "./faults.ts";

describeFaults("paxos");
