// A step of the walk: a command line, or a scene of several processes, run on both sides and compared.
import type { Finished } from "../child.ts";
import type { World } from "./world.ts";

interface Difference {
  readonly why: string;
  readonly ours: RegExp;
}

export interface CommandStep {
  /** Words of etcdctl behind the flags of every call; `{name}` stands for what was captured, '...' keeps blanks. */
  readonly line: string;
  readonly input?: string;
  /** Which endpoints are asked: `{m1}` unless said otherwise. */
  readonly at?: string;
  /** Names a part of the output for the lines that follow. */
  readonly capture?: Readonly<Record<string, RegExp>>;
  /** The order of lines says nothing (members are listed by id). */
  readonly anyOrder?: boolean;
  /** What is meant to differ: why, and what is expected of Hansa instead of etcd's words. */
  readonly differs?: Difference;
  /** The same, where auth is on. */
  readonly differsWithAuth?: Difference;
}

/** Plays on one side and tells what came of it. */
export interface Scene {
  /** The commands that it runs, as `watch --prefix`, for the account of what was walked. */
  readonly lines: readonly string[];
  readonly scene: string;
  readonly play: (world: World) => Promise<string>;
}

export type Step = CommandStep | Scene;

export interface Section {
  readonly title: string;
  readonly steps: readonly Step[];
}

export function step(line: string, more: Omit<CommandStep, "line"> = {}): CommandStep {
  return { line, ...more };
}

export function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

/** Every line that a step runs. */
export function linesOf(one: Step): readonly string[] {
  return "scene" in one ? one.lines : [one.line];
}

/** Runs a step on one side. @returns its transcript, normalized */
export async function runStep(world: World, one: Step): Promise<string> {
  if ("scene" in one) return world.normalized(`# ${one.scene}\n${await one.play(world)}`);
  const args = wordsOf(one.line).map((word) => world.filled(word));
  const finished = await world.ctl(world.filled(one.at ?? "{m1}"), args, one.input);
  for (const [name, pattern] of Object.entries(one.capture ?? {})) {
    const found = pattern.exec(finished.stdout)?.[1];
    if (found === undefined) throw new Error(`no ${name} in: ${told(finished)}`);
    world.name(name, found);
  }
  const text = world.normalized(told(finished));
  const shown = one.anyOrder === true ? text.split("\n").sort().join("\n") : text;
  return `$ etcdctl ${one.line}\n${shown}`;
}

function told({ stdout, stderr, exit }: Finished): string {
  return `${stdout}${stderr}\n-> ${exit.signal ?? exit.code ?? "?"}`;
}

/** Compares the sides' transcripts of a step. @returns what is wrong with ours; undefined: nothing */
export function judged(
  one: Step,
  ours: string,
  theirs: string,
  environment: { readonly auth: boolean },
): string | undefined {
  const differs = differenceOf(one, environment);
  if (differs !== undefined) {
    return differs.ours.test(ours) ? undefined : `${ours}\nis not like ${String(differs.ours)}`;
  }
  return ours === theirs ? undefined : `ours:\n${ours}\n\netcd's:\n${theirs}`;
}

function differenceOf(one: Step, { auth }: { readonly auth: boolean }): Difference | undefined {
  if ("scene" in one) return undefined;
  return auth ? (one.differsWithAuth ?? one.differs) : one.differs;
}
