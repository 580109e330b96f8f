// `hansa federation policy|placement|home ...`: what the federation says of prefixes.
import { Option } from "commander";
import type { Command } from "commander";
import { withExamples } from "./examples.ts";
import { UsageError } from "./exit-code.ts";
import type { SendChange } from "./federation-send.ts";
import { countValue } from "./flag-value.ts";

const POLICIES = [
  "lww",
  "first-writer",
  "priority",
  "home-wins",
  "add-wins",
  "delete-wins",
  "merge",
  "siblings",
  "resolver",
];
const KINDS = ["counter", "bounded-counter", "set", "map", "register", "flag"];

interface PolicyFlags {
  readonly kind?: string;
  readonly ranks?: string;
  readonly handler?: string;
  readonly ownerTtl?: boolean;
}

export function addPolicyCommands(federation: Command, send: SendChange): void {
  const policy = federation.command("policy").description("which prefixes are federated, and how");
  const set = policy
    .command("set")
    .description("federate a prefix, or change how its conflicts are settled")
    .argument("<prefix>", "of keys; the longest that a key begins with decides")
    .argument("<policy>", POLICIES.join(", "))
    .addOption(new Option("--kind <kind>", "keys are not plain values").choices(KINDS))
    .option("--ranks <list>", "of priority: regions, the strongest first")
    .option("--handler <name>", "of resolver: who makes one value of siblings")
    .option("--owner-ttl", "leases belong to the region that put the key; otherwise refused")
    .action(async (prefix: string, name: string, flags: PolicyFlags, command: Command) => {
      await send(command, {
        policy: {
          prefix: bytesOf(prefix),
          policy: name,
          kind: flags.kind ?? "",
          ranks: listOf(flags.ranks),
          handler: flags.handler ?? "",
          owner_ttl: flags.ownerTtl ?? false,
        },
      });
    });
  withExamples(
    set,
    ["federation policy set config/ lww", "the latest write is shown"],
    ["federation policy set hits/ lww --kind counter", "counters that add up over regions"],
  );
  policy
    .command("unset")
    .description("make a prefix each region's own again")
    .argument("<prefix>", "as it was set")
    .action(async (prefix: string, _: object, command: Command) => {
      await send(command, { unset_policy: { prefix: bytesOf(prefix) } });
    });
}

export function addPlacementCommands(federation: Command, send: SendChange): void {
  federation
    .command("placement")
    .description("whose acknowledgements count for a prefix; none given: all regions'")
    .argument("<prefix>", "within a federated prefix")
    .argument("[regions...]", "their names")
    .action(async (prefix: string, regions: string[], _: object, command: Command) => {
      await send(command, { placement: { prefix: bytesOf(prefix), regions } });
    });
}

export function addHomeCommands(federation: Command, send: SendChange): void {
  const home = federation.command("home").description("prefixes that take writes in one region");
  home
    .command("set")
    .description("give a prefix its home")
    .argument("<prefix>", "within a federated prefix")
    .argument("<region>", "its name")
    .addOption(
      new Option("--elsewhere <what>", "what other regions do with a write")
        .choices(["forward", "refuse", "advisory"])
        .default("forward"),
    )
    .action(
      async (prefix: string, region: string, flags: { elsewhere: string }, command: Command) => {
        const { elsewhere } = flags;
        await send(command, { home: { prefix: bytesOf(prefix), region, elsewhere } });
      },
    );
  home
    .command("unset")
    .description("let every region write the prefix")
    .argument("<prefix>", "as it was set")
    .action(async (prefix: string, _: object, command: Command) => {
      await send(command, { unset_home: { prefix: bytesOf(prefix) } });
    });
  addMoveCommand(home, send);
  addLeaseCommand(home, send);
  home
    .command("stay")
    .description("give up a planned move")
    .argument("<prefix>", "as it was set")
    .action(async (prefix: string, _: object, command: Command) => {
      await send(command, { stay_home: { prefix: bytesOf(prefix) } });
    });
}

function addMoveCommand(home: Command, send: SendChange): void {
  const move = home
    .command("move")
    .description("move a home; planned, unless its region is parted")
    .argument("<prefix>", "as it was set")
    .argument("<region>", "where to")
    .option(
      "--unplanned",
      "without the old home, once other regions have told what they have of it",
    )
    .option(
      "--write-regions <count>",
      "of an unplanned move: what so many acknowledged is kept (default: 2)",
      countValue,
    )
    .addOption(
      new Option(
        "--force",
        "at once; what the old home took and the region that is asked lacks is flagged",
      ).conflicts(["unplanned", "writeRegions"]),
    )
    .action(async (prefix: string, to: string, flags: MoveFlags, command: Command) => {
      const { force = false, unplanned = false, writeRegions } = flags;
      if (writeRegions !== undefined && !unplanned) {
        throw new UsageError("--write-regions is for --unplanned: a planned move loses nothing");
      }
      const how = { force, unplanned, write_regions: writeRegions ?? 0 };
      await send(command, { move_home: { prefix: bytesOf(prefix), to, ...how } });
    });
  withExamples(
    move,
    ["federation home move claims/ fra", "ams hands it over"],
    ["federation home move claims/ fra --unplanned", "ams does not answer, fra and iad do"],
  );
}

interface MoveFlags {
  readonly force?: boolean;
  readonly unplanned?: boolean;
  readonly writeRegions?: number;
}

function addLeaseCommand(home: Command, send: SendChange): void {
  const lease = home
    .command("lease")
    .description("have a home held by a lease: when its region is away for so long, an heir has it")
    .argument("<prefix>", "as it was set")
    .option("--ttl <seconds>", "3 to 3600; 0: it moves by command alone again", countValue, 15)
    .option("--heirs <list>", "regions, the first before the others (default: every region)")
    .option(
      "--write-regions <count>",
      "what so many acknowledged outlives it (default: 2)",
      countValue,
    )
    .action(async (prefix: string, flags: LeaseFlags, command: Command) => {
      await send(command, {
        lease_home: {
          prefix: bytesOf(prefix),
          ttl_s: flags.ttl,
          heirs: listOf(flags.heirs),
          write_regions: flags.writeRegions ?? 0,
        },
      });
    });
  withExamples(
    lease,
    [
      "federation home lease claims/ --ttl 10",
      "any region takes it over 10 s after it was heard of",
    ],
    ["federation home lease claims/ --heirs fra,iad", "these two alone, fra first"],
  );
}

interface LeaseFlags {
  readonly ttl: number;
  readonly heirs?: string;
  readonly writeRegions?: number;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function listOf(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}
