// The faults of faults.ts over Multi-Paxos.
import { describeFaults } from "./faults.ts";

describeFaults("paxos");
