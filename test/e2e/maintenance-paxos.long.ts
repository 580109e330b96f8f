// Upkeep on real processes over Multi-Paxos: with `npm run e2e`. In `npm test` it is Raft's turn.
import { maintenanceSuite } from "./maintenance.ts";

maintenanceSuite("paxos");
