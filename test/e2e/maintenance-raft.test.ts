// Upkeep on real processes over Raft, and Debian's etcdctl at it.
import { etcdctlMaintenanceSuite, maintenanceSuite } from "./maintenance.ts";

maintenanceSuite("raft");
etcdctlMaintenanceSuite("raft");
