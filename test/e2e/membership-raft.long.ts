// Membership on real processes over Raft: with `npm run e2e`. In `npm test` it is Multi-Paxos' turn.
import { describeMembership } from "./membership.ts";

describeMembership("raft");
