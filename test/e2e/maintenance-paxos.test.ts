import { etcdctlMaintenanceSuite, maintenanceSuite } from "./maintenance.ts";

maintenanceSuite("paxos");
etcdctlMaintenanceSuite("paxos");
