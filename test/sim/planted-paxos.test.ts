// Planted bugs that the Paxos core has a guard against are found, by the check that names them.
import { testHunts } from "./budget.ts";

testHunts("paxos");
