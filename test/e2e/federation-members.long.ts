// Three regions, the first of three members, whose leader is killed: with `npm run e2e`.
import { describeRegions } from "./federation-regions.ts";

describeRegions(3);
