import { describeMembership } from "./membership.ts";

describeMembership("paxos");
