// Harm done to real members, one strike at a time: kill -9, SIGSTOP, and partitions where this machine's kernel can
// make a network for them. Whatever a strike did is undone when it ends.
import type { Cluster, MemberProcess } from "../e2e/cluster.ts";
import { tick } from "../e2e/until.ts";
import type { Network } from "../integration/netns/network.ts";
import { apart, deaf, mute, without } from "../integration/netns/shapes.ts";
import type { Chance } from "../sim/chance.ts";

const LASTS_MS_MIN = 300;
const LASTS_MS_MAX = 2_500;
/** Characters of what a member said. */
const WORDS_SHOWN = 3_000;

export interface StrikeOptions {
  readonly cluster: Cluster;
  readonly chance: Chance;
  /** Absent: members share one network that cannot be cut. */
  readonly network?: Network;
}

export interface Struck {
  readonly what: string;
  readonly names: readonly string[];
}

const ALONE = ["kill", "kill", "pause", "pause", "kill-all"] as const;
const PARTITIONS = ["apart", "deaf", "mute", "unplug"] as const;
type Kind = (typeof ALONE)[number] | (typeof PARTITIONS)[number];

/** One strike, from its begin to its end; `onStruck` hears of it as it begins. */
export async function strike(
  { cluster, chance, network }: StrikeOptions,
  onStruck: (struck: Struck) => void,
): Promise<void> {
  const kind: Kind = chance.pick(network === undefined ? ALONE : [...ALONE, ...PARTITIONS]);
  const leader = await cluster.leader();
  const victim = chance.hits(0.6) ? leader : chance.pick(cluster.members);
  const all = cluster.members.map(({ name }) => name);
  const lastsMs = chance.between(LASTS_MS_MIN, LASTS_MS_MAX);
  onStruck({ what: `${kind} ${victim.name}`, names: kind === "kill-all" ? all : [victim.name] });
  switch (kind) {
    case "kill":
      await killAndStart([victim], lastsMs);
      break;
    case "kill-all":
      await killAndStart(cluster.members, 0);
      break;
    case "pause":
      victim.signal("SIGSTOP");
      await tick(lastsMs);
      victim.signal("SIGCONT");
      break;
    case "unplug":
      await network?.unplug(victim.name);
      break;
    case "apart":
      await network?.drop(apart([victim.name], without(all, victim.name)));
      break;
    case "deaf":
      await network?.drop(deaf(victim.name, all));
      break;
    case "mute":
      await network?.drop(mute(victim.name, all));
      break;
  }
  if (network === undefined) return;
  await tick(lastsMs);
  await network.heal();
}

async function killAndStart(members: readonly MemberProcess[], downMs: number): Promise<void> {
  await Promise.all(members.map((member) => member.kill()));
  await tick(downMs);
  for (const member of members) member.start();
  await Promise.all(members.map(comesBack));
}

/** @throws {Error} with its last words. */
async function comesBack(member: MemberProcess): Promise<void> {
  try {
    await member.ready();
  } catch (cause) {
    const words = member.output.slice(-WORDS_SHOWN);
    throw new Error(`${member.name} does not come back:\n${words}`, { cause });
  }
}
