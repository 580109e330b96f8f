// A scenario in one line: its commands run on bare Paxos cores, and what the last one prints is compared.
import { PROTOCOLS } from "../scenario/protocols.ts";

/** `;` ends a command. `bug` is planted at every node. */
export function run(story: string, bug?: string): string {
  const commands = PROTOCOLS.paxos();
  let printed: readonly string[] = [];
  for (const line of story.split(";").map((part) => part.trim())) {
    const [name = "", ...args] = line.split(" ");
    const command = commands[name];
    if (command === undefined) throw new Error(`no command ${name}`);
    const planted = name === "nodes" && bug !== undefined ? [`planted=${bug}`] : [];
    printed = command([...args, ...planted]);
  }
  return printed.join("; ");
}

export interface Guard {
  readonly says: string;
  readonly bug: string;
  readonly story: string;
  readonly holds: string;
  /** What the story ends with when the guard is gone. */
  readonly broken: string;
}

/** Its poll is answered: the candidate knows that it may campaign, and its promise is durable. */
export const POLL = "deliver prepare-poll; deliver prepare-poll-answer; persist 1";
