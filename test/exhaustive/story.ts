// How a world was reached: its inputs from the beginning, one a line.
import { epochText } from "./checks.ts";
import { CRASH, ownInput } from "./members.ts";
import type { Members } from "./members.ts";
import type { Setting } from "./node.ts";
import { crashesIn } from "./spent.ts";
import type { WorldSet } from "./world-set.ts";

export function storyOf(
  worlds: WorldSet,
  last: number,
  members: Members,
  setting: Setting,
): readonly string[] {
  const lines: string[] = [];
  for (let world = last; worlds.parent(world) !== world; world = worlds.parent(world)) {
    lines.push(lineOf(worlds, world, members, setting));
  }
  return lines.reverse();
}

function lineOf(worlds: WorldSet, world: number, members: Members, setting: Setting): string {
  const parent = worlds.parent(world);
  const cause = worlds.cause(world);
  const places = Array.from({ length: setting.bounds.nodes }, (_, at) => at);
  const moved = (at: number): boolean => worlds.part(world, at) !== worlds.part(parent, at);
  const to = cause < 0 ? undefined : setting.network.envelope(cause).to - 1;
  const at = to ?? places.find(moved) ?? 0;
  const { sight } = members.at(worlds.part(world, at));
  const spentAt = setting.bounds.nodes + 1;
  const crashes = (of: number): number => crashesIn(worlds.part(of, spentAt), at);
  const what = cause < 0 ? saidOf(-1 - cause) : heardOf(cause, setting);
  const torn = crashes(world) > crashes(parent) && cause !== -1 - CRASH;
  const held = sight.held.map((value) => value ?? "-").join(" ");
  const standing = `${sight.role} in ${epochText(sight.epoch)}`;
  const crashed = torn ? ", and crashes before that is written" : "";
  const known = `${sight.facts.committed.length} committed`;
  return `n${at + 1} ${what}${crashed}: ${standing}, holds [${held}], ${known}`;
}

function saidOf(own: number): string {
  const input = ownInput(own);
  switch (input.kind) {
    case "timeout":
      return "times out";
    case "crash":
      return "crashes";
    case "propose":
      return `proposes ${input.value + 1}`;
  }
}

function heardOf(message: number, { network }: Setting): string {
  const { from, epoch, body } = network.envelope(message);
  return `hears ${body.kind} of n${from} in ${epochText(epoch)}`;
}
