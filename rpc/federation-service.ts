// hansa.v1.Federation: the document changed a command at a time, and shown with what this region knows of the others.
import { KvError, bytesOf, keyOf, present, unreachable } from "../base/index.ts";
import {
  encodeConfig,
  isKindName,
  isPolicyName,
  neighbourMembers,
  reportersOf,
  standingOf,
} from "../federation/index.ts";
import type { ConfigCommand, Home, Topology } from "../federation/index.ts";
import { clampedNumberOf, hansa } from "../proto/index.ts";
import { decoded, invalid } from "./decode.ts";
import type { FederationDesk, FederationOrder, FederationView } from "./federation-desk.ts";
import { headed } from "./header.ts";
import { unary } from "./service.ts";
import type { ServiceTable } from "./service.ts";

const wire = hansa.v1;

/** `desk` absent: this member knows no directory. */
export function federationTable(desk: FederationDesk | undefined): ServiceTable {
  return {
    "/hansa.v1.Federation/Change": unary((bytes, call, reply) => {
      const order = orderOf(
        decoded(bytes, (reader) => wire.FederationChangeRequest.decode(reader)),
      );
      directoryOf(desk).change(order, call, (answer) => {
        if (!answer.ok) {
          reply(answer.error);
          return;
        }
        const { changed, config } = answer.value;
        const message = { changed, epoch: config.epoch };
        reply(wire.FederationChangeResponse.encode(message, headed(answer.header)).finish(true));
      });
    }),
    "/hansa.v1.Federation/Status": unary((_, call, reply) => {
      directoryOf(desk).view(call, (answer) => {
        if (!answer.ok) reply(answer.error);
        else {
          const message = statusOf(answer.value);
          reply(wire.FederationStatusResponse.encode(message, headed(answer.header)).finish(true));
        }
      });
    }),
  };
}

/** @throws {KvError} `federation-refused` */
function directoryOf(desk: FederationDesk | undefined): FederationDesk {
  if (desk !== undefined) return desk;
  const why = "this member knows no directory: --federation-directory-endpoints names it";
  throw new KvError("federation-refused", "not-applied", why);
}

/** @throws {KvError} `invalid-argument` naming what is missing or unknown. */
function orderOf(request: hansa.v1.FederationChangeRequest): FederationOrder {
  switch (request.command) {
    case "init":
    case "join":
    case "endpoints": {
      const found = present(request[request.command], request.command);
      const { region, endpoints, import: imports } = found;
      const order = { order: request.command, region: region ?? "", endpoints: endpoints ?? [] };
      return { ...order, imports: imports ?? false };
    }
    case "reincarnate": {
      const { region, sole_survivor } = present(request.reincarnate, "reincarnate");
      const soleSurvivor = sole_survivor ?? false;
      return { order: "reincarnate", region: region ?? "", soleSurvivor };
    }
    case "handler":
      return handlerOrder(present(request.handler, "handler"));
    case undefined:
      throw invalid("no command is given");
    default:
      return { order: "command", command: commandOf(request, request.command) };
  }
}

type Plain = Exclude<
  NonNullable<hansa.v1.FederationChangeRequest["command"]>,
  "init" | "join" | "endpoints" | "reincarnate" | "handler"
>;

function commandOf(request: hansa.v1.FederationChangeRequest, name: Plain): ConfigCommand {
  switch (name) {
    case "part":
      return { command: "part", regions: present(request.part, name).regions ?? [] };
    case "thaw":
      return { command: "thaw" };
    case "pause":
    case "resume":
      return { command: name, region: present(request[name], name).region ?? "" };
    case "policy":
      return policyCommand(present(request.policy, name));
    case "unset_policy":
      return { command: "policy-unset", prefix: keyIn(present(request.unset_policy, name)) };
    case "placement": {
      const placement = present(request.placement, name);
      const regions = placement.regions ?? [];
      return { command: "placement", prefix: keyIn(placement), regions };
    }
    case "home":
      return homeCommand(present(request.home, name));
    case "unset_home":
      return { command: "home-unset", prefix: keyIn(present(request.unset_home, name)) };
    case "move_home": {
      return moveCommand(present(request.move_home, name));
    }
    case "lease_home": {
      const { ttl_s, heirs, write_regions } = present(request.lease_home, name);
      return {
        command: "home-lease",
        prefix: keyIn(present(request.lease_home, name)),
        ttlS: ttl_s ?? 0,
        heirs: heirs ?? [],
        writeRegions: write_regions ?? 0,
      };
    }
    case "stay_home":
      return { command: "home-stay", prefix: keyIn(present(request.stay_home, name)) };
    case "unset_handler":
      return { command: "handler-unset", name: present(request.unset_handler, name).name ?? "" };
    case "auto_part": {
      const { after_s, bytes } = present(request.auto_part, name);
      return { command: "auto-part", afterS: after_s ?? 0, bytes: clampedNumberOf(bytes ?? 0) };
    }
    case "topology":
      return { command: "topology", topology: topologyOf(present(request.topology, name)) };
    default:
      return unreachable(name);
  }
}

function handlerOrder(given: hansa.v1.ISetHandler): FederationOrder {
  const { name, source, runs, samples } = given;
  const when = runs ?? "";
  if (when !== "on-read" && when !== "on-write") {
    throw invalid(`runs is ${JSON.stringify(when)}; expected on-read or on-write`);
  }
  return {
    order: "handler",
    name: name ?? "",
    source: source ?? "",
    runs: when,
    samples: samples ?? [],
  };
}

