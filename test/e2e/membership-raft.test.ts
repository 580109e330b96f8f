// Membership on real processes over Raft.
import { describeMembership } from "./membership.ts";

describeMembership("raft");
