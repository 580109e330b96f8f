// Upkeep on real processes over Paxos.
import { maintenanceSuite } from "./maintenance.ts";

maintenanceSuite("paxos");
