import { describeMembership } from "./membership.ts";

describeMembership("raft");
