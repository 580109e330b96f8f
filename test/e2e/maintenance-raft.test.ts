import { etcdctlMaintenanceSuite, maintenanceSuite } from "./maintenance.ts";

maintenanceSuite("raft");
etcdctlMaintenanceSuite("raft");
