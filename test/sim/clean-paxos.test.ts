// The first seeds on Multi-Paxos are clean.
import { testClean } from "./budget.ts";

testClean("paxos");
