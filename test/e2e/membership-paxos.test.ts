// Membership on real processes over Multi-Paxos.
import { describeMembership } from "./membership.ts";

describeMembership("paxos");
