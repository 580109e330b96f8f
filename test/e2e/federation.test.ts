// Three regions of one member each. With `npm run e2e` the first has three (federation-members.long.ts).
import { describeRegions } from "./federation-regions.ts";

describeRegions(1);