function homeCommand(given: hansa.v1.ISetHome): ConfigCommand {
  const { region, elsewhere } = given;
  const asked = elsewhere ?? "";
  const what = asked === "" ? "forward" : asked;
  if (!isElsewhere(what)) {
    throw invalid(`elsewhere is ${what}; expected forward, refuse or advisory`);
  }
  return { command: "home", prefix: keyIn(given), region: region ?? "", elsewhere: what };
}

function moveCommand(given: hansa.v1.IMoveHome): ConfigCommand {
  const { force, unplanned, write_regions } = given;
  if (force === true && unplanned === true) {
    throw invalid("a move by force waits for no region's word: it is either forced or unplanned");
  }
  if (unplanned !== true && (write_regions ?? 0) > 0) {
    throw invalid("write_regions is of an unplanned move: no other waits for words of regions");
  }
  const move = { command: "home-move", prefix: keyIn(given), to: given.to ?? "" } as const;
  const gathers = unplanned === true ? { gathers: write_regions ?? 0 } : {};
  return { ...move, force: force ?? false, ...gathers };
}

function policyCommand(given: hansa.v1.ISetPolicy): ConfigCommand {
  const { policy, kind, ranks, handler, owner_ttl: ownerTtl } = given;
  const name = policy ?? "";
  if (!isPolicyName(name)) throw invalid(`no policy is named ${JSON.stringify(name)}`);
  const kindName = kind ?? "";
  if (kindName !== "" && !isKindName(kindName)) throw invalid(`no kind is named ${kindName}`);
  return {
    command: "policy",
    prefix: keyIn(given),
    policy: name,
    ...(kindName === "" ? {} : { kind: kindName }),
    ranks: ranks ?? [],
    ...(handler === undefined || handler === null || handler === "" ? {} : { handler }),
    ttl: ownerTtl === true ? "owner" : "refused",
  };
}

function isElsewhere(text: string): text is "forward" | "refuse" | "advisory" {
  return ["forward", "refuse", "advisory"].includes(text);
}

function topologyOf({ shape, center, fanout, lists }: hansa.v1.ISetTopology): Topology {
  switch (shape) {
    case "mesh":
    case "ring":
      return { shape };
    case "star":
      return { shape, hub: center ?? "" };
    case "tree":
      return { shape, root: center ?? "", fanout: fanout ?? 0 };
    case "lists":
      return {
        shape,
        lists: (lists ?? []).map(({ region, regions }) => ({
          region: region ?? "",
          neighbours: regions ?? [],
        })),
      };
    default:
      throw invalid(`shape is ${shape ?? ""}; expected mesh, ring, star, tree or lists`);
  }
}

function keyIn({ prefix }: { prefix?: Uint8Array | null }): ReturnType<typeof keyOf> {
  return keyOf(prefix ?? new Uint8Array(0));
}

function statusOf(view: FederationView): hansa.v1.IFederationStatusResponse {
  const { config, directoryAnswered, regionEpoch } = view;
  const reported = new Set(config.freeze?.reports.map(({ region }) => region));
  return {
    federation_id: config.federationId,
    epoch: config.epoch,
    directory_answered: directoryAnswered,
    region_epoch: regionEpoch,
    regions: [...membersIn(view), ...closedIn(view)],
    homes: config.homes.map(homeStatusOf),
    awaited: reportersOf(config).filter((name) => !reported.has(name)),
    document: encodeConfig(config),
    ...(config.autoPart && {
      auto_part: { after_s: config.autoPart.afterS, bytes: config.autoPart.bytes },
    }),
    handlers: config.handlers.map(({ name, hash, runs, source, stopped }) => ({
      ...{ name, hash, runs, source },
      stopped_by: stopped?.region ?? "",
      stopped_why: stopped?.why ?? "",
    })),
  };
}

function homeStatusOf(home: Home): hansa.v1.IHomeStatus {
  const { prefix, region, elsewhere, epoch, move, lease, late = [] } = home;
  return {
    ...{ region, elsewhere, epoch, prefix: bytesOf(prefix) },
    moving_to: move?.to ?? "",
    lease_ttl_s: lease?.ttlS ?? 0,
    heirs: [...(lease?.heirs ?? [])],
    write_regions: lease?.writeRegions ?? 0,
    taken: late.length,
    unplanned: move?.gathering !== undefined,
    told: (move?.gathering?.words ?? []).map((word) => word.region),
  };
}

function membersIn({ config, applied }: FederationView): hansa.v1.IRegionStatus[] {
  return config.members.map(({ name, origin, incarnation, endpoints }) => ({
    name,
    origin,
    incarnation,
    standing: standingOf(config, name) ?? "",
    paused: config.paused.includes(origin),
    endpoints: [...endpoints],
    neighbours: neighbourMembers(config, origin).map((neighbour) => neighbour.name),
    applied: applied.get(origin) ?? 0,
  }));
}

function closedIn({ config, applied }: FederationView): hansa.v1.IRegionStatus[] {
  return config.closed.map(({ region, origin, incarnation, cut }) => ({
    name: region,
    origin,
    incarnation,
    standing: "parted",
    applied: applied.get(origin) ?? 0,
    cut,
  }));
}
