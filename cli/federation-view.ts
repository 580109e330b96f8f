// What `hansa federation` prints: a line a region for people, a table, or everything with the configuration in JSON.
import type {
  FederationChangedAnswer,
  FederationHome,
  FederationRegion,
  FederationStatusAnswer,
} from "../client/index.ts";
import { textFrom } from "../client/index.ts";
import { stoppedLines } from "./federation-handler-view.ts";
import { headerJson } from "./output-json.ts";
import type { Json } from "./output-json.ts";
import type { View } from "./view.ts";

export function changedView({ header, changed, epoch }: FederationChangedAnswer): View {
  const told = changed ? `Federation is at epoch ${epoch}` : `Nothing to change at epoch ${epoch}`;
  return { simple: [`${told}\n`], json: { header: headerJson(header), changed, epoch } };
}

export function federationStatusView(status: FederationStatusAnswer): View {
  const { federationId, epoch, regionEpoch, directoryAnswered, regions, awaited, handlers } =
    status;
  const source = directoryAnswered ? "" : ", as this region has it: the directory does not answer";
  return {
    simple: [
      `federation ${federationId}, epoch ${epoch}${source}\n`,
      ...(regionEpoch === epoch ? [] : [`this region has logged epoch ${regionEpoch}\n`]),
      ...(awaited.length === 0 ? [] : [`a freeze waits for ${awaited.join(", ")}\n`]),
      ...regions.map(regionLine),
      ...autoPartLines(status),
      ...stoppedLines(handlers),
      ...status.homes.map(homeLine),
    ],
    table: {
      head: ["REGION", "STANDING", "ORIGIN", "APPLIED", "CUT", "PULLS FROM", "ENDPOINTS"],
      rows: regions.map((region) => [
        region.name,
        standingText(region),
        String(region.origin),
        String(region.applied),
        region.standing === "parted" ? String(region.cut) : "",
        region.neighbours.join(", "),
        region.endpoints.join(", "),
      ]),
    },
    json: {
      header: headerJson(status.header),
      federation_id: federationId,
      epoch,
      region_epoch: regionEpoch,
      directory_answered: directoryAnswered,
      awaited: [...awaited],
      regions: regions.map(regionJson),
      // The server's own text, which it has judged.
      document: JSON.parse(textFrom(status.document)) as Json,
    },
  };
}

function regionLine(region: FederationRegion): string {
  const { name, origin, applied, cut } = region;
  const end = region.standing === "parted" ? ` of ${cut}` : "";
  return `${name}: ${standingText(region)}, origin ${origin}, applied ${applied}${end}\n`;
}

function autoPartLines({ autoPart }: FederationStatusAnswer): string[] {
  if (autoPart === undefined) return [];
  const { afterS, bytes } = autoPart;
  const waiting = bytes === 0 ? "" : ` and for which ${bytes} bytes wait`;
  return [`a region that nobody hears of for ${afterS} s${waiting} is parted by itself\n`];
}

function homeLine(home: FederationHome): string {
  const { prefix, region, movingTo, leaseTtlS, taken } = home;
  const moving = movingTo === "" ? "" : `, moving to ${movingTo}${unplannedText(home)}`;
  const leased = leaseTtlS === 0 ? "" : `, leased for ${leaseTtlS} s`;
  const times = taken === 0 ? "" : `, taken over ${taken} ${taken === 1 ? "time" : "times"}`;
  return `home of ${JSON.stringify(textFrom(prefix))}: ${region}${moving}${leased}${times}\n`;
}

function unplannedText({ unplanned, told, region }: FederationHome): string {
  if (!unplanned) return "";
  const heard = told.length === 0 ? "nobody has told yet" : `${told.join(", ")} told`;
  return ` without ${region} (${heard} what it took)`;
}

function standingText({ standing, paused }: FederationRegion): string {
  return paused ? `${standing}, paused` : standing;
}

function regionJson(region: FederationRegion): Json {
  const { name, origin, incarnation, standing, paused, applied, cut } = region;
  const common = { name, origin, incarnation, standing, paused, applied };
  if (standing === "parted") return { ...common, cut };
  return { ...common, endpoints: [...region.endpoints], neighbours: [...region.neighbours] };
}
