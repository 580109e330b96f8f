// The faults of faults.ts over Raft.
import { describeFaults } from "./faults.ts";

describeFaults("raft");
