// What etcdctl itself says that it can do, read from its help: the walk may forget nothing of it.
import { finish } from "../child.ts";

export interface CtlCommand {
  /** As `member add`. */
  readonly name: string;
  /** Its own, without the dashes and without those of every command. */
  readonly flags: readonly string[];
}

export interface CtlHelp {
  readonly commands: readonly CtlCommand[];
  /** Of every command. */
  readonly globalFlags: readonly string[];
}

export async function readCtlHelp(): Promise<CtlHelp> {
  const help = await helpOf([]);
  const names = section(help, "COMMANDS").flatMap((line) => {
    const [, name] = /^\t([a-z]+(?:-[a-z]+)*(?: [a-z]+(?:-[a-z]+)*)?)\t/.exec(line) ?? [];
    return name === undefined ? [] : [name];
  });
  const globalFlags = flagsIn(section(help, "OPTIONS"));
  // Flags of a group, as `endpoint --cluster`, belong to each of its commands.
  const groups = new Map<string, readonly string[]>();
  for (const group of new Set(names.flatMap((name) => groupOf(name)))) {
    groups.set(group, flagsIn(section(await helpOf([group]), "OPTIONS")));
  }
  const commands = await Promise.all(
    names.map(async (name) => {
      const own = flagsIn(section(await helpOf(name.split(" ")), "OPTIONS"));
      const inherited = groupOf(name).flatMap((group) => groups.get(group) ?? []);
      return { name, flags: [...new Set([...own, ...inherited])] };
    }),
  );
  return { commands, globalFlags };
}

function groupOf(name: string): string[] {
  const [group = "", command] = name.split(" ");
  return command === undefined ? [] : [group];
}

async function helpOf(command: readonly string[]): Promise<string> {
  const { stdout } = await finish("etcdctl", [...command, "--help"], {
    env: { ETCDCTL_API: "3" },
  });
  return stdout;
}

/** Lines between a head and the next one. */
function section(help: string, head: string): string[] {
  const lines = help.split("\n");
  const from = lines.indexOf(`${head}:`);
  if (from < 0) return [];
  const rest = lines.slice(from + 1);
  const until = rest.findIndex((line) => /^[A-Z ]+:$/.test(line));
  return until < 0 ? rest : rest.slice(0, until);
}

function flagsIn(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, flag] = /^\s+(?:-[a-z], )?--([a-z-]+)/.exec(line) ?? [];
    return flag === undefined || flag === "help" ? [] : [flag];
  });
}
