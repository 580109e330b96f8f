// Every command of Debian's etcdctl, with every flag that it has, on three members of Hansa and on three of etcd:
// what it prints and how it ends is the same, but for what a step names as meant to differ. `npm run walk` goes
// through every environment and runs whole what takes minutes.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hansa } from "./cluster.ts";
import { describeWith } from "./tools.ts";
import { readCtlHelp } from "./walk/ctl-help.ts";
import { ENVIRONMENTS, IS_WHOLE, startSides, titleOf } from "./walk/environment.ts";
import type { Environment, Sides } from "./walk/environment.ts";
import { judged, linesOf, runStep } from "./walk/step.ts";
import type { Section, Step } from "./walk/step.ts";
import { AUTH_SECTIONS } from "./walk/steps-auth.ts";
import { CERTIFICATE_SECTIONS } from "./walk/steps-certificates.ts";
import { CLUSTER_SECTIONS, checkSection } from "./walk/steps-cluster.ts";
import { COORDINATION_SECTIONS, mirrorSection } from "./walk/steps-coordination.ts";
import { KEY_SECTIONS } from "./walk/steps-keys.ts";
import type { World } from "./walk/world.ts";

/** What is walked through in an environment, in this order. */
function sectionsOf({ tls }: Environment): readonly Section[] {
  const certificates = tls ? CERTIFICATE_SECTIONS : [];
  if (tls && !IS_WHOLE) return [...certificates, mirrorSection({ tls, brief: true })];
  return [
    ...KEY_SECTIONS,
    ...COORDINATION_SECTIONS,
    mirrorSection({ tls, brief: false }),
    ...CLUSTER_SECTIONS,
    ...AUTH_SECTIONS,
    ...certificates,
    // How much it writes is its own affair: revisions differ from here on.
    checkSection({ isWhole: IS_WHOLE, tls }),
  ];
}

const SECTION_MS_MAX = IS_WHOLE ? 400_000 : 180_000;

/** What is not walked, and why. */
const COMMANDS_LEFT_OUT: Readonly<Record<string, string>> = {
  "snapshot status": "reads a bbolt file; `hansa snapshot status` reads ours",
  "snapshot restore": "reads a bbolt file; `hansa snapshot restore` reads ours",
};

const FLAGS_LEFT_OUT: Readonly<Record<string, string>> = {
  "defrag --data-dir": "opens a bbolt file offline",
  "migrate --transformer": "of etcd's own files of version 2",
  "check perf --auto-compact": "walked whole only (npm run walk)",
  "check perf --auto-defrag": "walked whole only (npm run walk)",
  "check datascale --auto-compact": "walked whole only (npm run walk)",
  "check datascale --auto-defrag": "walked whole only (npm run walk)",
};

const GLOBAL_FLAGS_LEFT_OUT: Readonly<Record<string, string>> = {
  "discovery-srv": "asks DNS, no member",
  "discovery-srv-name": "asks DNS, no member",
  "insecure-discovery": "asks DNS, no member",
  endpoints: "of every step",
};

async function walk(world: World, steps: readonly Step[]): Promise<string[]> {
  const transcripts: string[] = [];
  for (const one of steps) transcripts.push(await runStep(world, one));
  return transcripts;
}

describeWith(["etcd", "etcdctl"], "the walk through etcdctl", () => {
  test("leaves out no command and no flag that etcdctl's help names", async () => {
    const lines = ENVIRONMENTS.flatMap(sectionsOf)
      .flatMap(({ steps }) => steps)
      .flatMap(linesOf);
    const { commands, globalFlags } = await readCtlHelp();
    expect(commands.length).toBeGreaterThan(45);
    const forgotten = commands.flatMap(({ name, flags }) => {
      if (name in COMMANDS_LEFT_OUT) return [];
      const walked = lines.filter((line) => ` ${line} `.includes(` ${name} `));
      if (walked.length === 0) return [name];
      return flags
        .filter((flag) => !walked.some((line) => line.includes(`--${flag}`)))
        .map((flag) => `${name} --${flag}`)
        .filter((flag) => !(flag in FLAGS_LEFT_OUT));
    });
    const global = globalFlags.filter(
      (flag) =>
        !(flag in GLOBAL_FLAGS_LEFT_OUT) &&
        !lines.some((line) => line.includes(flag === "write-out" ? "-w " : `--${flag}`)),
    );
    expect([...forgotten, ...global]).toEqual([]);
    const names = new Set(commands.map(({ name }) => name));
    expect(Object.keys(COMMANDS_LEFT_OUT).filter((name) => !names.has(name))).toEqual([]);
  });

  describe.each(ENVIRONMENTS.map((one) => [titleOf(one), one] as const))("%s", (_, environment) => {
    let sides: Sides | undefined;

    beforeAll(async () => {
      sides = await startSides(environment);
    }, SECTION_MS_MAX);

    afterAll(async () => {
      await sides?.stop();
    });

    test.each(sectionsOf(environment))(
      "$title",
      async ({ steps }) => {
        if (sides === undefined) throw new Error("the clusters did not start");
        const [ours, theirs] = await Promise.all([
          walk(sides.ours, steps),
          walk(sides.theirs, steps),
        ]);
        const wrong = steps.flatMap(
          (one, at) => judged(one, ours[at] ?? "", theirs[at] ?? "", environment) ?? [],
        );
        expect(wrong.join("\n\n")).toBe("");
      },
      SECTION_MS_MAX,
    );

    test("hansa check finds the cluster as it is", async () => {
      if (sides === undefined) throw new Error("the clusters did not start");
      const { endpoints, flags } = sides.ours.plan;
      const asked = ["--endpoints", endpoints.join(","), ...flags];
      const { stdout, stderr } = await hansa([
        "check",
        ...asked,
        "--duration",
        "500ms",
        "-w",
        "json",
      ]);
      const { findings } = JSON.parse(stdout || stderr) as {
        findings: { subject: string; verdict: string; found: string }[];
      };
      // How fast disks and round trips are is this machine's affair.
      const timeless = findings.filter(({ subject }) => !/^(answers|disk|leader)/.test(subject));
      expect(timeless.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
      const kinds = new Set(findings.map(({ subject }) => subject.replace(/ of .*/, "")));
      expect([...kinds].sort()).toEqual(
        expect.arrayContaining([
          ...["alarms", "answers", "clock rate", "disk", "hashes", "lag", "leader", "quorum"],
          ...["space", "versions", "wall clock"],
        ]),
      );
    });
  });
});
