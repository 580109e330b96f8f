// Membership on real processes over Raft: with `npm run e2e`. In `npm test` it is Multi-Paxos' turn.
import { test } from "@jest/globals";
import { protocolsFor } from "./cluster.ts";
import { describeMembership } from "./membership.ts";

if (protocolsFor("paxos").includes("raft")) describeMembership("raft");
else test.skip("npm run e2e changes members over Raft too", () => undefined);
